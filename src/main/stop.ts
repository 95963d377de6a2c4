import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../lib/logger.ts'

/** The end of a process: what to do, in which order, and when it is over. */
export type Ending = {
  /** Aborts when the end begins. */
  signal: AbortSignal
  /** Done first, all at once: stop taking work, let what runs finish. */
  first(work: () => Promise<unknown>): void
  /** Done afterwards, in the reverse of the order in which it was registered: close what the work needed. */
  last(work: () => Promise<unknown>): void
  stop(exitCode: number): void
  /** Resolves so long after a signal asked for the end; at once where the process ends of itself. */
  sinceAsked(ms: number): Promise<void>
  /** The exit code, once all is done. */
  ended: Promise<number>
}

/** SIGTERM and SIGINT end the process orderly; a second one at once. */
export function onStop(log: Logger): Ending {
  const controller = new AbortController()
  const done = Promise.withResolvers<number>()
  const firsts: (() => Promise<unknown>)[] = []
  const lasts: (() => Promise<unknown>)[] = []
  let askedAt = Number.NEGATIVE_INFINITY

  async function attempt(work: () => Promise<unknown>): Promise<void> {
    await work().catch((error: unknown) => log.debug({ error: String(error) }, 'something did not close'))
  }

  async function end(exitCode: number): Promise<void> {
    await Promise.all(firsts.map(attempt))
    for (const work of lasts.toReversed()) await attempt(work)
    done.resolve(exitCode)
  }

  function stop(exitCode: number): void {
    if (controller.signal.aborted) return
    controller.abort(new Error('the process ends'))
    void end(exitCode)
  }

  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(name === 'SIGINT' ? 130 : 143)
      log.info({ signal: name }, 'stopping: no new work is taken, what runs may finish')
      askedAt = performance.now()
      stop(0)
    })
  }
  return {
    signal: controller.signal,
    first: (work) => void firsts.push(work),
    last: (work) => void lasts.push(work),
    stop,
    sinceAsked: async (ms) => await sleep(Math.max(0, askedAt + ms - performance.now())),
    ended: done.promise,
  }
}
