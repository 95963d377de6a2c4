import { Queue } from 'bullmq'
import { until } from '../../../playground/stack/until.ts'
import { dedupeKey } from '../../../src/domain/work/dedupe-key.ts'
import { type Hazard, judge, scaled, secondsSince, type Trial, type TrialResult } from '../hazard.ts'
import type { Stage } from '../world.ts'
import { manyObjects } from './process-death.ts'

/** Nothing periodic comes in between. */
const seldom = ['--sync-interval=30m', '--git-poll-interval=30m']
const kinds = ['fetch-source', 'sync-source', 'resync'] as const

export const b9: Hazard = {
  id: 'B9',
  promise: 'each job delivered 10 × in random order: 0 writes to the cluster, 0 resourceVersions moved',
  trials: scaled(20),
  run: deliverAgain,
}

async function deliverAgain({ world, random }: Trial): Promise<TrialResult> {
  const stage = await world.stage({ flags: seldom })
  const objects = stage.objects(100, 'one')
  const commit = await stage.push(objects)
  stage.capstan.start()
  await stage.equals(commit, objects)
  await idle(stage)
  const before = await settled(stage)
  const written = stage.api.gate.writes().length
  const deliveries = kinds.flatMap((kind) => Array.from({ length: 10 }, () => kind))
  const queues = kinds.map((kind) => ({ kind, queue: openQueue(stage, kind) }))
  try {
    while (deliveries.length > 0) {
      const [kind] = deliveries.splice(random.between(0, deliveries.length - 1), 1)
      const data = {
        kind,
        namespace: stage.namespace,
        name: kind === 'resync' ? random.pick(['poll', 'sources']) : 'default',
        reason: 'delivered again',
        requestedAt: new Date().toISOString(),
      }
      // no deduplication, as after a lost lock: BullMQ hands the same work out again
      await queues
        .find((one) => one.kind === kind)
        ?.queue.add(kind ?? '', data, { attempts: 5, backoff: { type: 'capstan' } })
    }
    await idle(stage)
    const counts = await Promise.all(queues.map(({ queue }) => queue.getJobCounts('completed', 'failed')))
    const done = counts.reduce((sum, { completed = 0 }) => sum + completed, 0)
    const after = await versions(stage)
    const bumped = [...before].filter(([key, version]) => after.get(key) !== version).length
    return judge({
      notDelivered: [Math.max(0, 30 - done), 0],
      failed: [counts.reduce((sum, { failed = 0 }) => sum + failed, 0), 0],
      bumps: [bumped, 0],
      writes: [stage.api.gate.writes().length - written, 0],
    })
  } finally {
    for (const { queue } of queues) await queue.close()
  }
}

function openQueue({ redis, redisPrefix }: Stage, kind: string): Queue {
  return new Queue(kind, { connection: { url: redis.url }, prefix: redisPrefix })
}

/** The controllers of the cluster have done their part: every Deployment was seen by its own, and nothing moved for a while. */
async function settled(stage: Stage): Promise<Map<string, string>> {
  let last = new Map<string, string>()
  let still = 0
  await until(
    'the controllers are done',
    async () => {
      const live = [...(await stage.cluster.live(stage.id)).values()]
      const deployments = live.filter(({ spec }) => 'replicas' in ((spec ?? {}) as object))
      const seen = deployments.every(({ status }) => (status as { observedGeneration?: number }).observedGeneration)
      const now = await versions(stage)
      const moved = [...now].some(([key, version]) => last.get(key) !== version)
      still = moved || !seen ? 0 : still + 1
      last = now
      return still >= 3
    },
    { everyMs: 700, timeoutMs: 90_000 },
  )
  return last
}

async function versions({ cluster, id }: Stage): Promise<Map<string, string>> {
  return new Map([...(await cluster.live(id))].map(([key, { metadata }]) => [key, metadata.resourceVersion]))
}

type Jobs = { jobs: { kind: string; state: string; reason: string; startedAt?: string; attempts: number }[] }

async function jobsOf({ capstan }: Stage, query: string): Promise<Jobs['jobs']> {
  const { status, body } = await capstan.call(`/api/v1/jobs?${query}&limit=500`)
  if (status !== 200) throw new Error(`GET /api/v1/jobs: ${status} ${JSON.stringify(body)}`)
  return (body as Jobs).jobs
}

/** Nothing runs or is about to; three looks in a row, because one job asks for the next. */
async function idle(stage: Stage): Promise<void> {
  let quiet = 0
  await until(
    'the queue is empty',
    async () => {
      const jobs = await Promise.all(['waiting', 'active'].map((state) => jobsOf(stage, `state=${state}`)))
      quiet = jobs.flat().length === 0 ? quiet + 1 : 0
      return quiet >= 3
    },
    { everyMs: 200, timeoutMs: 60_000 },
  )
}

export const b10: Hazard = {
  id: 'B10',
  promise: 'stale deduplication keys for all work: everything is reconciled ≤ 90 s',
  trials: scaled(20),
  run: staleKeys,
}

async function staleKeys({ world, random }: Trial): Promise<TrialResult> {
  const stage = await world.stage()
  const first = stage.objects(50, 'one')
  stage.capstan.start()
  await stage.equals(await stage.push(first), first)
  for (const kind of ['fetch-source', 'sync-source'] as const) {
    const key = dedupeKey({ kind, namespace: stage.namespace, name: 'default' })
    const gone = `${kind}.gone${random.between(1, 1e9)}`
    await stage.redisCommand('set', `${stage.redisPrefix}:${kind}:de:${key}`, gone)
  }
  const begun = performance.now()
  const second = stage.objects(50, 'two')
  await stage.equals(await stage.push(second), second, 150_000)
  return judge({ seconds: [secondsSince(begun), 90] })
}

export const b11: Hazard = {
  id: 'B11',
  promise: '1,000 push webhooks in 10 s during a sync: ≤ 2 syncs beyond the running one, the last commit applied',
  trials: scaled(50),
  run: burst,
}

/** The running sync is held up by a slow API server, so that it outlasts the burst. */
async function burst({ world, random, scale }: Trial): Promise<TrialResult> {
  const stage = await world.stage({ flags: seldom })
  const { capstan, api } = stage
  const first = stage.objects(manyObjects, 'one')
  await stage.push(first)
  capstan.start()
  await new Promise<void>((resolve) => api.gate.atWrite(random.between(5, 100), resolve))
  await capstan.ready()
  api.cable.latency(1000)
  const calls = Math.min(1000, Math.round(1000 * Math.max(scale, 0.1)))
  let [taken, odd, commit, objects] = [0, 0, '', first]
  for (let call = 0; call < calls; call++) {
    if (call % 20 === 0) {
      objects = [...stage.objects(20, `push ${call}`), ...first.slice(20)]
      commit = await stage.push(objects)
    }
    const status = await capstan.push()
    if (status === 202) taken += 1
    else if (status !== 429) odd += 1
  }
  api.cable.latency(0)
  // One that comes after the burst, as a sender repeats what it got a 429 for.
  await until('the last push is taken', async () => (await capstan.push()) === 202, {
    timeoutMs: 90_000,
    everyMs: 1000,
  })
  await stage.equals(commit, objects, 120_000)
  await idle(stage)
  const syncs = await jobsOf(stage, 'kind=sync-source')
  return {
    ...judge({ syncsBeyond: [syncs.length - 1, 2], oddAnswers: [odd, 0] }),
    measured: { calls, taken, syncsBeyond: syncs.length - 1, oddAnswers: odd },
  }
}
