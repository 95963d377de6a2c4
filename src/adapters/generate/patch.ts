import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ParsedFile } from '../../domain/manifest/parsed-file.ts'
import { type PatchTask, planPatches } from '../../domain/manifest/patch-file.ts'
import { inPortions } from '../../domain/manifest/portions.ts'
import type { Problem } from '../../domain/manifest/problem.ts'
import type { CommandsAt } from './commands.ts'
import { filesBelow } from './files.ts'
import { kustomize } from './kustomize.ts'
import type { Generated, Place } from './place.ts'

/**
 * Applies a patch file to what generators printed, by kustomize (W20). Only patched objects go through it; the rest stays as it was
 * printed. A file that is not there patches nothing, as long as its folder is there.
 */
export async function applyPatchFile(
  text: string,
  patchFile: string,
  at: CommandsAt,
  place: Place,
): Promise<Generated> {
  const path = join('/', at.directory, patchFile).slice(1)
  const files = filesBelow(place.root)
  const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')))
  if (files.kindOf(folder) !== 'folder')
    return failed(at.file, `the folder of the patchFile '${patchFile}' does not exist`)
  const bytes = files.kindOf(path) === undefined ? new Uint8Array() : files.bytes(path)
  if (!bytes) return failed(at.file, `the patchFile '${patchFile}' is no file of at most 5 MB`)
  const generated = await parseText(text, at.file, place)
  const [patches] = await place.parse([{ path, bytes, isPatch: true }], place.signal)
  const broken = [...generated.problems, ...(patches?.problems ?? [])]
  // A part of the output, or of the patches, would be a state that nobody asked for.
  if (broken[0]) return { problem: broken[0] }
  const plan = planPatches(generated.objects, patches?.objects ?? [], path)
  const patched = await patchObjects(plan.tasks, at, place)
  if ('problem' in patched) return patched
  return {
    texts: inPortions(plan.assemble(patched.byName).join('\n---\n')),
    warnings: [...plan.warnings, ...generated.warnings],
  }
}

async function patchObjects(
  tasks: readonly PatchTask[],
  at: CommandsAt,
  place: Place,
): Promise<{ byName: Map<string, string> } | { problem: Problem }> {
  const byName = new Map<string, string>()
  if (tasks.length === 0) return { byName }
  const directory = await mkdtemp(join(place.scratch, 'patch-'))
  const patches: { path: string }[] = []
  for (const { name, object, patches: texts } of tasks) {
    await writeFile(join(directory, `${name}.yaml`), object)
    for (const [index, text] of texts.entries()) {
      const path = `${name}-patch-${index}.yaml`
      await writeFile(join(directory, path), text)
      patches.push({ path })
    }
  }
  const kustomization = { resources: tasks.map(({ name }) => `${name}.yaml`), patches }
  await writeFile(join(directory, 'kustomization.yaml'), JSON.stringify(kustomization))
  const built = await kustomize(directory, at, place)
  if ('problem' in built) return built
  const { objects, problems } = await parseText(built.text, at.file, place)
  if (problems[0]) return { problem: problems[0] }
  for (const { head, body } of objects) byName.set(head.metadata.name, body)
  const lost = tasks.find(({ name, deletes }) => !deletes && !byName.has(name))
  if (lost) return failed(at.file, `kustomize left out an object that is only patched: ${lost.object.slice(0, 100)}`)
  return { byName }
}

/** Lines mean nothing to people here: the text is nowhere to be seen. */
async function parseText(text: string, file: string, { parse, signal }: Place): Promise<ParsedFile> {
  const parsed = await parse(
    inPortions(text).map((portion) => ({ path: file, bytes: new TextEncoder().encode(portion) })),
    signal,
  )
  const plain = (problem: Problem): Problem => ({
    ...problem,
    line: 0,
    message: `in what the generators printed: ${problem.message}`,
  })
  return {
    objects: parsed.flatMap(({ objects }) => objects),
    problems: parsed.flatMap(({ problems }) => problems.map(plain)),
    warnings: parsed.flatMap(({ warnings }) => warnings.map(plain)),
  }
}

function failed(file: string, message: string): { problem: Problem } {
  return { problem: { reason: 'GeneratorFailed', file, line: 0, message } }
}
