import { afterEach, describe, expect, it } from 'vitest'
import { createLog, createRedactor } from '../../src/adapters/log/index.ts'
import { AppError } from '../../src/domain/error.ts'
import type { WorkRequest } from '../../src/domain/work/job.ts'
import { beginStep } from '../../src/lib/progress.ts'
import { createJobLogs } from '../../src/main/job-log.ts'
import { createQueueBox, freshPrefix, until } from './support.ts'

const box = createQueueBox()
afterEach(() => box.clean())

const request: WorkRequest = {
  kind: 'sync-source',
  namespace: 'a',
  name: 'one',
  reason: 'push to main',
  lane: 'webhook',
}

describe('the log of a job', () => {
  it('has what was logged while it ran, by whatever it awaited, and how it ended', async () => {
    const { also, around } = createJobLogs()
    const redactor = createRedactor()
    redactor.register(['hunter2hunter2'])
    const log = createLog({ format: 'fmt', level: 'error', redactor, write: () => {}, also })
    const queue = box.open({ prefix: freshPrefix(), around, redact: redactor.redact })
    await queue.work({
      'sync-source': {
        slots: 2,
        async run({ name }) {
          log.debug({}, 'not told')
          await new Promise((resolve) => setImmediate(resolve))
          log.child({ component: 'x' }).info({ object: `of ${name}`, count: 3 }, 'applied with hunter2hunter2')
          if (name === 'two') throw new AppError('ApplyRefused', 'no such field')
          return { end: 'done', summary: '3 configured' }
        },
      },
    })
    log.info({}, 'by nobody')
    const one = await queue.enqueue(request)
    const two = await queue.enqueue({ ...request, name: 'two' })
    const linesOf = async (jobId: string) =>
      ((await queue.log(jobId, { from: 0, limit: 100 }))?.lines ?? []).map((line) => line.replace(/^\S+Z /, ''))
    await until(
      'both ended',
      async () => (await linesOf(one.jobId)).length > 2 && (await linesOf(two.jobId)).length > 2,
    )
    expect(await linesOf(one.jobId)).toEqual([
      'begun, try 1: push to main',
      expect.stringMatching(/^info applied with (?!hunter2)\S+ object="of one" count=3$/),
      expect.stringMatching(/^done: 3 configured \(\d+\.\d s\)$/),
    ])
    expect((await linesOf(two.jobId))[2]).toMatch(/^failed: ApplyRefused: no such field \(\d+\.\d s\)$/)
    expect(await queue.log(one.jobId, { from: 1, limit: 1 })).toMatchObject({
      lines: [expect.stringContaining('info')],
    })
  })

  it('can be read while the job runs, and has its end also where much was logged', async () => {
    const { also, around } = createJobLogs()
    const log = createLog({ format: 'fmt', level: 'error', redactor: createRedactor(), write: () => {}, also })
    const queue = box.open({ prefix: freshPrefix(), around })
    const goOn = Promise.withResolvers<void>()
    await queue.work({
      'sync-source': {
        slots: 1,
        async run() {
          for (let n = 1; n <= 600; n++) log.info({}, `line ${n}`)
          await goOn.promise
          return { end: 'done', summary: 'all of it' }
        },
      },
    })
    const { jobId } = await queue.enqueue(request)
    const linesOf = async () =>
      ((await queue.log(jobId, { from: 0, limit: 1000 }))?.lines ?? []).map((line) => line.replace(/^\S+Z /, ''))
    await until('its lines are there', async () => (await linesOf()).length >= 500)
    const whileItRuns = await linesOf()
    expect(whileItRuns).toEqual([
      'begun, try 1: push to main',
      ...Array.from({ length: 498 }, (_, n) => `info line ${n + 1}`),
      'more of this run is in the log of the process',
    ])
    goOn.resolve()
    await until('it ended', async () => (await linesOf()).length > whileItRuns.length)
    expect((await linesOf()).slice(whileItRuns.length)).toEqual([expect.stringMatching(/^done: all of it \(/)])
  })

  it('says how far a job that runs has come, and then what it waits for', async () => {
    const { also, around } = createJobLogs()
    const log = createLog({ format: 'fmt', level: 'error', redactor: createRedactor(), write: () => {}, also })
    const queue = box.open({ prefix: freshPrefix(), around })
    const [halfWay, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    await queue.work({
      'sync-source': {
        slots: 1,
        async run() {
          const tick = beginStep(log, 'applying objects', 50)
          for (let index = 0; index < 25; index++) tick()
          halfWay.resolve()
          await goOn.promise
          tick()
          return { end: 'again', afterMs: 60_000, why: 'waits for a chart' }
        },
      },
    })
    const { jobId } = await queue.enqueue(request)
    await halfWay.promise
    await until('it is told', async () => (await queue.get(jobId))?.progress !== undefined)
    expect((await queue.get(jobId))?.progress).toMatchObject({ step: 'applying objects', total: 50 })
    goOn.resolve()
    await until('it waits', async () => (await queue.get(jobId))?.state === 'delayed')
    const { progress, waitsFor } = (await queue.get(jobId)) ?? {}
    expect({ progress, waitsFor }).toEqual({ progress: undefined, waitsFor: 'waits for a chart' })
  })

  it('is none for a job that there is not', async () => {
    const queue = box.open({ prefix: freshPrefix() })
    const { jobId } = await queue.enqueue(request)
    expect(await queue.log(jobId, { from: 0, limit: 10 })).toEqual({ lines: [], total: 0 })
    expect(await queue.log('sync-source.none', { from: 0, limit: 10 })).toBeUndefined()
    expect(await queue.log('nonsense', { from: 0, limit: 10 })).toBeUndefined()
  })
})

describe('a paused queue', () => {
  it('gives no jobs to any process until it is resumed, and nobody takes it for wedged', async () => {
    const prefix = freshPrefix()
    const [api, worker] = [box.open({ prefix }), box.open({ prefix })]
    const ran: string[] = []
    const run = async ({ name }: { name: string }) => {
      ran.push(name)
      return { end: 'done' as const, summary: '' }
    }
    expect([await api.pause('sync-source'), await api.pause('sync-source')]).toEqual([true, false])
    expect(await worker.paused()).toEqual(['sync-source'])
    await worker.work({ 'sync-source': { run, slots: 1 }, 'sync-release': { run, slots: 1 } })
    const { jobId } = await api.enqueue(request)
    await api.enqueue({ ...request, kind: 'sync-release', name: 'other', lane: 'person' })
    await until('another kind runs', () => ran.includes('other'))
    expect(await api.get(jobId)).toMatchObject({ state: 'waiting', lane: 'webhook' })
    expect((await api.lanes()).webhook.waiting).toBe(1)
    expect((await api.counts())['sync-source'].waiting).toBe(1)
    expect([await api.resume('sync-source'), await api.resume('sync-source')]).toEqual([true, false])
    await until('it runs', () => ran.includes('one'))
    expect(await worker.paused()).toEqual([])
  })
})
