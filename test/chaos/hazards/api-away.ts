import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../playground/stack/until.ts'
import { type Hazard, judge, scaled, secondsSince, type Trial, type TrialResult } from '../hazard.ts'
import { type Manifest, pathOf } from '../objects.ts'
import { startOwnCluster } from '../own-cluster.ts'
import type { Stage } from '../world.ts'
import { manyObjects } from './process-death.ts'

/** Only a watch can see a change in time. */
const watchOnly = ['--sync-interval=30m']

export const c1: Hazard = {
  id: 'C1',
  promise:
    'the API server is killed during a sync and stays away: no crash, nothing deleted, converged ≤ 90 s after its return',
  trials: scaled(20),
  alone: true,
  run: apiServerDies,
}

async function apiServerDies({ world, random }: Trial): Promise<TrialResult> {
  const own = await startOwnCluster(world.stack, world.directory)
  world.atEnd(() => own.stop())
  const stage = await world.stage({ kubeconfig: own.kubeconfig })
  const { capstan, api } = stage
  const objects = stage.objects(manyObjects, 'one')
  const commit = await stage.push(objects)
  capstan.start()
  await new Promise<void>((resolve) => api.gate.atWrite(random.between(1, manyObjects), resolve))
  api.cable.refuse(true)
  api.cable.cut()
  await own.restartApiServer()
  await sleep(world.outageMs(300_000))
  api.cable.refuse(false)
  const back = performance.now()
  await stage.equals(commit, objects, 150_000)
  return judge({
    seconds: [secondsSince(back), 90],
    wrongDeletes: [stage.deletesOf(objects), 0],
    // a lost Lease ends the process, which says so and is started again; nothing else may
    crashes: [capstan.endsWithout('FenceLost'), 0],
  })
}

export const c3: Hazard = {
  id: 'C3',
  promise: 'API answers after 10 s, 1 % of connections black-holed: 0 jobs stuck afterwards, converged ≤ 90 s',
  trials: scaled(10),
  run: slowApi,
}

async function slowApi({ world, random }: Trial): Promise<TrialResult> {
  const stage = await world.stage()
  const { capstan, api } = stage
  const first = stage.objects(100, 'one')
  capstan.start()
  await stage.equals(await stage.push(first), first)
  api.cable.blackHoleShare(0.01, () => random.next())
  api.cable.latency(10_000)
  api.cable.cut()
  const second = stage.objects(100, 'two')
  const commit = await stage.push(second)
  await sleep(world.outageMs(900_000))
  api.cable.latency(0)
  api.cable.blackHoleShare(0, () => 1)
  const back = performance.now()
  await stage.equals(commit, second, 150_000)
  const seconds = secondsSince(back)
  const { body } = await capstan.call('/api/v1/jobs?state=active&limit=100')
  const old = (body as { jobs: { startedAt?: string }[] }).jobs.filter(
    ({ startedAt }) => startedAt && Date.now() - Date.parse(startedAt) > 120_000,
  )
  return judge({ seconds: [seconds, 90], stuckJobs: [old.length, 0] })
}

export const c5: Hazard = {
  id: 'C5',
  promise: 'etcd compacted while the watch is away (410 Gone): no change missed, corrected ≤ 60 s',
  trials: scaled(30),
  alone: true,
  run: compacted,
}

/** The API server starts again with an empty cache, so that a version from before the compaction is gone for it. */
async function compacted({ world, random }: Trial): Promise<TrialResult> {
  const own = await startOwnCluster(world.stack, world.directory)
  world.atEnd(() => own.stop())
  const stage = await world.stage({ kubeconfig: own.kubeconfig, flags: watchOnly })
  const objects = stage.objects(60, 'one')
  stage.capstan.start()
  await stage.equals(await stage.push(objects), objects)
  const victims = victimsOf(objects)
  let slowest = 0
  for (let round = 0; round < 6; round++) {
    await untilWatched(stage, objects, victims(1))
    stage.api.cable.refuse(true)
    stage.api.cable.cut()
    await drift(stage, victims(random.between(1, 5)))
    await own.compact()
    await own.restartApiServer()
    stage.api.cable.refuse(false)
    slowest = Math.max(slowest, await corrected(stage, objects))
  }
  return judge({ seconds: [slowest, 60] })
}

export const c6: Hazard = {
  id: 'C6',
  promise: 'a watch whose connection is open and dead: a change is seen and corrected ≤ 90 s',
  trials: scaled(20),
  run: (trial) => halfOpen(trial, 40),
}

export async function halfOpen({ world, random }: Trial, count: number): Promise<TrialResult> {
  const stage = await world.stage({ flags: watchOnly })
  const objects = stage.objects(count, 'one')
  stage.capstan.start()
  await stage.equals(await stage.push(objects), objects)
  const victims = victimsOf(objects)
  await untilWatched(stage, objects, victims(1))
  stage.api.cable.blackHole('open')
  await drift(stage, victims(random.between(1, 5)))
  return judge({ seconds: [await corrected(stage, objects), 90] })
}

/** ConfigMaps one after the other: drift of an object that was corrected already has to wait (ruling 18). */
function victimsOf(objects: readonly Manifest[]): (count: number) => Manifest[] {
  const left = objects.filter(({ kind }) => kind === 'ConfigMap')
  return (count) => left.splice(0, count)
}

/** A change is corrected now: the watches are there. */
async function untilWatched(stage: Stage, objects: readonly Manifest[], victims: readonly Manifest[]): Promise<void> {
  await drift(stage, victims)
  await corrected(stage, objects)
}

async function drift(stage: Stage, victims: readonly Manifest[]): Promise<void> {
  for (const victim of victims) await stage.cluster.patch(pathOf(victim), { data: { value: 'drifted' } })
}

async function corrected(stage: Stage, objects: readonly Manifest[]): Promise<number> {
  const begun = performance.now()
  await until(
    'drift is corrected',
    async () => {
      const { missing, different } = await stage.differences(objects)
      return missing.length + different.length === 0
    },
    { timeoutMs: 150_000, everyMs: 200, logFile: stage.capstan.logFile },
  )
  return secondsSince(begun)
}
