import { expect, it } from 'vitest'
import { untilAborted } from './until-aborted.ts'

const signal = () => new AbortController().signal

it('gives what the work gives, or what it threw', async () => {
  expect(await untilAborted(Promise.resolve(1), signal())).toBe(1)
  expect(await untilAborted(Promise.resolve(1), undefined)).toBe(1)
  await expect(untilAborted(Promise.reject(new Error('x')), signal())).rejects.toThrow('x')
})

it('rejects when the signal aborts, before or while it waits, and leaves no rejection unhandled', async () => {
  const work = Promise.withResolvers<never>()
  const stop = new AbortController()
  const waiting = untilAborted(work.promise, stop.signal)
  stop.abort(new Error('stopped'))
  await expect(waiting).rejects.toThrow('stopped')
  await expect(untilAborted(work.promise, stop.signal)).rejects.toThrow('stopped')
  work.reject(new Error('too late'))
  await expect(work.promise).rejects.toThrow('too late')
})
