import { setTimeout as sleep } from 'node:timers/promises'
import type { Stack } from '../stack/stack.ts'
import type { Hazard, TrialResult } from './hazard.ts'
import { createRandom } from './random.ts'
import { createWorld, type World } from './world.ts'

const open = new Set<World>()

/** Ends everything that running trials have started; for a run that is interrupted. */
export async function closeWorlds(): Promise<void> {
  await Promise.all([...open].map((world) => world.close({ keep: false })))
}

const defaultLimitMs = 300_000

/** All trials of one hazard. */
export type Outcome = {
  id: string
  promise: string
  trials: number
  passed: number
  /** The worst of each figure. */
  worst: Record<string, number>
  failures: { index: number; why: string; directory: string }[]
  /** Why it was not run, when it was not. */
  notRun?: string
  seconds: number
}

export type RunTrials = {
  hazard: Hazard
  indexes: readonly number[]
  stack: Stack
  scale: number
  seed: number
  workers: number
  onTrial: (done: { ok: boolean; index: number; count: number; why?: string }) => void
}

/** Runs the trials, some at the same time; the result does not depend on which ends first. */
export async function runTrials(run: RunTrials): Promise<Outcome> {
  const { hazard, indexes, onTrial } = run
  const begun = performance.now()
  const outcome: Outcome = {
    id: hazard.id,
    promise: hazard.promise,
    trials: indexes.length,
    passed: 0,
    worst: {},
    failures: [],
    seconds: 0,
  }
  const queue = [...indexes]
  let count = 0
  const worker = async () => {
    for (let index = queue.shift(); index !== undefined; index = queue.shift()) {
      const { result, directory } = await runOne(run, index)
      count += 1
      take(outcome, result, { index, directory })
      onTrial({ ok: result.ok, index, count, ...(result.why ? { why: result.why } : {}) })
      if (outcome.notRun !== undefined) queue.length = 0
    }
  }
  await Promise.all(Array.from({ length: hazard.alone ? 1 : run.workers }, worker))
  outcome.seconds = Math.round((performance.now() - begun) / 1000)
  return outcome
}

async function runOne(run: RunTrials, index: number): Promise<{ result: TrialResult; directory: string }> {
  const { hazard, stack, scale, seed } = run
  const world = createWorld(stack, scale)
  open.add(world)
  const patience = new AbortController()
  let result: TrialResult
  try {
    const trial = hazard.run({ world, random: createRandom(seed, hazard.id, index), index, scale })
    const limitMs = hazard.limitMs ?? defaultLimitMs
    result = await Promise.race([trial, late(limitMs, patience.signal)])
  } catch (error) {
    result = { ok: false, measured: {}, why: brief(error instanceof Error ? error.message : String(error)) }
  }
  patience.abort()
  await world.close({ keep: !result.ok })
  open.delete(world)
  return { result, directory: world.directory }
}

/** Logs have long lines; the whole one is in the folder of the trial. */
function brief(text: string): string {
  return text
    .split('\n')
    .map((line) => line.slice(0, 300))
    .join('\n')
}

/** A trial that hangs is one that failed. */
async function late(ms: number, signal: AbortSignal): Promise<TrialResult> {
  await sleep(ms, undefined, { signal }).catch(() => undefined)
  return { ok: false, measured: {}, why: `not ended within ${ms / 1000} s` }
}

function take(outcome: Outcome, result: TrialResult, where: { index: number; directory: string }): void {
  if (result.notRun !== undefined) outcome.notRun = result.notRun
  for (const [name, value] of Object.entries(result.measured))
    outcome.worst[name] = Math.max(outcome.worst[name] ?? 0, value)
  if (result.ok) outcome.passed += 1
  else if (result.notRun === undefined) outcome.failures.push({ ...where, why: result.why ?? 'no reason given' })
}
