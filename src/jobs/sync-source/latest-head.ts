import { toAppError } from '../../domain/error.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { type Head, readHead } from '../read-head.ts'
import type { SourceMemory } from './memory.ts'
import type { SyncSourceDeps } from './sync.ts'

/** Milliseconds since a fetch began that is as good as a new one to a process that has none of its own yet. */
const youngMs = 5_000

type LatestDeps = Pick<SyncSourceDeps, 'sources' | 'git' | 'lastFetch' | 'log'>

/**
 * What the source follows, as fetched last by whoever did. A mirror belongs to one process: when this one has not fetched since it
 * began, or another one has seen a newer head, it fetches first, so that no sync goes back to what was. A git server that does not
 * answer is no reason to stop: what the mirror has is kept applied (hazard D1).
 */
export async function latestHead(
  { spec, since, memory }: { spec: SourceSpec; since: string; memory: SourceMemory },
  deps: LatestDeps,
  signal: AbortSignal,
): Promise<Head> {
  const fact = await deps.lastFetch(spec)
  // another source of the repository may have had it fetched a moment ago
  if (memory.fetchSeen === undefined) await fetchOrGoOn(spec, deps, signal, { maxAgeMs: youngMs })
  const head = await readHead(spec, deps, signal, since)
  const isKnown = fact === undefined || fact.at === memory.fetchSeen
  memory.fetchSeen = fact?.at ?? ''
  if (isKnown || fact.head === '' || fact.head === head.commit) return head
  await fetchOrGoOn(spec, deps, signal)
  return await readHead(spec, deps, signal, since)
}

async function fetchOrGoOn(
  spec: SourceSpec,
  deps: LatestDeps,
  signal: AbortSignal,
  options: { maxAgeMs?: number } = {},
): Promise<void> {
  try {
    await deps.git.fetch(await deps.sources.remote(spec, signal), signal, options)
  } catch (error) {
    if (signal.aborted) throw error
    const { reason, message } = toAppError(error)
    const source = `${spec.namespace}/${spec.name}`
    deps.log.info({ source, reason }, `not fetched, so what was fetched before is kept applied: ${message}`)
  }
}
