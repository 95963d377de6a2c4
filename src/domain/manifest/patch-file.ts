import { exactJson, parseExactJson } from '../../lib/exact-json.ts'
import { idOf, type Json, keyOf, type KubeObject, refOf } from './object.ts'
import type { ParsedObject } from './parsed-file.ts'
import { finishPatch, withoutDirectives } from './patch-directives.ts'
import type { Problem } from './problem.ts'

/** An object as JSON text. */
export type ObjectText = Pick<ParsedObject, 'head' | 'body'>

/** What kustomize gets: one object and its patches, all under one made-up name, so that nothing else can be meant. */
export type PatchTask = {
  name: string
  object: string
  patches: string[]
  /** One of the patches takes the object away. */
  deletes: boolean
}

export type PatchPlan = {
  tasks: PatchTask[]
  warnings: Problem[]
  /**
   * The whole output in the order of the IDs (flux-v1 §6), one JSON text per object. Takes what kustomize made of the tasks, by
   * made-up name; what is missing was deleted by its patch.
   */
  assemble: (patched: ReadonlyMap<string, string>) => string[]
}

/**
 * Brings patches and generated objects together by ID as written, with the same API group where several have it. A patch for
 * an object that is not there is dropped with a warning (complaint 7).
 */
export function planPatches(
  generated: readonly ObjectText[],
  patches: readonly (ObjectText & { line: number })[],
  patchFile: string,
): PatchPlan {
  const byId = Map.groupBy(generated, ({ head }) => idOf(refOf(head)))
  const taken = new Map<ObjectText, ObjectText[]>()
  const warnings: Problem[] = []
  for (const patch of patches) {
    const ref = refOf(patch.head)
    const id = idOf(ref)
    const same = byId.get(id) ?? []
    const exact = same.filter(({ head }) => keyOf(refOf(head)) === keyOf(ref))
    const targets = exact.length > 0 ? exact : same
    for (const target of targets) taken.set(target, [...(taken.get(target) ?? []), patch])
    if (targets.length === 0) {
      const message = `the patch for ${id} was left out: no generator makes this object; remove it from the file`
      warnings.push({ reason: 'PathNotFound', file: patchFile, line: patch.line, message, id })
    }
  }
  const tasks = new Map([...taken].map(([target, list], at) => [target, toTask(target, list, `capstan-${at}`)]))
  return {
    tasks: [...tasks.values()],
    warnings,
    assemble: (patched) =>
      generated
        .toSorted((a, b) => compareTexts(idOf(refOf(a.head)), idOf(refOf(b.head))))
        .flatMap((object) => finish(object, tasks.get(object), taken.get(object) ?? [], patched)),
  }
}

function finish(
  object: ObjectText,
  task: PatchTask | undefined,
  patches: readonly ObjectText[],
  patched: ReadonlyMap<string, string>,
): string[] {
  if (!task) return [object.body]
  const text = patched.get(task.name)
  if (text === undefined) return []
  const original = parseExactJson(object.body) as Json
  const result = patches.reduce<Json>(
    (so, patch) => finishPatch(so, parseExactJson(patch.body) as Json, original),
    parseExactJson(text) as Json,
  )
  const { name, namespace } = object.head.metadata
  return [exactJson(named(result as unknown as KubeObject, name, namespace))]
}

/** Patches are looked for by apiVersion, too: a patch that was made for an older one is meant for this object. */
function toTask(object: ObjectText, patches: readonly ObjectText[], name: string): PatchTask {
  const { apiVersion, kind } = object.head
  return {
    name,
    deletes: patches.some(({ body }) => (parseExactJson(body) as KubeObject).$patch === 'delete'),
    object: exactJson(named(parseExactJson(object.body) as KubeObject, name, undefined)),
    patches: patches.map(({ body }) => {
      const patch = withoutDirectives(parseExactJson(body) as Json) as unknown as KubeObject
      return exactJson({ ...named(patch, name, undefined), apiVersion, kind })
    }),
  }
}

function named(object: KubeObject, name: string, namespace: string | undefined): KubeObject {
  const { namespace: _, ...metadata } = object.metadata
  return { ...object, metadata: { ...metadata, name, ...(namespace ? { namespace } : {}) } }
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
