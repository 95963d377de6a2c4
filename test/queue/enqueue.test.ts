import { afterEach, describe, expect, it } from 'vitest'
import type { Processor } from '../../src/adapters/queue/index.ts'
import { AppError } from '../../src/domain/error.ts'
import type { JobPayload, WorkRequest } from '../../src/domain/work/job.ts'
import { createQueueBox, freshPrefix, heldBack, until } from './support.ts'

const box = createQueueBox()
afterEach(() => box.clean())

const request = (over: Partial<WorkRequest> = {}): WorkRequest => ({
  kind: 'sync-source',
  namespace: 'a',
  name: 'one',
  reason: 'periodic',
  lane: 'periodic',
  ...over,
})

/** A processor that waits until it is let go; keeps what it was given. */
function createGate() {
  const seen: JobPayload[] = []
  let open = Promise.withResolvers<void>()
  const run: Processor = async (payload) => {
    seen.push(payload)
    await open.promise
    return { end: 'done', summary: 'ok' }
  }
  const letGo = (): void => {
    open.resolve()
    open = Promise.withResolvers()
  }
  return { seen, run, letGo }
}

describe('enqueue', () => {
  it('keeps one job per object, with the oldest time and the most urgent reason', async () => {
    let now = Date.parse('2026-11-21T10:00:00Z')
    const queue = box.open({ prefix: freshPrefix(), now: () => now })
    const { jobId } = await queue.enqueue(request())
    now += 5000
    expect(await queue.enqueue(request({ lane: 'webhook', reason: 'push to main' }))).toEqual({ jobId })
    now += 5000
    expect(await queue.enqueue(request({ lane: 'image', reason: 'new image' }))).toEqual({ jobId })

    expect(await queue.list({ limit: 10 })).toHaveLength(1)
    expect(await queue.get(jobId)).toMatchObject({
      lane: 'webhook',
      reason: 'push to main',
      requestedAt: '2026-11-21T10:00:00.000Z',
      state: 'waiting',
    })
  })

  it('keeps jobs of other objects, namespaces and kinds apart', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    const jobs = await Promise.all([
      queue.enqueue(request()),
      queue.enqueue(request({ name: 'two' })),
      queue.enqueue(request({ namespace: 'b' })),
      queue.enqueue(request({ kind: 'fetch-source' })),
    ])
    expect(new Set(jobs.map(({ jobId }) => jobId)).size).toBe(4)
    expect(await queue.counts()).toMatchObject({ 'sync-source': { waiting: 3 }, 'fetch-source': { waiting: 1 } })
    expect(await queue.countsOf('sync-source')).toMatchObject({ waiting: 3, active: 0 })
  })

  it('starts a person before 1,000 periodic jobs, also when the object itself waits among them', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    const names = Array.from({ length: 1000 }, (_, index) => `n${index}`)
    await Promise.all(names.map((name) => queue.enqueue(request({ name }))))
    const started: string[] = []
    const run: Processor = async ({ name }) => {
      started.push(name)
      await new Promise((resolve) => setTimeout(resolve, 50))
      return { end: 'done', summary: '' }
    }
    await queue.work({ 'sync-source': { run, slots: 4 } })
    await until('work has begun', () => started.length > 4)

    for (const name of ['n999', 'fresh']) {
      await queue.enqueue(request({ name, lane: 'person', reason: 'jo asks' }))
      const before = started.length
      await until(`${name} starts`, () => started.includes(name))
      expect(started.indexOf(name) - before).toBeLessThan(50)
    }
  })

  describe('behind a back-off', () => {
    async function openFailing(retry: AppError['retry'] = { afterMs: 600_000 }) {
      const prefix = freshPrefix()
      const queue = box.open({ prefix, random: () => 0.5 })
      let fails = true
      const seen: JobPayload[] = []
      const run: Processor = async (payload) => {
        seen.push(payload)
        if (fails) throw new AppError('GitUnreachable', 'The git server does not answer.', { retry })
        return { end: 'done', summary: 'ok' }
      }
      await queue.work({ 'sync-source': { run, slots: 1 } })
      const { jobId } = await queue.enqueue(request())
      await until('it backs off', async () => (await queue.get(jobId))?.state === 'delayed')
      return { queue, prefix, jobId, seen, mend: () => (fails = false) }
    }

    it.each(['person', 'webhook', 'change'] as const)('a %s starts it at once', async (lane) => {
      const { queue, jobId, seen, mend } = await openFailing()
      mend()
      expect(await queue.enqueue(request({ lane, reason: 'news' }))).toEqual({ jobId })
      await until('it starts', () => seen.length === 2)
      expect(seen[1]?.reason).toBe('news')
      await until('it is done', async () => (await queue.get(jobId))?.state === 'completed')
    })

    it.each(['image', 'periodic'] as const)('a request of lane %s does not shorten it', async (lane) => {
      const { queue, jobId } = await openFailing()
      const before = await queue.get(jobId)
      expect(await queue.enqueue(request({ lane }))).toEqual({ jobId })
      const after = await queue.get(jobId)
      expect(after).toMatchObject({ state: 'delayed', nextRunAt: before?.nextRunAt })
    })

    it('begins again at 5 s after news', async () => {
      const { queue, prefix, jobId, seen } = await openFailing('backoff')
      await queue.enqueue(request({ lane: 'change', reason: 'generation 2' }))
      const client = box.client()
      const runsSince = () => seen.filter(({ reason }) => reason === 'generation 2').length
      const { runs, delayMs } = await heldBack(client, { queue: `${prefix}:sync-source`, jobId }, runsSince)
      expect(delayMs).toBe(5000 * 2 ** (runs - 1))
      client.disconnect()
    })
  })

  it('takes the earlier time of two delayed requests; a person waits for none', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    const { jobId } = await queue.enqueue(request({ delayMs: 60_000 }))
    expect(await queue.get(jobId)).toMatchObject({ state: 'delayed' })
    const before = Date.now()
    await queue.enqueue(request({ delayMs: 30_000 }))
    const due = Date.parse((await queue.get(jobId))?.nextRunAt ?? '')
    expect(due).toBeGreaterThanOrEqual(before + 30_000)
    expect(due).toBeLessThanOrEqual(Date.now() + 30_000)
    await queue.enqueue(request({ delayMs: 45_000 }))
    expect(Date.parse((await queue.get(jobId))?.nextRunAt ?? '')).toBe(due)
    await queue.enqueue(request({ lane: 'person', delayMs: 30_000 }))
    expect(await queue.get(jobId)).toMatchObject({ state: 'waiting', lane: 'person' })
  })

  it('answers all requests that come during a run by one later run with the most urgent of them', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    const gate = createGate()
    await queue.work({ 'sync-source': { run: gate.run, slots: 4 } })
    await queue.enqueue(request())
    await until('it runs', () => gate.seen.length === 1)

    const asked: Promise<{ jobId: string }>[] = []
    for (let i = 0; i < 1000; i++) {
      const lane = i === 500 ? 'person' : 'webhook'
      asked.push(queue.enqueue(request({ lane, reason: `push ${i}` })))
      if (i % 100 === 99) await Promise.all(asked)
    }
    const ids = new Set((await Promise.all(asked)).map(({ jobId }) => jobId))
    expect(ids.size).toBe(1)
    const [next = ''] = ids
    expect(await queue.get(next)).toMatchObject({ state: 'waiting', lane: 'person', reason: 'push 500' })
    expect(gate.seen).toHaveLength(1)

    gate.letGo()
    await until('the later run begins', () => gate.seen.length === 2)
    expect(gate.seen[1]?.reason).toBe('push 500')
    expect(await queue.get(next)).toMatchObject({ id: next, state: 'active', lane: 'person' })
    gate.letGo()
    await until('all is done', async () => (await queue.counts())['sync-source'].completed === 2)
    expect((await queue.counts())['sync-source']).toMatchObject({ waiting: 0, active: 0, delayed: 0 })
  })

  it('has a run that goes on answer a request that joins runs, and one that waits as any other', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    const gate = createGate()
    await queue.work({ 'sync-source': { run: gate.run, slots: 1 } })
    const running = await queue.enqueue(request())
    await until('it runs', () => gate.seen.length === 1)
    const joining = request({ lane: 'change', reason: 'start', joinsRun: true })
    expect(await queue.enqueue(joining)).toEqual(running)
    const waiting = await queue.enqueue({ ...joining, name: 'other' })
    expect(await queue.get(waiting.jobId)).toMatchObject({ state: 'waiting', reason: 'start' })

    gate.letGo()
    await until('the other runs', () => gate.seen.length === 2)
    gate.letGo()
    await until('all is done', async () => (await queue.counts())['sync-source'].completed === 2)
    expect(gate.seen.map(({ name }) => name)).toEqual([request().name, 'other'])
  })

  it('refuses names that no object has, and stores nothing', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    await expect(queue.enqueue(request({ name: '--upload-pack=x' }))).rejects.toThrow(AppError)
    await expect(queue.enqueue(request({ lane: 'urgent' as 'person' }))).rejects.toThrow(AppError)
    expect(await queue.list({ limit: 10 })).toEqual([])
  })
})
