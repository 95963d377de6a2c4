import { afterEach, describe, expect, it } from 'vitest'
import type { Processor, Queue } from '../../src/adapters/queue/index.ts'
import { AppError } from '../../src/domain/error.ts'
import type { WorkRequest } from '../../src/domain/work/job.ts'
import { createQueueBox, freshPrefix, until } from './support.ts'

const box = createQueueBox()
afterEach(() => box.clean())

const request: WorkRequest = { kind: 'sync-release', namespace: 'a', name: 'one', reason: 'periodic', lane: 'periodic' }

/** Runs until it is aborted. */
const endless: Processor = (_payload, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })

async function isIn(queue: Queue, jobId: string, state: string): Promise<boolean> {
  return (await queue.get(jobId))?.state === state
}

describe('cancel', () => {
  it('removes a waiting and a delayed job, so that the object can be asked for anew', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    for (const delayMs of [0, 60_000]) {
      const { jobId } = await queue.enqueue({ ...request, delayMs })
      expect(await queue.cancel(jobId, 'jo')).toBe(true)
      expect(await queue.get(jobId)).toBeUndefined()
      expect(await queue.cancel(jobId, 'jo')).toBe(false)
    }
    expect((await queue.counts())['sync-release']).toMatchObject({ waiting: 0, delayed: 0 })
  })

  it('aborts a running job on the process that holds it, and says who did it', async () => {
    const prefix = freshPrefix()
    const [api, worker, other] = [box.open({ prefix }), box.open({ prefix }), box.open({ prefix })]
    await worker.work({ 'sync-release': { run: endless, slots: 1 } })
    await other.work({ 'sync-source': { run: endless, slots: 1 } })
    const client = box.client()
    const channel = `${prefix}:cancel`
    await until('both listen', async () => (await client.pubsub('NUMSUB', channel))[1] === 2)
    client.disconnect()
    const { jobId } = await api.enqueue(request)
    await until('it runs', () => isIn(api, jobId, 'active'))
    expect(await api.cancel(jobId, 'jo@example.com')).toBe(true)
    await until('it failed', () => isIn(api, jobId, 'failed'))
    expect((await api.get(jobId))?.failure).toBe('cancelled by jo@example.com')
  })

  it('drops the request that waits for a run to end, and leaves the run alone', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    await queue.work({ 'sync-release': { run: endless, slots: 1 } })
    const first = await queue.enqueue(request)
    await until('it runs', () => isIn(queue, first.jobId, 'active'))
    const next = await queue.enqueue({ ...request, lane: 'person' })
    expect(await queue.get(next.jobId)).toMatchObject({ state: 'waiting', lane: 'person' })
    expect(await queue.cancel(next.jobId, 'jo')).toBe(true)
    expect(await queue.get(next.jobId)).toBeUndefined()
    expect(await isIn(queue, first.jobId, 'active')).toBe(true)
  })

  it('says no for what has ended or never was', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    await queue.work({ 'sync-release': { run: async () => ({ end: 'done', summary: '' }), slots: 1 } })
    const { jobId } = await queue.enqueue(request)
    await until('it is done', () => isIn(queue, jobId, 'completed'))
    expect(await queue.cancel(jobId, 'jo')).toBe(false)
    expect(await queue.cancel('sync-release.never', 'jo')).toBe(false)
    expect(await queue.cancel('7', 'jo')).toBe(false)
  })
})

describe('retry and promote', () => {
  async function openOnceFailing(retry: AppError['retry']) {
    const queue = box.open({ prefix: freshPrefix() })
    let runs = 0
    const run: Processor = async () => {
      if (runs++ === 0) throw new AppError('HelmFailed', 'It failed.', { retry })
      return { end: 'done', summary: 'ok' }
    }
    await queue.work({ 'sync-release': { run, slots: 1 } })
    const { jobId } = await queue.enqueue(request)
    return { queue, jobId }
  }

  it.each(['retry', 'promote'] as const)('%s ends a back-off at once', async (verb) => {
    const { queue, jobId } = await openOnceFailing({ afterMs: 600_000 })
    await until('it backs off', () => isIn(queue, jobId, 'delayed'))
    expect(await queue[verb](jobId)).toBe(true)
    await until('it is done', () => isIn(queue, jobId, 'completed'))
  })

  it('retry asks again for what has failed, as a new job of a person', async () => {
    const { queue, jobId } = await openOnceFailing('never')
    await until('it failed', () => isIn(queue, jobId, 'failed'))
    expect(await queue.promote(jobId)).toBe(false)
    expect(await queue.retry(jobId)).toBe(true)
    await until('a new one is done', async () => (await queue.counts())['sync-release'].completed === 1)
    const [job] = await queue.list({ states: ['completed'], limit: 1 })
    expect(job).toMatchObject({ namespace: 'a', name: 'one', lane: 'person', reason: `retry of ${jobId}` })
    expect(await isIn(queue, jobId, 'failed')).toBe(true)
  })

  it('promote puts a waiting job before all others', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    const ids: string[] = []
    for (const name of ['a', 'b', 'c']) ids.push((await queue.enqueue({ ...request, name })).jobId)
    expect(await queue.promote(ids[2] ?? '')).toBe(true)
    expect((await queue.list({ states: ['waiting'], limit: 3 })).map(({ name }) => name)).toEqual(['c', 'a', 'b'])
  })

  it('say no for what is not there', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    expect(await queue.retry('sync-release.never')).toBe(false)
    expect(await queue.promote('sync-release.never')).toBe(false)
    expect(await queue.retry('nonsense')).toBe(false)
  })
})

describe('list', () => {
  it('shows what runs, then what comes next, then what ended, within the limit', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    await queue.work({
      'sync-release': {
        run: async ({ name }, { jobId, signal }) => {
          if (name === 'runs') return endless({} as never, { jobId, signal })
          if (name === 'fails') throw new AppError('HelmFailed', 'It failed.', { retry: 'never' })
          return { end: 'done', summary: 'ok' }
        },
        slots: 2,
      },
    })
    const names = ['runs', 'ends', 'fails']
    for (const name of names) await queue.enqueue({ ...request, name })
    await until('two have ended', async () => {
      const { completed, failed } = (await queue.counts())['sync-release']
      return completed + failed === 2
    })
    await queue.enqueue({ ...request, kind: 'scan-image', namespace: '', name: 'docker.io/library/nginx' })
    await queue.enqueue({ ...request, kind: 'fetch-source', name: 'later', delayMs: 60_000 })

    const all = await queue.list({ limit: 10 })
    expect(all.map(({ state }) => state)).toEqual(['active', 'waiting', 'delayed', 'failed', 'completed'])
    expect(all.every(({ id, kind }) => id.startsWith(`${kind}.`) && !id.includes(':'))).toBe(true)
    expect(await queue.list({ limit: 2 })).toHaveLength(2)
    const twice = { kinds: ['scan-image', 'scan-image'], states: ['waiting', 'waiting'] } as const
    expect(await queue.list({ ...twice, limit: 10 })).toHaveLength(1)
    expect(await queue.list({ limit: 0 })).toEqual([])
    expect((await queue.list({ kinds: ['scan-image'], limit: 10 })).map(({ name }) => name)).toEqual([
      'docker.io/library/nginx',
    ])
    for (const view of all) expect(await queue.get(view.id)).toEqual(view)
  })

  it('tells how long the head of each queue has waited', async () => {
    let now = Date.now()
    const queue = box.open({ prefix: freshPrefix(), now: () => now })
    await queue.enqueue(request)
    now += 30_000
    await queue.enqueue({ ...request, name: 'two', lane: 'person' })
    expect(await queue.oldestWaitMs()).toMatchObject({ 'sync-release': 30_000, 'sync-source': 0 })
  })

  it('tells how deep each lane is, of all kinds together', async () => {
    let now = Date.now()
    const queue = box.open({ prefix: freshPrefix(), now: () => now })
    await queue.enqueue({ ...request, lane: 'periodic' })
    now += 20_000
    await queue.enqueue({ ...request, name: 'two', lane: 'periodic' })
    await queue.enqueue({ ...request, kind: 'sync-source', lane: 'periodic' })
    await queue.enqueue({ ...request, name: 'three', lane: 'person' })
    now += 10_000
    const none = { waiting: 0, active: 0, oldestWaitMs: 0 }
    expect(await queue.lanes()).toEqual({
      person: { waiting: 1, active: 0, oldestWaitMs: 10_000 },
      webhook: none,
      change: none,
      image: none,
      periodic: { waiting: 3, active: 0, oldestWaitMs: 30_000 },
    })
    const { promise: held, resolve: release } = Promise.withResolvers<void>()
    const run = async () => {
      await held
      return { end: 'done', summary: '' } as const
    }
    await queue.work({ 'sync-source': { run, slots: 1 } })
    await until('it runs', async () => (await queue.lanes()).periodic.active === 1)
    expect((await queue.lanes()).periodic.waiting).toBe(2)
    release()
  })
})
