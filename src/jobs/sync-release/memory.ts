import type { KubeObject } from '../../domain/manifest/object.ts'
import { isOlderVersion } from '../../domain/manifest/resource-version.ts'
import type { Definition } from '../../domain/release/definition.ts'
import type { Outcome } from '../../domain/work/job.ts'

/** Of a HelmRelease that has nothing anywhere else: the generation that was looked at last, and where that was to go. */
export type NothingLeft = { uid: string; generation: number; target: string }

/** What one process remembers between runs. All of it may be lost: it saves requests and keeps secrets known. */
export type ReleaseMemory = {
  /** helm releases that a run of this process works on, as `namespace/release`, and the end of that run. */
  active: Map<string, Promise<void>>
  /** Per helm release: versions of helm's Secrets as a run of this process read them last, by name. */
  seen: Map<string, ReadonlyMap<string, string>>
  /** Per HelmRelease: makes the redactor forget the secrets of its values. */
  secrets: Map<string, () => void>
  /** Commits of chart refs, by URL, login and ref, and the time of the fetch that they come from. */
  commits: Map<string, { commit: string; fetchedAt: number }>
  /** Per HelmRelease: where in git its chart came from last. */
  chartSources: Map<string, string>
  /** Fetches of chart repositories that are under way, by URL and login. */
  fetching: Map<string, Promise<void>>
  /** Per HelmRelease; left out where there may be something. */
  nothingLeft: Map<string, NothingLeft>
  /** Per HelmRelease: how often in a row chart or values could not be had, or nothing could be begun. */
  failures: Map<string, number>
  /** HelmReleases whose suspension was told: the Operator's definition has no place for it. */
  suspended: Set<string>
  /** Per helm release: a failure that lies in the future of our clock, and when it was seen first (Unix ms). */
  ahead: Map<string, { at: string; from: number }>
  /** What the served definition takes, or the read of it that is under way. */
  definition?: { words: Promise<Definition>; readAt: number }
  /** The last resync found releases at which nothing was to be looked. */
  wereResting?: boolean
}

export function createReleaseMemory(): ReleaseMemory {
  return {
    active: new Map(),
    seen: new Map(),
    secrets: new Map(),
    commits: new Map(),
    chartSources: new Map(),
    fetching: new Map(),
    nothingLeft: new Map(),
    failures: new Map(),
    suspended: new Set(),
    ahead: new Map(),
  }
}

/** The memory that was handed in, or one that is made with the first run. */
export function memoryOf(deps: { memory?: ReleaseMemory }): ReleaseMemory {
  deps.memory ??= createReleaseMemory()
  return deps.memory
}

/** After this time a release is looked at again that another run of this process works on. */
const againMs = 1_000

/** Does the work unless a run of this process is at work on the same helm release, named by `namespace/release`. */
export async function doAlone(
  key: string,
  { active }: Pick<ReleaseMemory, 'active'>,
  work: () => Promise<Outcome>,
): Promise<Outcome> {
  if (active.has(key)) return { end: 'again', afterMs: againMs, why: 'another job works on the same release' }
  const over = Promise.withResolvers<void>()
  active.set(key, over.promise)
  try {
    return await work()
  } finally {
    active.delete(key)
    over.resolve()
  }
}

/** Notes which of helm's Secrets a run has read. */
export function keepSeen(
  { release, targetNamespace }: { release: string; targetNamespace: string },
  secrets: readonly KubeObject[],
  deps: { memory?: ReleaseMemory },
): void {
  const versions = secrets.map(({ metadata }) => [metadata.name, metadata.resourceVersion ?? ''] as const)
  memoryOf(deps).seen.set(`${targetNamespace}/${release}`, new Map(versions))
}

/**
 * True when the run that works on this helm release, or the last one that did, has read this version of helm's Secret or a newer one, so
 * that nobody need be woken for it. Waits for the end of that run.
 */
export async function wasSeen(
  key: string,
  { metadata }: KubeObject,
  { active, seen }: Pick<ReleaseMemory, 'active' | 'seen'>,
): Promise<boolean> {
  await active.get(key)
  const version = seen.get(key)?.get(metadata.name)
  return version !== undefined && !isOlderVersion(version, metadata.resourceVersion ?? '')
}
