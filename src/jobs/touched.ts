import type { Git } from '../adapters/git/index.ts'
import type { Store } from '../adapters/store/index.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import { type FetchFact, fetchKey } from '../domain/source/status.ts'
import { type Enqueue, laneOfReason } from '../domain/work/job.ts'
import type { Logger } from '../lib/logger.ts'
import type { Sources } from './sources.ts'

/** Why a source is synced whose repository has moved. */
export const newRevisionReason = 'new revision'

type Range = { from: string; to: string }

/**
 * Whether commits of this range touch what a source reads below its paths. Only for who goes first: what lies elsewhere, as the base of
 * a kustomization, may concern it too. True where nobody can say.
 */
export async function isTouched(
  spec: SourceSpec,
  { from, to }: Range,
  { sources, git }: { sources: Pick<Sources, 'remote'>; git: Pick<Git, 'log' | 'relation'> },
  signal: AbortSignal,
): Promise<boolean> {
  if (from === '' || from === to || spec.generate || spec.paths.length === 0) return true
  try {
    const remote = await sources.remote(spec, signal)
    // what was taken back is in no commit between the two
    if ((await git.relation(remote, from, to, signal)) !== 'ahead') return true
    return (await git.log(remote, { from, to, limit: 1, paths: spec.paths }, signal)).length > 0
  } catch {
    signal.throwIfAborted()
    return true
  }
}

export type SiblingDeps = {
  sources: Pick<Sources, 'list' | 'remote'>
  git: Pick<Git, 'log' | 'relation'>
  store: Pick<Store, 'set'>
  enqueue: Enqueue
  log: Logger
}

/** What a fetch of one source found: the commits of this range are new to it. */
export type Moved = Range & { spec: SourceSpec; reason: string; at: string }

/**
 * Syncs, after the first fetch that finds new commits, all other sources of the same repository that these commits touch, so that a
 * push is not behind the fetches of a thousand sources which it does not concern. Those have their own fetch, and miss nothing where
 * this fails.
 */
export function createSiblings(deps: SiblingDeps): (moved: Moved, signal: AbortSignal) => Promise<void> {
  const seen = new Map<string, string>()
  return async (moved, signal) => {
    const { spec, to } = moved
    const key = followedBy(spec)
    if (moved.from === '' || moved.from === to || seen.get(key) === to) return
    seen.set(key, to)
    const siblings = deps.sources
      .list()
      .filter((one) => !isSame(one, spec) && !one.suspended && followedBy(one) === key)
    try {
      for (const one of siblings) if (await isTouched(one, moved, deps, signal)) await wake(one, moved, deps)
    } catch (error) {
      signal.throwIfAborted()
      deps.log.debug(
        { error: String(error) },
        'other sources of the repository were not woken; they are fetched by themselves',
      )
    }
  }
}

function isSame(one: SourceSpec, other: SourceSpec): boolean {
  return one.namespace === other.namespace && one.name === other.name
}

/** What was fetched for one is what a fetch for another gives: by the same login, reference and trust. */
function followedBy({ origin, url, ref, verify, namespace, secretName }: SourceSpec): string {
  return JSON.stringify([origin, url, ref.kind, ref.value, verify, secretName && [namespace, secretName]])
}

/** The fact of the fetch goes with it, so that a process whose mirror is older fetches before it syncs. */
async function wake(spec: SourceSpec, { to, at, reason }: Moved, { store, enqueue }: SiblingDeps): Promise<void> {
  const { namespace, name } = spec
  const fact: FetchFact = { at, head: to, reason: '', message: '' }
  await store.set(fetchKey(namespace, name), JSON.stringify(fact))
  // what a person asked for is asked for the source that was named
  const why = laneOfReason(reason) === 'person' ? newRevisionReason : reason
  await enqueue({ kind: 'sync-source', namespace, name, reason: why, lane: laneOfReason(why) })
}
