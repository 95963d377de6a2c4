import type { Random } from './random.ts'
import type { World } from './world.ts'

/** What one trial gives a hazard to work with. */
export type Trial = {
  world: World
  /** Its own chance, from the seed, the hazard and the number of the trial. */
  random: Random
  index: number
  /** 1 is the scale of the table of hazards; outages last `world.outageMs`. */
  scale: number
}

export type TrialResult = {
  ok: boolean
  measured: Record<string, number>
  /** What was seen and what was promised, when not ok. */
  why?: string
  /** How many times its limit each figure is that is over it; infinite where none is allowed at all. */
  over?: Record<string, number>
  /** Says why nothing could be tried: what is to be tested is not there (yet). Counts as a failure at scale 1. */
  notRun?: string
}

/** One row of the table of hazards. */
export type Hazard = {
  id: string
  /** What must happen, in a few words. */
  promise: string
  trials(scale: number): number
  run(trial: Trial): Promise<TrialResult>
  /** Trials that disturb others, or are disturbed by them, run alone. */
  alone?: boolean
  /** A trial that takes longer has failed. Default 5 min. */
  limitMs?: number
}

/** A tenth of the trials at scale 0.1, one at least. */
export function scaled(full: number): (scale: number) => number {
  return (scale) => Math.max(1, Math.round(full * scale))
}

/** Judges figures by their limits: `name: [measured, limit]`, each at most the limit. */
export function judge(figures: Record<string, readonly [measured: number, atMost: number]>, more = ''): TrialResult {
  const over = Object.entries(figures).filter(([, [value, limit]]) => !(value <= limit))
  const measured = Object.fromEntries(Object.entries(figures).map(([name, [value]]) => [name, value]))
  if (over.length === 0) return { ok: true, measured }
  const why = over.map(([name, [value, limit]]) => `${name}: ${value}, promised ≤ ${limit}`)
  const times = over.map(([name, [value, limit]]) => [name, value / limit] as const)
  return { ok: false, measured, why: [...why, more].filter(Boolean).join('; '), over: Object.fromEntries(times) }
}

/** Seconds since then, to a tenth. */
export function secondsSince(started: number): number {
  return Math.round((performance.now() - started) / 100) / 10
}
