import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import type { Job } from '../../src/api/contract/job.ts'
import { AppError } from '../../src/domain/error.ts'
import { readServerEvents } from '../../src/lib/server-events.ts'
import { createCliBench } from './cli-bench.ts'
import { authorized, commit, createWorkbench, goodStatus, spec } from './workbench.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

const work = {
  kind: 'fetch-source',
  namespace: spec.namespace,
  name: spec.name,
  reason: 'requested by alice',
  lane: 'person',
} as const

async function start() {
  const bench = createWorkbench()
  const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
  cleanUps.push(() => bench.app.close())
  return { ...bench, url }
}

function follow(url: string, id: string): Promise<Response> {
  return fetch(`${url}/api/v1/jobs/${id}/stream`, { headers: authorized })
}

async function* jobsOf(answer: Response): AsyncGenerator<Job> {
  const pieces = answer.body?.pipeThrough(new TextDecoderStream()) ?? new ReadableStream<string>()
  for await (const { event, data } of readServerEvents(pieces)) {
    expect(event).toBe('job')
    yield JSON.parse(data) as Job
  }
}

describe('a job as it changes', () => {
  it('is told at once, then whenever it has changed, and no more when it has ended', async () => {
    const { url, queue, endJob } = await start()
    const { jobId } = await queue.enqueue(work)
    const answer = await follow(url, jobId)
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    const told: unknown[] = []
    for await (const { state, progress } of jobsOf(answer)) {
      told.push([state, progress?.done])
      const job = queue.jobs.find(({ id }) => id === jobId)
      if (told.length === 1) Object.assign(job ?? {}, { state: 'active', progress: { step: 'x', done: 1, total: 2 } })
      if (told.length === 2) Object.assign(job ?? {}, { progress: { step: 'x', done: 2, total: 2 } })
      if (told.length === 3) endJob(jobId, { result: 'done' })
    }
    expect(told.slice(0, 3)).toEqual([
      ['waiting', undefined],
      ['active', 1],
      ['active', 2],
    ])
    expect(told.at(-1)).toEqual(['completed', 2])
  })

  it('is no stream for a job that there is not', async () => {
    const { url } = await start()
    const answer = await follow(url, 'sync-source.9')
    expect([answer.status, ((await answer.json()) as { reason: string }).reason]).toEqual([404, 'NotFound'])
  })

  it('ends when the job is gone', async () => {
    const { url, queue } = await start()
    const { jobId } = await queue.enqueue(work)
    const told: string[] = []
    for await (const { state } of jobsOf(await follow(url, jobId))) {
      told.push(state)
      queue.jobs.splice(0)
    }
    expect(told).toEqual(['waiting'])
  })
})

describe('capstan sync', () => {
  it('waits for what the server tells: the clock alone would never wake it', async () => {
    const { url, queue, putStatus, putFetch, endJob } = await start()
    putStatus({ ...goodStatus })
    await putFetch(commit)
    const running = createCliBench({ url, pause: untilStopped })('sync')
    await until('it is asked for', async () => queue.jobs.length > 0)
    endJob(queue.jobs[0]?.id ?? '', { result: `main@${commit}` })
    expect(await running).toMatchObject({ code: 0, stdout: expect.stringContaining('applied main@0123456') })
  })

  it('opens the stream again where that was cut off', async () => {
    const { url, queue, app, putStatus, putFetch, endJob } = await start()
    putStatus({ ...goodStatus })
    await putFetch(commit)
    const sockets = streamsOf(app.server)
    const pause = async (ms: number, stop?: AbortSignal) => (ms === 2000 ? undefined : await untilStopped(ms, stop))
    const running = createCliBench({ url, pause })('sync')
    await until('it is followed', async () => sockets.length === 1)
    sockets[0]?.destroy()
    await until('it is followed again', async () => sockets.length > 1)
    endJob(queue.jobs[0]?.id ?? '', { result: `main@${commit}` })
    expect((await running).code).toBe(0)
  })

  it('waits for a server that is away for a while', async () => {
    const { url, queue, app, putStatus, putFetch, endJob } = await start()
    putStatus({ ...goodStatus })
    await putFetch(commit)
    const sockets = streamsOf(app.server)
    const running = createCliBench({ url })('sync', '--timeout', '60s')
    await until('it is followed', async () => sockets.length > 0)
    let refused = 0
    const get = queue.get
    queue.get = async () => {
      refused++
      throw new AppError('RedisUnavailable', 'Redis is away')
    }
    await until('it was refused', async () => refused > 2)
    queue.get = get
    endJob(queue.jobs[0]?.id ?? '', { result: `main@${commit}` })
    expect((await running).code).toBe(0)
  })
})

/** A pause that ends when it is stopped, and not before. */
async function untilStopped(_ms: number, stop?: AbortSignal): Promise<void> {
  await new Promise((_resolve, reject) => {
    stop?.addEventListener('abort', () => reject(new Error('stopped')), { once: true })
  })
}

/** Sockets on which streams of jobs were asked for. */
function streamsOf(server: Server): Socket[] {
  const sockets: Socket[] = []
  server.on('request', ({ url = '', socket }) => {
    if (url.endsWith('/stream')) sockets.push(socket)
  })
  return sockets
}
