import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { callConstantly, failuresOf } from './constant-calls.ts'

let capstan: Capstan | undefined
afterEach(async () => {
  await capstan?.stop()
  capstan = undefined
})

type Readiness = { ready: boolean; ending: string }

const paths = ['/api/v1/version', '/api/v1/overview', '/api/v1/queues', '/api/v1/jobs', '/healthz', '/metrics']

/** How an event stream ended: in order, or cut. */
async function followTo(url: string, headers: Record<string, string>): Promise<{ ended: Promise<string> }> {
  const { promise: ended, resolve } = Promise.withResolvers<string>()
  const opened = Promise.withResolvers<void>()
  const cut = (error: Error): void => resolve(`cut: ${error.message}`)
  get(`${url}/api/v1/events/stream`, { headers }, (answer) => {
    answer.once('data', () => opened.resolve())
    answer.on('error', cut).on('end', () => resolve('in order'))
  }).on('error', cut)
  await opened.promise
  return { ended }
}

describe('a process with the API that is told to end', () => {
  it.each([
    ['the API alone', ['--roles=api']],
    ['every role', []],
  ])('answers everything until the drain time is over: %s', async (_what, flags) => {
    const one = await startCapstan(['--enable=sync', '--drain-time=6s', '--api-rate=10000', ...flags])
    capstan = one
    const { url, token } = one
    const headers = { authorization: `Bearer ${token}` }
    const calls = callConstantly({ targets: () => [one], paths })
    const stream = await followTo(url, headers)
    await sleep(500)
    const told = performance.now()
    const ended = one.kill('SIGTERM')
    await sleep(900)
    const ready = await fetch(`${url}/readyz`)
    expect([ready.status, ((await ready.json()) as Readiness).ready]).toEqual([503, false])
    expect(await (await fetch(`${url}/readyz`)).json()).toMatchObject({ ending: expect.stringContaining('ends') })
    const enqueued = await fetch(`${url}/api/v1/sync-git`, { method: 'POST', headers })
    expect(enqueued.status).toBe(200)
    await sleep(2000)
    await calls.stop()
    const late = calls.ended.filter(({ sentAt }) => sentAt > told + 900)
    expect(late.length).toBeGreaterThan(10)
    expect(late.filter(({ closes }) => !closes)).toEqual([])
    expect(failuresOf(calls.ended)).toEqual([])
    expect(await ended).toBe(0)
    expect(performance.now() - told).toBeGreaterThan(6000)
    expect(await stream.ended).toBe('in order')
  })

  it('ends at once without a drain time', async () => {
    capstan = await startCapstan(['--enable=sync', '--roles=api'])
    expect(await capstan.kill('SIGTERM')).toBe(0)
  })
})
