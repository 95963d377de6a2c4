import { describe, expect, it } from 'vitest'
import { stack } from '../stack/stack.ts'
import type { Trial, TrialResult } from './hazard.ts'
import { c1, halfOpen } from './hazards/api-away.ts'
import { backInTime } from './hazards/back-in-time.ts'
import { canaries } from './hazards/canaries.ts'
import { childArguments } from './hazards/child-arguments.ts'
import { asks } from './hazards/exec-asks.ts'
import { rewrite } from './hazards/git-faults.ts'
import { archives } from './hazards/hostile-archives.ts'
import { layouts, paths } from './hazards/hostile-links.ts'
import { a4 } from './hazards/image-death.ts'
import { inject } from './hazards/injection.ts'
import { vanish } from './hazards/nothing-left.ts'
import { muchOutput } from './hazards/much-output.ts'
import { killChange, killFirstSync } from './hazards/process-death.ts'
import { a3, a6, a8 } from './hazards/release-death.ts'
import { flushAll, redisAway } from './hazards/redis-away.ts'
import { e1, e2, e3, e6 } from './hazards/registries.ts'
import { malformed, tagsMoved } from './hazards/registry-content.ts'
import { tokens } from './hazards/strangers.ts'
import { bomb, bombs } from './hazards/template-bombs.ts'
import { standStill } from './hazards/two-writers.ts'
import { likeKubectl } from './hazards/yaml-like-kubectl.ts'
import { createRandom } from './random.ts'
import { createWorld } from './world.ts'

/** Outages of a few seconds. */
const scale = 0.005

/** A few trials of the rows that matter most, with fixed chance; all of them by `npm run chaos`. */
const trials: [title: string, seed: number, run: (trial: Trial) => Promise<TrialResult>][] = [
  ['A2 kill -9 in the first sync', 1, (trial) => killFirstSync(trial, 100)],
  ['A2 kill -9 in a sync that changes and deletes', 2, (trial) => killChange(trial, 60)],
  ['A3 kill -9 in the upgrade of a release', 13, (trial) => a3.run({ ...trial, index: 1 })],
  ['A8 kill -9 while helm runs', 31, (trial) => a8.run(trial)],
  ['A4 kill -9 of who commits, at a command of git', 19, (trial) => a4.run({ ...trial, index: 2 })],
  ['A4 kill -9 of who releases, when its push was sent', 20, (trial) => a4.run({ ...trial, index: 5 })],
  ['B1 Redis away during a sync', 3, (trial) => redisAway(trial, 60)],
  ['B2 FLUSHALL during a sync', 4, (trial) => flushAll(trial, 60)],
  ['B8 a worker that stood still writes no more', 5, (trial) => standStill(trial, 60)],
  ['C1 the API server dies during a sync', 6, (trial) => c1.run(trial)],
  ['C6 a watch that is open and dead', 7, (trial) => halfOpen(trial, 10)],
  ['C12 etcd is restored from a backup', 21, (trial) => backInTime(trial, 20)],
  ['D2 an unrelated root', 8, (trial) => rewrite({ ...trial, index: 2 })],
  ['D3 the path vanishes', 9, (trial) => vanish({ ...trial, index: 0 }, 20)],
  ['D3 the branch vanishes', 10, (trial) => vanish({ ...trial, index: 1 }, 20)],
  ['E1 a token expires in the middle of a scan', 13, (trial) => e1.run(trial)],
  ['E2 429 for an hour', 14, (trial) => e2.run(trial)],
  ['E3 a fifth of all answers of a registry is wrong', 15, (trial) => e3.run(trial)],
  ['E5 tags that are pointed elsewhere', 17, (trial) => tagsMoved(trial, 4)],
  ['E6 a registry that sends us elsewhere', 18, (trial) => e6.run(trial)],
  ['G6 YAML as kubectl reads it', 11, (trial) => likeKubectl(trial, 30)],
  ['H1 texts that would like to be options', 12, (trial) => inject(trial, 3)],
  ['I1 charts with links that lead out', 22, (trial) => layouts(trial, 4)],
  ['I6 releases that ask for programs', 25, (trial) => asks(trial, 12)],
  ['J8 paths that climb', 23, (trial) => paths(trial, { paths: 10, jobs: 12 })],
  ['K1 secrets through ways to fail', 26, (trial) => canaries(trial, 8)],
  ['L1 tokens that are not good', 28, (trial) => tokens(trial, 110)],
  ['K4 what children are given', 27, (trial) => childArguments(trial, 24)],
]

/** Figures that a slow machine makes larger; they are judged as promised by `npm run chaos`, on a machine that does nothing else. */
const timed = /(?:ms|seconds|mebibytes)$/i
const slack = 10
/** More than the slack lets any of them take, with others beside it. */
const limitMs = 900_000

/** These measure the time or the memory of this very process, or want every answer in time. */
const alone: typeof trials = [
  ['A6 SIGTERM in the upgrade of a release', 30, (trial) => a6.run({ ...trial, index: 1 })],
  ['A7 charts that render a gigabyte', 29, (trial) => muchOutput(trial)],
  ['E4 malformed answers of a registry', 16, (trial) => malformed(trial, 100)],
  ['I2 archives that are no charts', 21, (trial) => archives(trial, 16)],
  ['I5 a template that prints too much', 24, (trial) => bomb(trial, bombs[2] ?? bombs[0])],
]

describe('the fault suite, in small', { concurrent: true }, () => {
  it.each(trials)('%s', async (...[, seed, run]) => await tried(seed, run), limitMs)
})

describe('the fault suite, in small and one at a time', () => {
  it.each(alone)('%s', async (...[, seed, run]) => await tried(seed, run), limitMs)
})

function isOnlySlow({ over, notRun }: TrialResult): boolean {
  if (over === undefined || notRun !== undefined) return false
  return Object.entries(over).every(([name, times]) => timed.test(name) && times < slack)
}

async function tried(seed: number, run: (trial: Trial) => Promise<TrialResult>): Promise<void> {
  const world = createWorld(stack(), scale)
  let result: TrialResult | undefined
  try {
    result = await run({ world, random: createRandom(seed), index: 0, scale })
    if (!isOnlySlow(result)) expect(result).toMatchObject({ ok: true })
  } finally {
    await world.close({ keep: !result || !(result.ok || isOnlySlow(result)) })
  }
}
