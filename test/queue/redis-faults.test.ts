import { afterEach, describe, expect, it } from 'vitest'
import type { Processor, Queue } from '../../src/adapters/queue/index.ts'
import { AppError } from '../../src/domain/error.ts'
import type { WorkRequest } from '../../src/domain/work/job.ts'
import { createPrivateRedis, createQueueBox, createRecorder, type PrivateRedis, until } from './support.ts'

const servers: PrivateRedis[] = []
const box = createQueueBox(() => servers.at(-1)?.url ?? '')
const prefix = '{faults}'
afterEach(async () => {
  await box.clean()
  await Promise.all(servers.splice(0).map((server) => server.remove()))
})

async function openRedis(options?: Parameters<typeof createPrivateRedis>[0]): Promise<PrivateRedis> {
  const redis = await createPrivateRedis(options)
  servers.push(redis)
  return redis
}

const request: WorkRequest = { kind: 'sync-source', namespace: 'a', name: 'one', reason: 'push', lane: 'webhook' }
const entry = {
  id: 'sources',
  everyMs: 600_000,
  payload: { kind: 'resync', namespace: '', name: 'sources', reason: 'periodic' },
} as const

function createCounter() {
  const started: string[] = []
  const run: Processor = async ({ name }) => {
    started.push(name)
    return { end: 'done', summary: 'ok' }
  }
  return { started, run }
}

/** Each call rejects with RedisUnavailable though Redis never answers. */
async function expectUnavailable(queue: Queue): Promise<void> {
  const calls: [string, () => Promise<unknown>][] = [
    ['enqueue', () => queue.enqueue(request)],
    ['list', () => queue.list({ limit: 10 })],
    ['get', () => queue.get('sync-source.x')],
    ['counts', () => queue.counts()],
    ['oldestWaitMs', () => queue.oldestWaitMs()],
    ['schedule', () => queue.schedule([entry])],
    ['cancel', () => queue.cancel('sync-source.x', 'jo')],
    ['retry', () => queue.retry('sync-source.x')],
    ['promote', () => queue.promote('sync-source.x')],
  ]
  for (const [what, call] of calls) {
    const error = await call().then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error, what).toBeInstanceOf(AppError)
    expect(error, what).toMatchObject({ reason: 'RedisUnavailable', retry: 'backoff' })
  }
}

describe('Redis that', () => {
  it('is not there at the start: calls fail at once, and all works once it comes', async () => {
    const redis = await openRedis()
    const queue = box.open({ prefix })
    const { started, run } = createCounter()
    await queue.work({ 'sync-source': { run, slots: 1 } })
    await expectUnavailable(queue)
    expect(queue.isUp()).toBe(false)
    await redis.start()
    await until('it is up', () => queue.isUp())
    await queue.enqueue(request)
    await until('the job runs', () => started.length === 1)
  })

  it('is killed and started again: calls fail, then work goes on by itself', async () => {
    const redis = await openRedis({ appendOnly: true, args: ['--appendfsync', 'always'] })
    await redis.start()
    const queue = box.open({ prefix })
    const { started, run } = createCounter()
    await queue.enqueue({ ...request, name: 'first' })
    await queue.enqueue({ ...request, name: 'later', delayMs: 60_000, lane: 'periodic' })
    await queue.work({ 'sync-source': { run, slots: 1 } })
    await until('it runs', () => started.length === 1)
    for (let round = 0; round < 3; round++) {
      await redis.kill()
      await until('it is noticed', () => !queue.isUp())
      await expectUnavailable(queue)
      await redis.start()
      await until('it is up', () => queue.isUp())
      await queue.enqueue({ ...request, name: `round${round}` })
      await until('the job runs', () => started.includes(`round${round}`))
    }
    // what was acknowledged is still there; a job that has started may not have ended yet
    await until('only the later job is left', async () => {
      const { delayed, waiting, active } = (await queue.counts())['sync-source']
      return delayed === 1 && waiting === 0 && active === 0
    })
  })

  it('comes back empty: work goes on, and the schedules that it forgot are told once', async () => {
    const redis = await openRedis()
    await redis.start()
    const queue = box.open({ prefix })
    const { started, run } = createCounter()
    const resyncs = createCounter()
    await queue.work({ 'sync-source': { run, slots: 1 }, resync: { run: resyncs.run, slots: 1 } })
    expect(await queue.schedule([entry])).toEqual(['sources'])
    expect(await queue.schedule([entry])).toEqual([])
    await until('a resync runs', () => resyncs.started.length === 1)
    await redis.kill()
    await redis.start()
    await until('it is up', () => queue.isUp())
    expect(await queue.schedule([entry])).toEqual(['sources'])
    expect(await queue.schedule([entry])).toEqual([])
    await queue.enqueue(request)
    await until('the job runs', () => started.length === 1)
    await until('a resync runs', () => resyncs.started.length === 2)
  })

  it('is frozen: calls fail and nothing is lost when it goes on', async () => {
    const redis = await openRedis()
    await redis.start()
    const queue = box.open({ prefix, answerMs: 900 })
    const { started, run } = createCounter()
    await queue.work({ 'sync-source': { run, slots: 1 } })
    await until('it is up', () => queue.isUp())
    redis.freeze()
    await expectUnavailable(queue)
    expect(queue.isUp()).toBe(false)
    redis.thaw()
    // the connection that was silent may answer once more before it is given up for a new one
    let jobId = ''
    await until('a job is taken', async () => {
      jobId = await queue.enqueue(request).then(
        (asked) => asked.jobId,
        () => '',
      )
      return jobId
    })
    await until('the job is done', async () => (await queue.get(jobId))?.state === 'completed')
    expect(started.length).toBeGreaterThan(0)
  })

  it('goes away in the middle of a job: the job ends, and its end is told when Redis is back', async () => {
    const redis = await openRedis({ appendOnly: true, args: ['--appendfsync', 'always'] })
    await redis.start()
    const queue = box.open({ prefix })
    const inside = Promise.withResolvers<void>()
    const run: Processor = async () => {
      await inside.promise
      return { end: 'done', summary: 'ended without Redis' }
    }
    await queue.work({ 'sync-source': { run, slots: 1 } })
    const { jobId } = await queue.enqueue(request)
    await until('it runs', async () => (await queue.get(jobId))?.state === 'active')
    await redis.kill()
    await until('it is noticed', () => !queue.isUp())
    inside.resolve()
    await redis.start()
    await until('it is done', async () => (await queue.get(jobId).catch(() => undefined))?.state === 'completed')
    const { result, attempts } = (await queue.get(jobId)) ?? {}
    expect(result).toBe('ended without Redis')
    // a Redis that still loads its file refuses the end, and BullMQ does not tell it again: the job runs once more
    expect(attempts).toBeLessThanOrEqual(2)
  })

  it('is emptied in the middle of a job: the run is stopped before the object runs again', async () => {
    const redis = await openRedis()
    await redis.start()
    const queue = box.open({ prefix })
    let running = 0
    let most = 0
    const ends: string[] = []
    const run: Processor = async (_payload, { signal }) => {
      most = Math.max(most, ++running)
      const isFirst = ends.length === 0 && running === 1
      try {
        if (isFirst)
          await new Promise((_resolve, reject) =>
            signal.addEventListener('abort', () => reject(signal.reason as Error)),
          )
        ends.push('done')
        return { end: 'done', summary: 'ok' }
      } catch (error) {
        await new Promise((resolve) => setTimeout(resolve, 100))
        ends.push('stopped')
        throw error
      } finally {
        running--
      }
    }
    await queue.work({ 'sync-source': { run, slots: 4 } })
    await queue.enqueue(request)
    await until('it runs', () => running === 1)
    const client = box.client()
    await client.flushall()
    client.disconnect()
    const { jobId } = await queue.enqueue(request)
    await until('the new job is done', async () => (await queue.get(jobId))?.state === 'completed')
    expect(ends).toEqual(['stopped', 'done'])
    expect(most).toBe(1)
  })

  it('forgets a running job: the run is stopped although nobody asks for its object again', async () => {
    const redis = await openRedis()
    await redis.start()
    const queue = box.open({ prefix })
    const stopped = Promise.withResolvers<void>()
    const began = Promise.withResolvers<void>()
    const run: Processor = (_payload, { signal }) =>
      new Promise((_resolve, reject) => {
        began.resolve()
        signal.addEventListener('abort', () => {
          stopped.resolve()
          reject(signal.reason as Error)
        })
      })
    await queue.work({ 'sync-source': { run, slots: 1 } })
    await queue.enqueue(request)
    await began.promise
    const client = box.client()
    await client.flushall()
    client.disconnect()
    await stopped.promise
    const { started, run: next } = createCounter()
    const other = box.open({ prefix })
    await other.work({ 'sync-release': { run: next, slots: 1 } })
    await other.enqueue({ ...request, kind: 'sync-release' })
    await until('others go on', () => started.length === 1)
  })

  it('is full: enqueue says so, and takes work again when there is room', async () => {
    const redis = await openRedis({ args: ['--maxmemory-policy', 'noeviction'] })
    await redis.start()
    const queue = box.open({ prefix })
    await queue.enqueue(request)
    const client = box.client()
    await client.config('SET', 'maxmemory', '1')
    await expect(queue.enqueue({ ...request, name: 'two' })).rejects.toMatchObject({ reason: 'RedisUnavailable' })
    await expect(queue.enqueue({ ...request, name: 'two' })).rejects.toThrow(/is full/)
    await client.config('SET', 'maxmemory', '100mb')
    client.disconnect()
    await queue.enqueue({ ...request, name: 'two' })
    expect((await queue.counts())['sync-source'].waiting).toBe(2)
  })

  it('may drop keys is a warning, once, and never a refusal', async () => {
    const redis = await openRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] })
    await redis.start()
    const log = createRecorder()
    const queue = box.open({ prefix, log })
    await until('it warns', () => queue.warnings().length === 1)
    expect(queue.warnings()[0]).toContain('noeviction')
    await queue.enqueue(request)
    expect(log.lines.filter(({ level, message }) => level === 'warn' && message.includes('noeviction'))).toHaveLength(1)
  })
})

describe('close', () => {
  it('ends while Redis is away, also with a job running', async () => {
    const redis = await openRedis()
    await redis.start()
    const queue = box.open({ prefix })
    const run: Processor = (_payload, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
    await queue.work({ 'sync-source': { run, slots: 1 } })
    const { jobId } = await queue.enqueue(request)
    await until('it runs', async () => (await queue.get(jobId))?.state === 'active')
    await redis.kill()
    await until('it is noticed', () => !queue.isUp())
    await queue.close(100)
  })
})
