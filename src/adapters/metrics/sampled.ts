import type { Gauge } from '@prometheus-io/client'
import { isWithin } from '../../lib/steady-clock.ts'

export type SampledOptions<T> = {
  read: () => Promise<T>
  /** Told of each reading; undefined when it failed. */
  show: (facts: T | undefined) => void
  maxAgeMs: number
  now: () => number
}

/** Reads again when the last reading is too old; callers at the same time share one. Never rejects. */
export function createSampled<T>({ read, show, maxAgeMs, now }: SampledOptions<T>): () => Promise<void> {
  let readAt = Number.NEGATIVE_INFINITY
  let running: Promise<void> | undefined

  async function sample(): Promise<void> {
    try {
      show(await read())
    } catch {
      // whoever cannot be read says so in the log itself; here the series go
      show(undefined)
    }
    readAt = now()
    running = undefined
  }

  return async () => {
    if (isWithin(readAt, now(), maxAgeMs)) return
    running ??= sample()
    await running
  }
}

/** A gauge without labels: what could not be read has no value, which is not zero. */
export function setOrLeaveOut(gauge: Gauge, value: number | undefined): void {
  if (value === undefined) gauge.remove()
  else gauge.set(value)
}
