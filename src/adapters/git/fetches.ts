import pLimit from 'p-limit'
import { untilAborted } from '../../lib/until-aborted.ts'
import { createLock } from './lock.ts'

type Refs = Map<string, string>

export type Fetches<R> = {
  /**
   * Fetches a mirror, or joins a fetch that was asked for and has not begun: what begins after the question answers it. `maxAgeMs`: one
   * that began no longer ago than that is as good; without it none is. `isPoll`: nobody waits for it.
   */
  fetch(remote: R, options: FetchOptions, signal?: AbortSignal): Promise<Refs>
}

export type FetchOptions = { maxAgeMs?: number; isPoll?: boolean }

type Parts<R> = {
  nameOf: (remote: R) => string
  fetch: (remote: R, signal: AbortSignal) => Promise<Refs>
  /** Every branch and tag as fetched last. */
  refs: (remote: R, signal: AbortSignal | undefined) => Promise<Refs>
  /** Monotonic milliseconds. */
  now: () => number
}

type Pace = 'slow' | 'quick'
/** Who waits for a fetch that has not begun. */
type Shared = { refs: Promise<Refs>; waiting: number; controller: AbortController }

/** Of different mirrors. What polls servers that are gone does not hold up what a push or a person waits for. */
const atOnce = { slow: 4, quick: 8 }

/** One fetch for all who ask for the same mirror at the same time, as the many sources of one repository do after a push. */
export function createFetches<R>({ nameOf, fetch, refs, now }: Parts<R>): Fetches<R> {
  const limits = { slow: pLimit(atOnce.slow), quick: pLimit(atOnce.quick) }
  const next = { slow: new Map<string, Shared>(), quick: new Map<string, Shared>() }
  const begunAt = new Map<string, number>()
  const lock = createLock()

  function share(name: string, remote: R, pace: Pace): Shared {
    const controller = new AbortController()
    const run = async (): Promise<Refs> => {
      next[pace].delete(name)
      controller.signal.throwIfAborted()
      const begun = now()
      const found = await fetch(remote, controller.signal)
      begunAt.set(name, begun)
      return found
    }
    const shared = { refs: limits[pace](() => lock(name, run)), waiting: 0, controller }
    // everybody who waited may be gone
    shared.refs.catch(() => {})
    next[pace].set(name, shared)
    return shared
  }

  return {
    async fetch(remote, { maxAgeMs = 0, isPoll = false }, signal) {
      signal?.throwIfAborted()
      const name = nameOf(remote)
      const last = begunAt.get(name)
      if (last !== undefined && now() - last < maxAgeMs) return await refs(remote, signal)
      const pace = isPoll ? 'slow' : 'quick'
      const known = next.quick.get(name) ?? (pace === 'slow' ? next.slow.get(name) : undefined)
      const shared = known ?? share(name, remote, pace)
      shared.waiting++
      try {
        return await untilAborted(shared.refs, signal)
      } finally {
        shared.waiting--
        // nobody wants it any more
        if (shared.waiting === 0 && signal?.aborted) {
          for (const waiting of [next.quick, next.slow]) if (waiting.get(name) === shared) waiting.delete(name)
          shared.controller.abort(signal.reason)
        }
      }
    },
  }
}
