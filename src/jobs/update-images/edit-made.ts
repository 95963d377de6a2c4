import { posix } from 'node:path'
import type { Checkout, Generator, Updating } from '../../adapters/generate/index.ts'
import type { Edit, Git, GitRemote } from '../../adapters/git/index.ts'
import { decodeFile, openManifests } from '../../domain/image/open-manifests.ts'
import { editPatchFile, type PatchEdit } from '../../domain/image/patch-edit.ts'
import { valueAt } from '../../domain/image/value-at.ts'
import type { Made, Workload } from '../../domain/image/workload.ts'
import { idOf, type KubeObject, keyOf, refOf } from '../../domain/manifest/object.ts'
import type { FluxConfig } from '../../domain/source/flux-config.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { readConfig } from '../scan-image/made-workloads.ts'

/** One value to change of a workload that a generator prints. */
export type MadeChange = Omit<PatchEdit, 'object' | 'isPrinted'> & {
  workload: Workload & { made: Made }
  /** Which updaters write it, and what they are told. */
  updater: 'containerImage' | 'policy'
  variables: Record<string, string>
}

type Where = { spec: SourceSpec; remote: GitRemote; commit: string }
type Result = { edits: Edit[]; refused: Map<MadeChange, string> }
type Work = { spec: SourceSpec; checkout: Checkout; result: Result }

/**
 * Changes what the generators of `.flux.yaml` print (flux-v1 §6): by its updaters, whatever files they change, or by its patch file,
 * after which the generators are run again to see that they print it so. What cannot be changed is refused, in words for people.
 */
export async function editMade(
  where: Where,
  changes: readonly MadeChange[],
  { git, generator }: { git: Pick<Git, 'tree'>; generator: Generator<GitRemote> },
  signal: AbortSignal,
): Promise<Result> {
  const result: Result = { edits: [], refused: new Map() }
  if (changes.length === 0) return result
  const { spec, remote, commit } = where
  const tree = await git.tree(remote, commit, [], signal)
  const targets = Map.groupBy(changes, ({ workload: { file, made } }) => `${file} ${made.directory}`)
  return await generator.withCheckout(
    { remote, commit, tree },
    async (checkout) => {
      const sealed = spec.gitSecret ? await checkout.reveal(spec.syncTimeoutMs) : undefined
      for (const some of targets.values()) {
        const why = sealed?.message ?? (await editTarget(some, { spec, checkout, result }))
        if (why) for (const change of some) result.refused.set(change, why)
      }
      return result
    },
    signal,
  )
}

/** Why nothing of the target can be changed; undefined where it was. */
async function editTarget(changes: readonly MadeChange[], work: Work): Promise<string | undefined> {
  const [first] = changes
  if (!first) return undefined
  const { file, made } = first.workload
  const config = readConfig(work.checkout, file)
  const at = { file, directory: made.directory, timeoutMs: work.spec.syncTimeoutMs }
  if (config?.kind === 'commandUpdated') return await runUpdaters(changes, config, at, work)
  if (config?.kind === 'patchUpdated') return await writePatch(changes, config, at, work)
  return `${file} does not say how it is written`
}

type At = { file: string; directory: string; timeoutMs: number }

async function runUpdaters(
  changes: readonly MadeChange[],
  { updaters }: Extract<FluxConfig, { kind: 'commandUpdated' }>,
  at: At,
  { checkout, result }: Work,
): Promise<string | undefined> {
  const updates: Updating[] = []
  for (const { updater, variables } of changes) {
    const commands = updaters.flatMap((one) => one[updater] ?? [])
    if (commands.length === 0) return `${at.file} has no updater with a ${updater} command`
    updates.push({ commands, variables })
  }
  const done = await checkout.update(updates, at)
  if ('problem' in done) return done.problem.message
  if (done.changes.length === 0) return `the updaters of ${at.file} changed no file`
  result.edits.push(...done.changes)
  return undefined
}

async function writePatch(
  changes: readonly MadeChange[],
  config: Extract<FluxConfig, { kind: 'patchUpdated' }>,
  at: At,
  { checkout, result }: Work,
): Promise<string | undefined> {
  const path = posix.join('/', at.directory, config.patchFile).slice(1)
  const before = checkout.read(path)
  const text = before ? decodeFile(before) : ''
  if (text === undefined) return `${path} is no text of at most 5 MB`
  const isTaken = changes.some(({ value }) => value === undefined)
  const printed = isTaken ? await print(checkout, { ...config, kind: 'commandUpdated', updaters: [] }, at) : new Map()
  if (typeof printed === 'string') return printed
  const edits = changes.map(({ workload, path: to, value }) => {
    const { object } = workload.made
    return { object, path: to, value, isPrinted: valueAt(printed.get(keyOf(refOf(object))), to) !== undefined }
  })
  const edited = editPatchFile(text, edits)
  if ('why' in edited) return edited.why
  if (edited.text === text) return undefined
  if (!checkout.write(path, edited.text))
    return `${path} lies behind a symbolic link, or in a folder that does not exist`
  const after = await print(checkout, config, at)
  if (typeof after === 'string') return after
  const vain = edits.find(({ object, path: to, value }) => valueAt(after.get(keyOf(refOf(object))), to) !== value)
  if (vain)
    return `written into ${path}, ${vain.path.join('.')} of ${idOf(refOf(vain.object))} is not what the generators print then`
  result.edits.push({ path, content: edited.text })
  return undefined
}

/** The workloads that a config prints, by key; or what went wrong. */
async function print(
  checkout: Checkout,
  config: Exclude<FluxConfig, { kind: 'scanForFiles' }>,
  at: At,
): Promise<Map<string, KubeObject> | string> {
  const printed = await checkout.generate(config, at)
  if ('problem' in printed) return printed.problem.message
  const objects = printed.texts.flatMap((text) => openManifests(text).map(({ object }) => object))
  return new Map(objects.map((object) => [keyOf(refOf(object)), object]))
}
