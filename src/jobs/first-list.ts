import type { Watch } from '../adapters/cluster/index.ts'
import type { AppError } from '../domain/error.ts'
import { untilAborted } from '../lib/until-aborted.ts'

/** A watch, and how long its first list is waited for although it fails. */
export type Scoped = { watch: Watch; patience: AbortSignal }

const lookEveryMs = 100

/**
 * Waits for the first list of a watch. Gives why there is none where it has failed so far and the patience with it is over; the watch
 * goes on by itself. Rejects as soon as the signal aborts.
 */
export async function firstList({ watch, patience }: Scoped, signal: AbortSignal): Promise<AppError | undefined> {
  const lost = () => (patience.aborted ? watch.problem() : undefined)
  const known = lost()
  if (known) return known
  const given = Promise.withResolvers<AppError>()
  const timer = setInterval(() => {
    const problem = lost()
    if (problem) given.resolve(problem)
  }, lookEveryMs)
  try {
    return (await untilAborted(Promise.race([watch.synced, given.promise]), signal)) ?? undefined
  } finally {
    clearInterval(timer)
  }
}
