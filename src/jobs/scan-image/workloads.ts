import type { Generator } from '../../adapters/generate/index.ts'
import type { Git, GitRemote, TreeFile } from '../../adapters/git/index.ts'
import { type ImageOverride, overridesOf, withOverrides } from '../../domain/image/kustomize-images.ts'
import { decodeFile, openManifests } from '../../domain/image/open-manifests.ts'
import { readWorkload, type Workload } from '../../domain/image/workload.ts'
import { automatedPolicy } from '../../domain/manifest/annotations.ts'
import { digestOf } from '../../domain/manifest/digest.ts'
import { isKustomization } from '../../domain/source/kustomization.ts'
import { filesInScope } from '../../domain/source/scope.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { ReadHeadDeps } from '../read-head.ts'
import type { Sources } from '../sources.ts'
import type { LiveMemory } from './live.ts'
import { type MadeWorkloads, readMade } from './made-workloads.ts'

/** What this process remembers of the sources' workloads: costs nothing while git stands still, is read again when lost. */
export type ImageMemory = LiveMemory & {
  /** Of the newest commit that was read, by source and scope. */
  sources: Map<string, ReadBy & { workloads: Workload[]; blobs: Map<string, Workload[]> }>
  /** What generators print at the newest commit that was read, by source. */
  made: Map<string, ReadBy & { made: MadeWorkloads }>
}

/** Which commit was read, and {@link rulesOf} the source at that time: by others the same commit has other workloads. */
type ReadBy = { commit: string; rules: string }

export function createImageMemory(): ImageMemory {
  return { sources: new Map(), made: new Map() }
}

export type WorkloadDeps = {
  sources: Sources
  git: ReadHeadDeps['git'] & Pick<Git, 'tree' | 'read'>
  generator: Generator<GitRemote>
  memory: ImageMemory
}

/** Which workloads are meant: those that Capstan updates by itself, or all. */
export type WorkloadScope = 'automated' | 'all'

/**
 * The workloads of a source at a commit, in the order of their files, those that generators print last. Those outside the allowed namespaces are left out
 * (flux-v1 §28); files that cannot be read are the sync's to report.
 */
export async function readWorkloads(
  spec: SourceSpec,
  { commit, scope }: { commit: string; scope: WorkloadScope },
  deps: WorkloadDeps,
  signal: AbortSignal,
): Promise<Workload[]> {
  const key = `${spec.namespace}/${spec.name} ${scope}`
  const rules = rulesOf(spec)
  const known = rememberedBy(rules, deps.memory.sources.get(key))
  if (known?.commit === commit) return known.workloads
  const remote = await deps.sources.remote(spec, signal)
  const tree = await deps.git.tree(remote, commit, [], signal)
  const { made, isWhole } = await madeAt({ spec, remote, commit, tree }, rules, deps, signal)
  const paths = made.filePaths ?? spec.paths
  const files = made.filePaths?.length === 0 ? [] : filesInScope(tree, { ...spec, paths }).files
  const overrides = await readOverrides({ spec: { ...spec, paths }, remote, tree }, deps, signal)
  const unseen = files.filter(({ blob }) => !known?.blobs.has(blob)).map(({ blob }) => blob)
  const contents = await deps.git.read(remote, [...new Set(unseen)], signal)
  const blobs = new Map<string, Workload[]>()
  const workloads: Workload[] = []
  for (const { path, blob } of files) {
    signal.throwIfAborted()
    const found = blobs.get(blob) ?? known?.blobs.get(blob) ?? parseFile(path, contents.get(blob), { spec, scope })
    if (!blobs.has(blob)) blobs.set(blob, found)
    for (const workload of found)
      if (isAllowed(workload, spec)) workloads.push(withOverrides({ ...workload, file: path }, overrides))
    if (contents.has(blob)) await breathe()
  }
  workloads.push(...made.workloads.filter((one) => isAllowed(one, spec) && (scope === 'all' || one.isAutomated)))
  if (isWhole) deps.memory.sources.set(key, { commit, rules, workloads, blobs })
  return workloads
}

function rememberedBy<T extends ReadBy>(rules: string, remembered: T | undefined): T | undefined {
  return remembered?.rules === rules ? remembered : undefined
}

/** What a source says about how it is read. When it is to be synced, and whether, is not read from files. */
function rulesOf(spec: SourceSpec): string {
  return digestOf({ ...spec, object: undefined, suspended: undefined })
}

/** What the generators of a source print at a commit; they are run once for it, unless one of them failed. */
async function madeAt(
  where: { spec: SourceSpec; remote: GitRemote; commit: string; tree: readonly TreeFile[] },
  rules: string,
  { generator, memory }: WorkloadDeps,
  signal: AbortSignal,
): Promise<{ made: MadeWorkloads; isWhole: boolean }> {
  const key = `${where.spec.namespace}/${where.spec.name}`
  const known = rememberedBy(rules, memory.made.get(key))
  if (known?.commit === where.commit) return { made: known.made, isWhole: true }
  const read = await readMade(where, { generator }, signal)
  if (read.isWhole) memory.made.set(key, { commit: where.commit, rules, made: read.made })
  return read
}

/** What kustomizations below the source's paths say about tags, where kustomize builds the manifests. */
async function readOverrides(
  { spec, remote, tree }: { spec: SourceSpec; remote: GitRemote; tree: readonly TreeFile[] },
  { git }: WorkloadDeps,
  signal: AbortSignal,
): Promise<ImageOverride[]> {
  if (spec.render === 'plain' || (spec.render === 'auto' && spec.generate)) return []
  const isBelow = (path: string) => spec.paths.length === 0 || spec.paths.some((root) => path.startsWith(`${root}/`))
  const found = tree.filter(({ path, mode }) => mode === 'file' && isKustomization(path) && isBelow(path))
  const contents = await git.read(remote, [...new Set(found.map(({ blob }) => blob))], signal)
  return found.flatMap(({ path, blob }) => {
    const bytes = contents.get(blob)
    const text = bytes && decodeFile(bytes)
    return text?.includes('images') ? overridesOf(path, text) : []
  })
}

const workloadWords = /\b(?:CronJob|DaemonSet|Deployment|StatefulSet|HelmRelease)\b/

/** A file without the word has no such workload: most of a repository is never parsed. */
function parseFile(
  file: string,
  bytes: Uint8Array | undefined,
  { spec, scope }: { spec: SourceSpec; scope: WorkloadScope },
): Workload[] {
  const text = bytes && decodeFile(bytes)
  const mayHold = scope === 'all' ? workloadWords.test(text ?? '') : text?.includes(automatedPolicy)
  if (!text || !mayHold) return []
  return openManifests(text).flatMap(({ object, isSealed }, index) => {
    const { defaultNamespace, targetNamespace } = spec
    const workload = readWorkload(object, { file, index, isSealed, defaultNamespace, targetNamespace })
    return workload && (scope === 'all' || workload.isAutomated) ? [workload] : []
  })
}

function isAllowed({ ref }: Workload, { allowedNamespaces }: SourceSpec): boolean {
  return allowedNamespaces.length === 0 || allowedNamespaces.includes(ref.namespace ?? '')
}

/** Lets the event loop turn between files (hazard B13). */
async function breathe(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve))
}
