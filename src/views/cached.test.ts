import { describe, expect, it } from 'vitest'
import { AppError } from '../domain/error.ts'
import { createCached } from './cached.ts'

function setUp() {
  const state = { now: 0, count: 0, failure: undefined as Error | undefined }
  const read = createCached(
    async () => {
      state.count++
      if (state.failure) throw state.failure
      return state.count
    },
    { ttlMs: 2000, timeoutMs: 1000, now: () => state.now },
  )
  return { state, read }
}

describe('createCached', () => {
  it('reads once for all who ask at the same time, and again when it is old', async () => {
    const { state, read } = setUp()
    const all = await Promise.all([read(), read(), read()])
    expect(all.map(({ value }) => value)).toEqual([1, 1, 1])
    state.now = 1999
    expect((await read()).value).toBe(1)
    state.now = 2000
    expect(await read()).toEqual({ value: 2, at: 2000 })
  })

  it('reads again when the clock went back: the age of what it has is not known', async () => {
    const { state, read } = setUp()
    state.now = 3_600_000
    await read()
    state.now = 10
    expect(await read()).toEqual({ value: 2, at: 10 })
    state.now = 1000
    expect((await read()).value).toBe(2)
  })

  it('keeps the last good value, with its age and the failure', async () => {
    const { state, read } = setUp()
    await read()
    state.now = 5000
    state.failure = new AppError('ClusterUnavailable', 'gone')
    expect(await read()).toEqual({ value: 1, at: 0, failure: state.failure })
    state.failure = undefined
    state.now = 8000
    expect(await read()).toEqual({ value: 3, at: 8000 })
  })

  it('throws while nothing was ever read', async () => {
    const { state, read } = setUp()
    state.failure = new AppError('Forbidden', 'no')
    await expect(read()).rejects.toMatchObject({ reason: 'Forbidden' })
  })

  it('gives up waiting and says so', async () => {
    const read = createCached(
      (signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      { ttlMs: 1, timeoutMs: 10, now: () => 0 },
    )
    await expect(read()).rejects.toMatchObject({ reason: 'ClusterUnavailable' })
  })

  it('gives the last one at once where reading is slow, and reads on behind it', async () => {
    const state = { now: 0, count: 0, tookMs: 1_000 }
    const done: PromiseWithResolvers<void>[] = []
    const read = createCached(
      async () => {
        const wait = Promise.withResolvers<void>()
        done.push(wait)
        if (done.length > 1) await wait.promise
        state.now += state.tookMs
        return ++state.count
      },
      { ttlMs: 100, timeoutMs: 50, now: () => state.now },
    )
    expect(await read()).toMatchObject({ value: 1, at: 0 })
    state.now = 3_999
    expect([await read(), done.length]).toMatchObject([{ value: 1 }, 1])
    state.now = 4_000
    expect([await read(), await read(), done.length]).toMatchObject([{ value: 1, at: 0 }, { value: 1 }, 2])
    // who must have a newer one waits, and is told when that takes too long; the reading itself goes on
    await expect(read(5_000)).rejects.toMatchObject({ reason: 'ClusterUnavailable' })
    done[1]?.resolve()
    await until(() => state.count === 2)
    expect(await read()).toMatchObject({ value: 2, at: 4_000 })
  })
})

/** What is waited for comes with the next turns of the event loop. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100 && !isSo(); turn++) await new Promise((resolve) => setImmediate(resolve))
}
