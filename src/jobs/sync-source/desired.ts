import type { Git, GitRemote, TreeFile } from '../../adapters/git/index.ts'
import { toAppError } from '../../domain/error.ts'
import type { Ancestor } from '../../domain/manifest/ancestor.ts'
import { isOlderDefinition } from '../../domain/release/definition.ts'
import { ignoreOf } from '../../domain/manifest/annotations.ts'
import { idOf, keyOf, type ObjectRef, refOf } from '../../domain/manifest/object.ts'
import type { ManifestObject } from '../../domain/manifest/parse.ts'
import type { ParsedObject } from '../../domain/manifest/parsed-file.ts'
import { type ApiFacts, place, possibleKeys } from '../../domain/manifest/place.ts'
import { ofTheWhole, type Problem } from '../../domain/manifest/problem.ts'
import { filesInScope } from '../../domain/source/scope.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { fileManifest, type Manifest, madeManifest, type ReadFilesDeps, readManifests } from './files.ts'
import type { Head, SourceMemory } from './memory.ts'
import type { Rendered } from './render.ts'

/** One object that git wants, placed in its namespace. */
export type DesiredObject = {
  key: string
  ref: ObjectRef
  id: string
  file: string
  line: number
  digest: string
  ignored: boolean
  /** As git has them: policies only, see memory.ts. */
  annotations: Readonly<Record<string, string>> | undefined
  blob: string
  index: number
  /** Why it is not applied where this Capstan does that work. */
  heldBack?: HeldBack
}

/** It runs a program that Capstan takes the place of, or is a definition of HelmReleases older than ours. */
export type HeldBack = Ancestor | 'definition'

/** The desired state at one commit. */
export type Desired = {
  objects: DesiredObject[]
  /** Keys that git defines but that must not be applied: duplicates, unknown kinds, faulty objects, foreign namespaces. Never pruned. */
  withheld: ReadonlySet<string>
  /** What could not be loaded; while there is one, nothing is pruned (ruling 7c). */
  problems: Problem[]
  warnings: Problem[]
  /** Whole objects, as JSON, of the blobs that were parsed for this very sync, so that what is applied now is not parsed twice. */
  fresh: ReadonlyMap<string, readonly string[]>
  /** Texts that generators made, by blob. */
  made: ReadonlyMap<string, Manifest>
}

type Found = ManifestObject & { blob: string; head: Head }

/** What of a source is not read as it lies in git; see render.ts. */
export type Render = (
  where: { spec: SourceSpec; remote: GitRemote; commit: string; tree: readonly TreeFile[] },
  signal: AbortSignal,
) => Promise<Rendered>

export type DesiredDeps = ReadFilesDeps & {
  git: Pick<Git, 'tree' | 'read'>
  render: Render
  /** Scope of a kind by discovery; undefined when the cluster does not serve it. */
  scopeOf: (apiVersion: string, kind: string) => Promise<{ namespaced: boolean } | undefined>
}

type Where = { spec: SourceSpec; remote: GitRemote; commit: string }

/** Reads the files of a commit, parses those that were not seen before, and places every object. Throws PathNotFound. */
export async function loadDesired(
  where: Where,
  memory: SourceMemory,
  deps: DesiredDeps,
  signal: AbortSignal,
): Promise<Desired> {
  const { spec, remote } = where
  forgetOtherReading(spec, memory)
  const { manifests, problems, warnings } = await listManifests(where, memory, deps, signal)
  const fresh = await parseNew(manifests, remote, { memory, deps }, signal)
  forgetOthers(memory, manifests)

  const found: Found[] = []
  for (const { file, blob } of manifests) {
    const parsed = memory.blobs.get(blob)
    if (!parsed) continue
    problems.push(...parsed.problems.map((problem) => ({ ...problem, file })))
    warnings.push(...parsed.warnings.map((warning) => ({ ...warning, file })))
    for (const head of parsed.heads) found.push({ object: head.object, file, line: head.line, blob, head })
  }
  const placed = place(found, { ...spec, facts: await readFacts(found, deps) })
  problems.push(...placed.problems)
  return {
    objects: placed.objects.map(toDesired),
    withheld: withFaulty(placed.withheld, problems, spec),
    problems,
    warnings: [...warnings, ...placed.warnings],
    fresh,
    made: new Map(manifests.filter(({ text }) => text !== undefined).map((made) => [made.blob, made])),
  }
}

/** Objects that could be told apart but not read are defined in git all the same. */
function withFaulty(withheld: ReadonlySet<string>, problems: readonly Problem[], spec: SourceSpec): Set<string> {
  const faulty = problems.flatMap(({ object }) => (object?.name ? possibleKeys(object, spec) : []))
  return new Set([...withheld, ...faulty])
}

/** The texts that make up the source at a commit: its files, and what its generators make of it, run once per commit. */
async function listManifests(where: Where, memory: SourceMemory, deps: DesiredDeps, signal: AbortSignal) {
  const { spec, remote, commit } = where
  const tree = await deps.git.tree(remote, commit, [], signal)
  const rendered =
    memory.rendered?.commit === commit ? memory.rendered.result : await deps.render({ ...where, tree }, signal)
  // a failed generator is tried again: its cause may lie outside the repository
  memory.rendered = rendered.problems.length === 0 ? { commit, result: rendered } : undefined
  const paths = rendered.plainPaths ?? spec.paths
  const isAllMade = rendered.plainPaths?.length === 0
  const scope = isAllMade ? { files: [], problems: [], warnings: [] } : filesInScope(tree, { ...spec, paths })
  return {
    manifests: [...scope.files.map(fileManifest), ...rendered.outputs.map(madeManifest)],
    // whatever a generator stumbled over, nothing of what it makes is there
    problems: [...scope.problems, ...rendered.problems.map(ofTheWhole)],
    warnings: [...scope.warnings, ...rendered.warnings],
  }
}

/**
 * Whole objects as JSON, by key. Files that were not parsed just now are read again. An object whose text is gone meanwhile is not
 * in the answer.
 */
export async function loadBodies(
  wanted: readonly DesiredObject[],
  { fresh, made }: Pick<Desired, 'fresh' | 'made'>,
  { remote, deps }: { remote: GitRemote; deps: ReadFilesDeps },
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const byBlob = Map.groupBy(wanted, ({ blob }) => blob)
  const stale = [...byBlob]
    .filter(([blob]) => !fresh.has(blob))
    .map(([blob, objects]) => made.get(blob) ?? { file: objects[0]?.file ?? '', blob })
  const parsed = await readManifests(stale, remote, deps, signal)
  const bodies = new Map<string, string>()
  for (const [blob, objects] of byBlob) {
    const texts = fresh.get(blob) ?? parsed.get(blob)?.objects.map(({ body }) => body) ?? []
    for (const { key, index } of objects) {
      const body = texts[index]
      if (body !== undefined) bodies.set(key, body)
    }
  }
  return bodies
}

async function parseNew(
  manifests: readonly Manifest[],
  remote: GitRemote,
  { memory, deps }: { memory: SourceMemory; deps: DesiredDeps },
  signal: AbortSignal,
): Promise<Map<string, string[]>> {
  const fresh = new Map<string, string[]>()
  const isUnseen = ({ blob }: Manifest) => !memory.blobs.get(blob)?.isFinal
  const unseen = new Map(manifests.filter(isUnseen).map((one) => [one.blob, one]))
  const parsed = await readManifests([...unseen.values()], remote, deps, signal)
  for (const [blob, { objects, problems, warnings }] of parsed) {
    const heads = objects.map((object, index) => toHead(object, index))
    // a key may be given later; what is wrong with the bytes stays wrong
    const isFinal = problems.every(({ reason }) => reason === 'InvalidYAML')
    memory.blobs.set(blob, { heads, problems, warnings, isFinal })
    fresh.set(
      blob,
      objects.map(({ body }) => body),
    )
  }
  return fresh
}

function toHead({ head, line, digest, ancestor }: ParsedObject, index: number): Head {
  return { object: head, line, index, digest, ...(ancestor ? { ancestor } : {}) }
}

function forgetOtherReading(spec: SourceSpec, memory: SourceMemory): void {
  const { url, paths, include, exclude, render, generate, gitSecret, sops, sopsKeys, sopsSecretName } = spec
  const reading = JSON.stringify([
    [url, paths, include, exclude, render, generate],
    [gitSecret, sops, sopsKeys, sopsSecretName],
  ])
  if (memory.reading === reading) return
  memory.blobs.clear()
  memory.rendered = undefined
  memory.reading = reading
}

/** Only the blobs of the newest revision stay; a file that comes back is parsed again. */
function forgetOthers(memory: SourceMemory, manifests: readonly Manifest[]): void {
  const wanted = new Set(manifests.map(({ blob }) => blob))
  for (const blob of memory.blobs.keys()) if (!wanted.has(blob)) memory.blobs.delete(blob)
}

/**
 * Which kinds are served, and how. An API group whose server does not answer while the others do (a metrics server that is down)
 * holds up its own kinds alone.
 */
async function readFacts(objects: readonly ManifestObject[], deps: DesiredDeps): Promise<ApiFacts> {
  const kinds = new Map(
    objects.map(({ object: { apiVersion, kind } }) => [`${apiVersion} ${kind}`, { apiVersion, kind }]),
  )
  const scopes = new Map<string, ReturnType<ApiFacts>>()
  await Promise.all(
    [...kinds].map(async ([key, { apiVersion, kind }]) => {
      try {
        scopes.set(key, await deps.scopeOf(apiVersion, kind))
      } catch (error) {
        const { reason, message } = toAppError(error)
        if (!apiVersion.includes('/') || reason !== 'ClusterUnavailable') throw error
        await deps.scopeOf('v1', 'Namespace')
        scopes.set(key, { unavailable: message })
      }
    }),
  )
  return (apiVersion, kind) => scopes.get(`${apiVersion} ${kind}`)
}

function toDesired({ object, file, line, blob, head }: Found): DesiredObject {
  const ref = refOf(object)
  const heldBack = head.ancestor ?? (isOlderDefinition(object) ? 'definition' : undefined)
  return {
    key: keyOf(ref),
    ref,
    id: idOf(ref),
    file,
    line,
    digest: head.digest,
    ignored: ignoreOf(object) === 'true',
    annotations: object.metadata.annotations,
    blob,
    index: head.index,
    ...(heldBack ? { heldBack } : {}),
  }
}
