import type { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import type { JobView, Processor, Queue } from '../../src/adapters/queue/index.ts'
import { AppError } from '../../src/domain/error.ts'
import type { JobPayload, Outcome, WorkRequest } from '../../src/domain/work/job.ts'
import { createQueueBox, createRecorder, freshPrefix, heldBack, until } from './support.ts'

const box = createQueueBox()
afterEach(() => box.clean())

const request: WorkRequest = { kind: 'sync-source', namespace: 'a', name: 'one', reason: 'push', lane: 'webhook' }

/** Runs the given steps, one per run, the last one for ever. */
async function openSteps(steps: (() => Outcome | Promise<Outcome>)[], options: { random?: () => number } = {}) {
  const prefix = freshPrefix()
  const log = createRecorder()
  const queue = box.open({ prefix, log, ...options })
  const seen: { payload: JobPayload; at: number }[] = []
  const run: Processor = async (payload) => {
    const step = steps[Math.min(seen.length, steps.length - 1)]
    seen.push({ payload, at: Date.now() })
    return (step as () => Outcome)()
  }
  await queue.work({ 'sync-source': { run, slots: 2 } })
  return { queue, seen, prefix, log }
}

async function becomes(queue: Queue, jobId: string, state: JobView['state']): Promise<JobView | undefined> {
  let view: JobView | undefined
  await until(`${jobId} is ${state}`, async () => {
    view = await queue.get(jobId)
    return view?.state === state
  })
  return view
}

/** Lets the time of a delayed job be over: it is due, and the worker is told as when one is added. */
async function letRun(client: Redis, { queue, jobId }: { queue: string; jobId: string }): Promise<void> {
  await client.zadd(`${queue}:delayed`, 'XX', 1, jobId)
  await client.zadd(`${queue}:marker`, 0, '0')
}

const done = (): Outcome => ({ end: 'done', summary: '3 configured' })

describe('a run that', () => {
  it('is done shows its summary', async () => {
    const { queue } = await openSteps([done])
    const { jobId } = await queue.enqueue(request)
    expect(await becomes(queue, jobId, 'completed')).toMatchObject({
      result: '3 configured',
      attempts: 1,
      worker: 'test',
    })
  })

  it('asks for another run shows why it waits', async () => {
    const wait = (): Outcome => ({ end: 'again', afterMs: 600_000, why: 'waits for "podinfo"' })
    const { queue } = await openSteps([wait])
    const { jobId } = await queue.enqueue(request)
    expect(await becomes(queue, jobId, 'delayed')).toMatchObject({ waitsFor: 'waits for "podinfo"', lane: 'change' })
  })

  it('asks for another run gets it after that time', async () => {
    const { queue, seen } = await openSteps([() => ({ end: 'again', afterMs: 700, why: 'waits' }), done])
    const { jobId } = await queue.enqueue(request)
    await becomes(queue, jobId, 'completed')
    const waited = (seen[1]?.at ?? 0) - (seen[0]?.at ?? 0)
    expect(waited).toBeGreaterThanOrEqual(690)
  })

  it.each([
    ['has answered the request is no longer of it, until somebody asks again', { answered: true }, 'again after push'],
    ['has not answered the request yet goes on with it', {}, 'push'],
  ] as const)('%s', async (_what, more, reason) => {
    const wait = (): Outcome => ({ end: 'again', afterMs: 600_000, why: 'waits', ...more })
    const { queue } = await openSteps([wait])
    const { jobId } = await queue.enqueue(request)
    expect(await becomes(queue, jobId, 'delayed')).toMatchObject({ reason })
    await queue.enqueue({ ...request, reason: 'push 2' })
    await until('it waits again', async () => {
      const view = await queue.get(jobId)
      return view?.state === 'delayed' && view.attempts === 2
    })
    expect(await queue.get(jobId)).toMatchObject({ reason: `${reason} 2` })
  })

  it('asks for another run later does not lose the request that came meanwhile', async () => {
    const inside = Promise.withResolvers<void>()
    const { queue, seen } = await openSteps([
      () => inside.promise.then(() => ({ end: 'again', afterMs: 600_000, why: 'waits' })),
      done,
    ])
    const { jobId } = await queue.enqueue(request)
    await until('it runs', () => seen.length === 1)
    const next = await queue.enqueue({ ...request, reason: 'generation 2', lane: 'change' })
    inside.resolve()
    await until('the request is answered', () => seen.length === 2)
    expect(seen[1]?.payload.reason).toBe('generation 2')
    await becomes(queue, jobId, 'completed')
    // the id that was given for the request leads to the job that answered it
    expect(await queue.get(next.jobId)).toMatchObject({ id: jobId, state: 'completed' })
  })

  it('fails does not lose the request that came meanwhile, nor lets a periodic one shorten the back-off', async () => {
    const inside = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const fail = async (turn: number): Promise<Outcome> => {
      await inside[turn]?.promise
      throw new AppError('HelmFailed', 'It failed.', { retry: { afterMs: 600_000 } })
    }
    const { queue, seen, prefix } = await openSteps([() => fail(0), () => fail(1)])
    const { jobId } = await queue.enqueue(request)
    await until('it runs', () => seen.length === 1)
    await queue.enqueue({ ...request, lane: 'change', reason: 'generation 2' })
    inside[0]?.resolve()
    await until('it runs again', () => seen.length === 2)
    await queue.enqueue({ ...request, lane: 'periodic', reason: 'periodic' })
    inside[1]?.resolve()
    await becomes(queue, jobId, 'delayed')
    const client = box.client()
    await until('the request is part of the job', async () => (await client.keys(`${prefix}*:dn:*`)).length === 0)
    const job = { queue: `${prefix}:sync-source`, jobId }
    expect(await heldBack(client, job, () => seen.length)).toEqual({ runs: 2, delayMs: 600_000 })
    client.disconnect()
  })

  it('fails backs off by 5 s doubling, and shows reason and sentence', async () => {
    const fail = (): never => {
      throw new AppError('GitUnreachable', 'The git server does not answer.')
    }
    const { queue, seen, prefix } = await openSteps([fail], { random: () => 0.5 })
    const { jobId } = await queue.enqueue(request)
    const client = box.client()
    const job = { queue: `${prefix}:sync-source`, jobId }
    for (let last = 0; last < 4; ) {
      const { runs, delayMs } = await heldBack(client, job, () => seen.length)
      expect(delayMs).toBe(5000 * 2 ** (runs - 1))
      expect((await becomes(queue, jobId, 'delayed'))?.failure).toBe('GitUnreachable: The git server does not answer.')
      await letRun(client, job)
      await until('it ran again', () => seen.length > runs)
      last = runs
    }
    client.disconnect()
  })

  it('fails and knows when to try again waits that long', async () => {
    const fail = (): never => {
      throw new AppError('RateLimited', 'Slow down.', { retry: { afterMs: 42_000 } })
    }
    const { queue, seen, prefix } = await openSteps([fail])
    const { jobId } = await queue.enqueue(request)
    const view = await becomes(queue, jobId, 'delayed')
    expect(view?.failure).toBe('RateLimited: Slow down.')
    const client = box.client()
    const job = { queue: `${prefix}:sync-source`, jobId }
    expect(await heldBack(client, job, () => seen.length)).toMatchObject({ delayMs: 42_000 })
    client.disconnect()
  })

  it('fails often enough and is bounded is tried again within that time', async () => {
    const fail = (): never => {
      throw new AppError('GitUnreachable', 'The git server does not answer.', { retry: { atMostMs: 12_000 } })
    }
    const { queue, seen, prefix } = await openSteps([fail], { random: () => 0.5 })
    const { jobId } = await queue.enqueue(request)
    const client = box.client()
    const job = { queue: `${prefix}:sync-source`, jobId }
    const { runs } = await heldBack(client, job, () => seen.length)
    // as after a long outage
    await client.hset(`${prefix}:sync-source:${jobId}`, 'atm', '40')
    await letRun(client, job)
    await until('it ran again', () => seen.length > runs)
    expect(await heldBack(client, job, () => seen.length)).toMatchObject({ delayMs: 10_000 })
    const view = await becomes(queue, jobId, 'delayed')
    expect(view?.failure).toBe('GitUnreachable: The git server does not answer.')
    client.disconnect()
  })

  it('fails for good stays failed until it is asked for again', async () => {
    const fail = (): never => {
      throw new AppError('InvalidValues', 'The values are not a map.', { retry: 'never' })
    }
    const { queue, seen } = await openSteps([fail, done])
    const { jobId } = await queue.enqueue(request)
    expect(await becomes(queue, jobId, 'failed')).toMatchObject({ failure: 'InvalidValues: The values are not a map.' })
    const again = await queue.enqueue({ ...request, lane: 'periodic' })
    expect(again.jobId).not.toBe(jobId)
    await becomes(queue, again.jobId, 'completed')
    expect(seen).toHaveLength(2)
  })

  it('fails by a bug leaves neither its text nor a stack in Redis', async () => {
    const fail = (): never => {
      throw new Error('connect to https://user:hunter2@git failed')
    }
    const { queue, prefix, log } = await openSteps([fail])
    const { jobId } = await queue.enqueue(request)
    const view = await becomes(queue, jobId, 'delayed')
    expect(view?.failure).toBe('InternalError: A bug in Capstan; see the log of this job.')
    expect(log.lines.some(({ level }) => level === 'error')).toBe(true)
    const client = box.client()
    const stored = await client.hgetall(`${prefix}:sync-source:${jobId}`)
    client.disconnect()
    expect(JSON.stringify(stored)).not.toMatch(/hunter2|\.ts:\d/)
  })
})

describe('a forged job', () => {
  const forged: [what: string, data: unknown][] = [
    ['with a URL', { ...request, requestedAt: '2026-11-21T10:00:00Z', url: 'http://169.254.169.254' }],
    [
      'of another kind',
      { kind: 'update-images', namespace: 'a', name: 'b', reason: '', requestedAt: '2026-11-21T10:00:00Z' },
    ],
    [
      'with a name that is an option',
      { kind: 'sync-source', namespace: 'a', name: '-x', reason: '', requestedAt: '2026-11-21T10:00:00Z' },
    ],
    ['that is a list', [1, 2]],
    [
      'of 20 KB',
      {
        kind: 'sync-source',
        namespace: 'a',
        name: 'b',
        reason: 'x'.repeat(20_000),
        requestedAt: '2026-11-21T10:00:00Z',
      },
    ],
  ]
  it.each(forged)('%s fails and runs nothing', async (_what, data) => {
    const { Queue } = await import('bullmq')
    const { queue, seen, prefix } = await openSteps([done])
    const client = box.client()
    const raw = new Queue('sync-source', { connection: client, prefix })
    await raw.add('sync-source', data, { jobId: 'sync-source.forged' })
    const view = await becomes(queue, 'sync-source.forged', 'failed')
    expect(view?.failure).toMatch(/^InternalError: The job was refused/)
    expect(seen).toEqual([])
    await raw.close()
    client.disconnect()
  })
})
