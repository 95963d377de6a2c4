import { afterEach, describe, expect, it } from 'vitest'
import type { Queue } from '../../src/adapters/queue/index.ts'
import type { WorkRequest } from '../../src/domain/work/job.ts'
import { createFakeQueue } from '../fakes/queue.ts'
import { createQueueBox, freshPrefix } from './support.ts'

const box = createQueueBox()
afterEach(() => box.clean())

/** What fake and real have in common. */
const queues: [what: string, open: () => Queue][] = [
  ['the real queue', () => box.open({ prefix: freshPrefix() })],
  ['the fake', () => createFakeQueue()],
]
const request: WorkRequest = { kind: 'sync-source', namespace: 'a', name: 'one', reason: 'periodic', lane: 'periodic' }

describe.each(queues)('%s', (_what, open) => {
  it('joins requests for one object, the most urgent one decides', async () => {
    const queue = open()
    const first = await queue.enqueue(request)
    expect(await queue.enqueue({ ...request, lane: 'person', reason: 'jo asks' })).toEqual(first)
    expect(await queue.enqueue({ ...request, lane: 'image', reason: 'new image' })).toEqual(first)
    expect(await queue.get(first.jobId)).toMatchObject({ lane: 'person', reason: 'jo asks', state: 'waiting' })
    expect(await queue.enqueue({ ...request, name: 'two' })).not.toEqual(first)
    expect((await queue.counts())['sync-source'].waiting).toBe(2)
  })

  it('removes a job that waits or is delayed when it is cancelled', async () => {
    const queue = open()
    for (const delayMs of [0, 60_000]) {
      const { jobId } = await queue.enqueue({ ...request, delayMs })
      expect(await queue.cancel(jobId, 'Ann')).toBe(true)
      expect(await queue.get(jobId)).toBeUndefined()
      expect(await queue.cancel(jobId, 'Ann')).toBe(false)
    }
  })

  it('delays as asked; a person does not wait', async () => {
    const queue = open()
    const { jobId } = await queue.enqueue({ ...request, delayMs: 60_000 })
    expect(await queue.get(jobId)).toMatchObject({ state: 'delayed' })
    await queue.enqueue({ ...request, lane: 'person', delayMs: 60_000 })
    expect(await queue.get(jobId)).toMatchObject({ state: 'waiting' })
  })

  it('finds the job of an object until it ended', async () => {
    const queue = open()
    expect(await queue.of(request)).toBeUndefined()
    const { jobId } = await queue.enqueue(request)
    expect(await queue.of(request)).toEqual(await queue.get(jobId))
    expect(await queue.of({ ...request, name: 'two' })).toBeUndefined()
    await queue.cancel(jobId, 'jo')
    expect(await queue.of(request)).toBeUndefined()
  })

  it('tells which schedules were missing', async () => {
    const queue = open()
    const entry = (id: string) => ({
      id,
      everyMs: 60_000,
      payload: { kind: 'resync', namespace: '', name: id, reason: 'periodic' } as const,
    })
    expect(await queue.schedule([entry('sources')])).toEqual(['sources'])
    expect(await queue.schedule([entry('sources'), entry('releases')])).toEqual(['releases'])
  })

  it('says no for jobs that it does not know', async () => {
    const queue = open()
    const id = 'sync-source.never'
    expect([await queue.get(id), await queue.cancel(id, 'jo'), await queue.retry(id), await queue.promote(id)]).toEqual(
      [undefined, false, false, false],
    )
  })
})
