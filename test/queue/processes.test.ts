import type { ChildProcess } from 'node:child_process'
import { afterEach, expect, it } from 'vitest'
import { stack } from '../stack/stack.ts'
import { createQueueBox, freshPrefix, startWorker, stopProcess, until } from './support.ts'

const box = createQueueBox()
const children: ChildProcess[] = []
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => stopProcess(child, 'SIGKILL')))
  await box.clean()
})

async function start(prefix: string, workMs: number, deadAfterMs = 3000): Promise<ChildProcess> {
  const child = await startWorker(stack().redisUrl, prefix, { workMs, deadAfterMs })
  children.push(child)
  return child
}

const request = { kind: 'sync-release', namespace: 'a', reason: 'push', lane: 'webhook' } as const

it('runs each object in one place at a time over three processes, and answers every request', async () => {
  const prefix = freshPrefix()
  const queue = box.open({ prefix })
  // nobody dies: a process that waits long for its turn is not taken for dead
  await Promise.all([start(prefix, 30, 600_000), start(prefix, 30, 600_000), start(prefix, 30, 600_000)])
  const names = Array.from({ length: 10 }, (_, index) => `n${index}`)
  const runsOf = async () => {
    const ended = await queue.list({ states: ['completed'], limit: 1000 })
    return names.map((name) => ended.filter((job) => job.name === name))
  }
  for (let round = 0; round < 40; round++) {
    await Promise.all(names.map((name) => queue.enqueue({ ...request, name, reason: `round ${round}` })))
    await new Promise((resolve) => setTimeout(resolve, 10))
    const least = (round + 1) / 10
    // else slow processes might answer all rounds by few runs
    if (Number.isInteger(least))
      await until(`each ran ${least} times`, async () => (await runsOf()).every((runs) => runs.length >= least))
  }
  const atRest = async (): Promise<boolean> => {
    const { waiting, active, delayed } = (await queue.counts())['sync-release']
    return waiting + active + delayed === 0
  }
  await until('all is done', atRest)
  const client = box.client()
  expect(await client.lrange(`${prefix}:overlaps`, 0, -1)).toEqual([])
  for (const runs of await runsOf()) {
    expect(runs.length).toBeGreaterThan(2)
    expect(runs.some(({ reason }) => reason === 'round 39')).toBe(true)
  }
  expect(await client.keys(`${prefix}:*:d[en]:*`)).toEqual([])
  client.disconnect()
})

it('runs the job of a killed process again, and then the request that waited for it', async () => {
  const prefix = freshPrefix()
  const queue = box.open({ prefix })
  const doomed = await start(prefix, 600_000, 15_000)
  const { jobId } = await queue.enqueue({ ...request, name: 'one' })
  await until('it runs', async () => (await queue.get(jobId))?.state === 'active')
  const next = await queue.enqueue({ ...request, name: 'one', reason: 'another push' })
  await stopProcess(doomed, 'SIGKILL')
  const client = box.client()
  await client.del(`${prefix}:running:one`)
  await start(prefix, 10, 15_000)
  await until('it is done', async () => (await queue.get(jobId))?.state === 'completed')
  await until('the next is done', async () => (await queue.get(next.jobId))?.state === 'completed')
  expect(await client.lrange(`${prefix}:overlaps`, 0, -1)).toEqual([])
  client.disconnect()
})

it('leaves the jobs of a living process alone', async () => {
  const prefix = freshPrefix()
  const queue = box.open({ prefix })
  await start(prefix, 40_000, 12_000)
  const { jobId } = await queue.enqueue({ ...request, name: 'long' })
  await until('it runs', async () => (await queue.get(jobId))?.state === 'active')
  await start(prefix, 10, 12_000)
  await until('it is done', async () => (await queue.get(jobId))?.state === 'completed')
  expect(await queue.get(jobId)).toMatchObject({ attempts: 1 })
})

it('gives a job back at a graceful stop, so that another process takes it', async () => {
  const prefix = freshPrefix()
  const queue = box.open({ prefix })
  // nobody who died would be missed before the test is over
  const leaving = await start(prefix, 600_000, 600_000)
  const { jobId } = await queue.enqueue({ ...request, name: 'one' })
  await until('it runs', async () => (await queue.get(jobId))?.state === 'active')
  await start(prefix, 10, 600_000)
  expect(await stopProcess(leaving, 'SIGTERM')).toBe(0)
  await until('it is done', async () => (await queue.get(jobId))?.state === 'completed')
})

it('fails a job that kills its process each time, with a clear reason, and others still run', async () => {
  const prefix = freshPrefix()
  const queue = box.open({ prefix })
  const { jobId } = await queue.enqueue({ ...request, name: 'poison' })
  const client = box.client()
  for (let deaths = 1; deaths <= 4; deaths++) {
    const child = await start(prefix, 10)
    await until(`death ${deaths}`, () => child.signalCode === 'SIGKILL')
    expect(await client.llen(`${prefix}:starts`)).toBe(deaths)
  }
  await start(prefix, 10)
  await until('it failed', async () => (await queue.get(jobId))?.state === 'failed')
  expect((await queue.get(jobId))?.failure).toMatch(/^InternalError: The process died several times/)
  const other = await queue.enqueue({ ...request, name: 'other' })
  await until('another is done', async () => (await queue.get(other.jobId))?.state === 'completed')
  client.disconnect()
})
