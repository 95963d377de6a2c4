import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../lib/logger.ts'
import type { LookAtMemory, MemoryUse } from './container-memory.ts'
import type { LimitedChildren } from './limited-children.ts'

/** Hazard A7: memory that runs out must not take the whole process. */
export type MemoryWatch = {
  /** Of the container, when we began. */
  limitBytes: number
  /** Why no work is begun now, once it has waited so long for memory; undefined as soon as there is some. */
  shortage(waitMs: number, signal: AbortSignal): Promise<string | undefined>
  stop(): void
}

export type MemoryWatchOptions = {
  look: LookAtMemory
  children: Pick<LimitedChildren, 'endLargest'>
  /** Called once: memory has been short for a minute, so what holds it is not what runs. */
  onLasting: (why: string) => void
  log: Logger
  /** Default 250 ms. */
  everyMs?: number
  /** Default a minute. */
  lastingMs?: number
}

/** Of the container's limit. */
const shortAt = 0.9

/** While nine tenths are held: the largest of the children that have limits is ended, one at each look, and no work is begun. */
export function watchMemory(options: MemoryWatchOptions): MemoryWatch {
  const { look, children, onLasting, log, everyMs = 250, lastingMs = 60_000 } = options
  let short: { words: string; since: number } | undefined
  let enough = Promise.withResolvers<void>()

  function check(): void {
    const use = look()
    if (!use || use.heldBytes < shortAt * use.limitBytes) return recover()
    const words = wordsOf(use)
    if (!short) {
      enough = Promise.withResolvers<void>()
      log.warn({ reason: 'MemoryShort' }, `${words}; no more work is begun`)
    }
    short = { words, since: short?.since ?? performance.now() }
    const ended = children.endLargest(
      (command, bytes) => `${command} was ended, since ${words}, ${mebibytes(bytes)} of it by ${command}`,
    )
    if (ended) log.warn({ reason: 'MemoryShort' }, ended)
    if (performance.now() - short.since < lastingMs) return
    clearInterval(timer)
    onLasting(words)
  }

  function recover(): void {
    if (short) log.info({}, 'there is enough memory again')
    short = undefined
    enough.resolve()
  }

  const timer = setInterval(check, everyMs).unref()
  return {
    limitBytes: look()?.limitBytes ?? Number.POSITIVE_INFINITY,
    async shortage(waitMs, signal) {
      if (!short) return undefined
      const over = new AbortController()
      const waited = sleep(waitMs, undefined, { signal: AbortSignal.any([signal, over.signal]) })
      await Promise.race([enough.promise, waited.catch(() => undefined)])
      over.abort()
      return short?.words
    },
    stop: () => clearInterval(timer),
  }
}

function wordsOf({ heldBytes, limitBytes }: MemoryUse): string {
  return `${mebibytes(heldBytes)} of the container's ${mebibytes(limitBytes)} are held`
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`
}
