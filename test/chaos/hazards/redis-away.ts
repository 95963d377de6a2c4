import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../playground/stack/until.ts'
import { type Hazard, judge, scaled, secondsSince, type Trial, type TrialResult } from '../hazard.ts'
import { manyObjects } from './process-death.ts'

export const b1: Hazard = {
  id: 'B1',
  promise:
    'Redis away during a sync: reads answer 200, enqueue 503 with Retry-After ≤ 1 s, no crash, work again ≤ 30 s after its return, converged ≤ 120 s',
  trials: scaled(20),
  run: (trial) => redisAway(trial, manyObjects),
}

/** The same with as many objects as a caller has time for. */
export async function redisAway({ world, random }: Trial, count: number): Promise<TrialResult> {
  const stage = await world.stage()
  const { capstan, redis } = stage
  const objects = stage.objects(count, 'one')
  const first = await stage.push(objects)
  capstan.start()
  await new Promise<void>((resolve) => stage.api.gate.atWrite(random.between(1, count), resolve))
  await capstan.ready()
  await redis.kill()
  const seen = { badReads: 0, badEnqueues: 0, slowestEnqueueMs: 0 }
  const end = performance.now() + world.outageMs(600_000)
  let commit = first
  do {
    const read = await capstan.call('/api/v1/status')
    if (read.status !== 200) seen.badReads += 1
    const enqueue = await capstan.call(`/api/v1/sources/${stage.namespace}/default/sync`, 'POST')
    if (enqueue.status !== 503 || !enqueue.headers.get('retry-after')) seen.badEnqueues += 1
    seen.slowestEnqueueMs = Math.max(seen.slowestEnqueueMs, Math.round(enqueue.ms))
    if (commit === first) commit = await stage.push(objects, { 'README.md': 'pushed while Redis was away' })
    await sleep(500)
  } while (performance.now() < end)
  await redis.start()
  const begun = performance.now()
  await until(
    'an enqueue is taken again',
    async () => (await capstan.call(`/api/v1/sources/${stage.namespace}/default/sync`, 'POST')).status === 202,
    { timeoutMs: 240_000 },
  )
  const resumed = secondsSince(begun)
  await stage.equals(commit, objects, 180_000)
  return judge({
    badReads: [seen.badReads, 0],
    badEnqueues: [seen.badEnqueues, 0],
    slowestEnqueueMs: [seen.slowestEnqueueMs, 1000],
    crashes: [capstan.endsWithout('FenceLost'), 0],
    resumedSeconds: [resumed, 30],
    convergedSeconds: [secondsSince(begun), 120],
  })
}

export const b2: Hazard = {
  id: 'B2',
  promise: 'FLUSHALL at a random time: converged ≤ 60 s, no push lost, schedules back ≤ 60 s',
  trials: scaled(20),
  run: (trial) => flushAll(trial, manyObjects),
}

export async function flushAll({ world, random }: Trial, count: number): Promise<TrialResult> {
  const stage = await world.stage()
  const objects = stage.objects(count, 'one')
  await stage.push(objects)
  stage.capstan.start()
  await new Promise<void>((resolve) => stage.api.gate.atWrite(random.between(1, count), resolve))
  const next = stage.objects(count, 'two')
  const commit = await stage.push(next)
  await stage.redis.flush()
  const begun = performance.now()
  const schedules = until('the schedules are back', async () => (await schedulesOf(stage)) >= 2, {
    timeoutMs: 120_000,
  }).then(() => secondsSince(begun))
  const converged = await stage.equals(commit, next, 180_000)
  return judge({
    convergedSeconds: [converged, 60],
    schedulesSeconds: [await schedules, 60],
    crashes: [stage.capstan.endsWithout('FenceLost'), 0],
  })
}

async function schedulesOf(stage: Awaited<ReturnType<Trial['world']['stage']>>): Promise<number> {
  return Number(await stage.redisCommand('zcard', `${stage.redisPrefix}:resync:repeat`))
}
