import { Queue as BullQueue } from 'bullmq'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Processor } from '../../src/adapters/queue/index.ts'
import { AppError } from '../../src/domain/error.ts'
import { dedupeKey } from '../../src/domain/work/dedupe-key.ts'
import type { JobPayload, WorkRequest } from '../../src/domain/work/job.ts'
import { createQueueBox, freshPrefix, until } from './support.ts'

const box = createQueueBox()
afterEach(async () => {
  await box.clean()
  vi.restoreAllMocks()
})

const entry = (id: string, everyMs = 600_000) => ({
  id,
  everyMs,
  payload: { kind: 'resync', namespace: '', name: id, reason: 'periodic' } as const,
})
const request: WorkRequest = { kind: 'sync-source', namespace: 'a', name: 'one', reason: 'push', lane: 'webhook' }

function createRecorderOfRuns() {
  const seen: JobPayload[] = []
  const run: Processor = async (payload) => {
    seen.push(payload)
    return { end: 'done', summary: 'ok' }
  }
  return { seen, run }
}

describe('schedule', () => {
  it('runs its jobs at once and then again and again, with the time of each', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    const { seen, run } = createRecorderOfRuns()
    await queue.work({ resync: { run, slots: 1 } })
    await queue.schedule([entry('sources', 300)])
    await until('it ran three times', () => seen.length >= 3)
    const times = seen.slice(0, 3).map(({ requestedAt }) => Date.parse(requestedAt))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(new Set(times).size).toBe(3)
    expect(seen[0]).toMatchObject({ kind: 'resync', name: 'sources', reason: 'periodic' })
  })

  describe('after the clock went back an hour (hazard F3)', () => {
    const real = Date.now
    let aheadMs = 0
    const setClock = (ms: number): void => {
      aheadMs = ms
      if (!vi.isMockFunction(Date.now)) vi.spyOn(Date, 'now').mockImplementation(() => real() + aheadMs)
    }

    it.each(['as this process sees it', 'before this process began'])('runs its jobs all the same, %s', async (how) => {
      setClock(3_600_000)
      const prefix = freshPrefix()
      const first = box.open({ prefix })
      const { seen, run } = createRecorderOfRuns()
      await first.work({ resync: { run, slots: 1 } })
      await first.schedule([entry('sources', 300)])
      await until('it ran', () => seen.length >= 2)
      setClock(0)
      const queue = how.startsWith('as') ? first : box.open({ prefix })
      expect(await queue.schedule([entry('sources', 300)])).toEqual([])
      const before = seen.length
      await until('it runs again and again', () => seen.length >= before + 3)
      expect(await queue.schedule([entry('sources', 300)])).toEqual([])
    })

    it('lets what waits after a failure wait no longer than before', async () => {
      setClock(3_600_000)
      const queue = box.open({ prefix: freshPrefix() })
      const fail: Processor = async () => {
        throw new AppError('GitUnreachable', 'x', { retry: { afterMs: 500_000 } })
      }
      await queue.work({ 'sync-source': { run: fail, slots: 1 } })
      await queue.schedule([])
      const { jobId } = await queue.enqueue(request)
      await until('it waits', async () => (await queue.get(jobId))?.state === 'delayed')
      const dueAt = async (): Promise<number> => Date.parse((await queue.get(jobId))?.nextRunAt ?? '')
      await queue.schedule([])
      expect(await dueAt()).toBeGreaterThan(real() + 3_600_000)
      setClock(0)
      await queue.schedule([])
      expect(await dueAt()).toBeLessThanOrEqual(real() + 500_000)
      const due = await dueAt()
      await queue.schedule([])
      expect(await dueAt()).toBe(due)
    })
  })

  it('tells which were missing, once, and takes away what is no longer wanted', async () => {
    const prefix = freshPrefix()
    const queue = box.open({ prefix })
    expect(await queue.schedule([entry('sources'), entry('releases')])).toEqual(['sources', 'releases'])
    expect(await queue.schedule([entry('sources'), entry('releases'), entry('images')])).toEqual(['images'])
    expect(await queue.schedule([entry('sources')])).toEqual([])
    const client = box.client()
    expect(await client.zrange(`${prefix}:resync:repeat`, '0', '-1')).toEqual(['sources'])
    client.disconnect()
  })

  it('can be asked from two processes at once', async () => {
    const prefix = freshPrefix()
    const [one, two] = [box.open({ prefix }), box.open({ prefix })]
    await Promise.all([one.schedule([entry('sources')]), two.schedule([entry('sources')])])
    expect(await one.list({ kinds: ['resync'], limit: 10 })).toHaveLength(1)
  })

  it('follows a changed interval', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    const { seen, run } = createRecorderOfRuns()
    await queue.work({ resync: { run, slots: 1 } })
    await queue.schedule([entry('sources')])
    await until('it ran', () => seen.length === 1)
    expect(await queue.schedule([entry('sources', 200)])).toEqual([])
    await until('it runs often', () => seen.length >= 4)
  })

  it('produces again when its next job or the scheduler itself was lost (hazard B15)', async () => {
    const prefix = freshPrefix()
    const queue = box.open({ prefix })
    const { seen, run } = createRecorderOfRuns()
    await queue.work({ resync: { run, slots: 1 } })
    await queue.schedule([entry('sources')])
    await until('it ran', () => seen.length === 1)
    const client = box.client()
    const [next = ''] = await client.zrange(`${prefix}:resync:delayed`, '0', '-1')
    await client.del(`${prefix}:resync:delayed`, `${prefix}:resync:${next}`)
    expect(await queue.schedule([entry('sources')])).toEqual([])
    expect(await client.zcard(`${prefix}:resync:delayed`)).toBe(1)
    await client.del(`${prefix}:resync:repeat`, `${prefix}:resync:repeat:sources`)
    expect(await queue.schedule([entry('sources')])).toEqual(['sources'])
    client.disconnect()
  })

  it('takes resync jobs only: those of a scheduler are not deduplicated', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    const wrong = {
      id: 'x',
      everyMs: 1000,
      payload: { kind: 'sync-source', namespace: 'a', name: 'b', reason: '' } as const,
    }
    await expect(queue.schedule([wrong])).rejects.toThrow(AppError)
  })
})

describe('a deduplication key whose job is gone', () => {
  const base = (prefix: string): string => `${prefix}:sync-source`
  const key = dedupeKey(request)

  it('does not keep its object from running', async () => {
    const prefix = freshPrefix()
    const queue = box.open({ prefix })
    const client = box.client()
    await client.set(`${base(prefix)}:de:${key}`, 'sync-source.gone')
    const { jobId } = await queue.enqueue(request)
    expect(await queue.get(jobId)).toMatchObject({ state: 'waiting' })
    client.disconnect()
  })

  it('nor does one of a job that has ended', async () => {
    const prefix = freshPrefix()
    const queue = box.open({ prefix })
    const { seen, run } = createRecorderOfRuns()
    await queue.work({ 'sync-source': { run, slots: 1 } })
    const { jobId } = await queue.enqueue(request)
    await until('it is done', async () => (await queue.get(jobId))?.state === 'completed')
    const client = box.client()
    await client.set(`${base(prefix)}:de:${key}`, jobId)
    await queue.enqueue(request)
    await until('it ran again', () => seen.length === 2)
    client.disconnect()
  })

  it('is deleted by schedule, and living ones are not', async () => {
    const prefix = freshPrefix()
    const queue = box.open({ prefix })
    await queue.enqueue(request)
    const client = box.client()
    const stray = Array.from({ length: 200 }, (_, index) => `${base(prefix)}:de:${index}`)
    for (const name of stray) await client.set(name, 'sync-source.gone')
    await queue.schedule([])
    await until('they are deleted', async () => (await client.exists(...stray)) === 0)
    expect(await client.get(`${base(prefix)}:de:${key}`)).toMatch(/^sync-source\./)
    client.disconnect()
  })

  it('gives back the request that would have been lost with it', async () => {
    const prefix = freshPrefix()
    const queue = box.open({ prefix })
    const client = box.client()
    const payload = {
      kind: 'sync-source',
      namespace: 'a',
      name: 'one',
      reason: 'push 2',
      requestedAt: '2026-11-21T10:00:00Z',
    }
    await client.set(`${base(prefix)}:de:${key}`, 'sync-source.gone')
    const fields = {
      name: 'sync-source',
      data: JSON.stringify(payload),
      opts: '{"priority":100001}',
      jid: 'sync-source.next',
    }
    await client.hset(`${base(prefix)}:dn:${key}`, fields)
    await queue.schedule([])
    await until('it waits', async () => (await queue.counts())['sync-source'].waiting === 1)
    expect(await queue.list({ limit: 1 })).toMatchObject([{ name: 'one', reason: 'push 2', lane: 'webhook' }])
    client.disconnect()
  })

  it('is never left behind by BullMQ itself when jobs are removed', async () => {
    const prefix = freshPrefix()
    const queue = box.open({ prefix })
    const client = box.client()
    const raw = new BullQueue('sync-source', { connection: client, prefix })
    await queue.enqueue(request)
    await raw.drain(true)
    await raw.close()
    const { jobId } = await queue.enqueue(request)
    expect(await queue.get(jobId)).toMatchObject({ state: 'waiting' })
    client.disconnect()
  })
})
