import { describe, expect, it } from 'vitest'
import type { Answer } from './connections.ts'
import type { RegistryMemory } from './memory.ts'
import { createPace, type PaceOptions } from './pace.ts'

const minute = 60_000

/** A host whose clock the test moves. */
function world(change: Partial<PaceOptions> = {}) {
  const stored = new Map<string, string>()
  const memory: RegistryMemory = {
    get: async (key) => stored.get(key),
    set: async (key, value) => void stored.set(key, value),
  }
  const clock = { now: Date.UTC(2026, 0, 1) }
  const options = { rps: 1000, burst: 10, memory, now: () => clock.now, ...change }
  return { clock, stored, make: () => createPace('r.example', options) }
}

const answer = (headers: Record<string, string>): Answer => ({
  status: 200,
  headers,
  body: new Uint8Array(),
  url: new URL('https://r.example'),
})
const limited = { reason: 'RateLimited' }
const nothing = async () => 'done'

describe('a host that refuses', () => {
  it('is left alone for the time that it gave', async () => {
    const { clock, make } = world()
    const pace = make()
    expect(await pace.refused(2 * minute)).toBe(2 * minute)
    await expect(pace.take(nothing, undefined)).rejects.toMatchObject({ ...limited, retry: { afterMs: 2 * minute } })
    clock.now += 2 * minute
    expect(await pace.take(nothing, undefined)).toBe('done')
  })

  it('again and again is left alone longer and longer, until five minutes', async () => {
    const { clock, make } = world()
    const pace = make()
    const pauses: number[] = []
    for (let n = 0; n < 10; n++) {
      const ms = await pace.refused(1000)
      pauses.push(ms / 1000)
      clock.now += ms
    }
    expect(pauses).toEqual([1, 10, 20, 40, 80, 160, 300, 300, 300, 300])
  })

  it('is left alone by the next process, too', async () => {
    const { make } = world()
    await make().refused(2 * minute)
    await expect(make().take(nothing, undefined)).rejects.toMatchObject(limited)
  })

  it('is left alone as long as it asked for where the clock goes back meanwhile', async () => {
    const { clock, make } = world()
    const pace = make()
    await pace.refused(2 * minute)
    clock.now -= 24 * 60 * minute
    await expect(pace.take(nothing, undefined)).rejects.toMatchObject({ ...limited, retry: { afterMs: 2 * minute } })
    expect((await pace.budget()).pausedUntil).toBe(new Date(clock.now + 2 * minute).toISOString())
    clock.now += 2 * minute
    expect(await pace.take(nothing, undefined)).toBe('done')
  })

  it('at a time that cannot be right is not left alone for ever', async () => {
    const { clock, stored, make } = world()
    stored.set('registry-pace:r.example', JSON.stringify({ until: clock.now + 365 * 24 * 60 * minute, rate: 1 }))
    expect(await make().take(nothing, undefined)).toBe('done')
  })

  it('is asked by one request first when the time is over, and by all when that was answered', async () => {
    const { clock, make } = world()
    const pace = make()
    clock.now += await pace.refused(minute)
    let running = 0
    let most = 0
    const work = async () => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setImmediate(resolve))
      running--
    }
    await Promise.all([1, 2, 3, 4, 5].map(() => pace.take(work, undefined)))
    expect(most).toBe(1)
    await pace.answered(answer({}))
    await Promise.all([1, 2, 3, 4, 5].map(() => pace.take(work, undefined)))
    expect(most).toBe(5)
  })
})

describe('the headers of an answer', () => {
  it.each([
    ['nothing is left until then', { 'ratelimit-remaining': '0;w=60', 'ratelimit-reset': '30' }, true],
    ['something is left', { 'ratelimit-remaining': '1', 'ratelimit-reset': '30' }, false],
    ['nothing is left and no time is given, as at Docker Hub', { 'ratelimit-remaining': '0;w=21600' }, false],
    ['no limit', {}, false],
  ])('%s', async (_, headers, isPaused) => {
    const { clock, make } = world()
    const pace = make()
    await pace.answered(answer(headers))
    const took = pace.take(nothing, undefined)
    if (isPaused) await expect(took).rejects.toMatchObject({ ...limited, retry: { afterMs: 30_000 } })
    else expect(await took).toBe('done')
    clock.now += 30_000
    expect(await pace.take(nothing, undefined)).toBe('done')
  })
})

describe('the budget', () => {
  const told = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' }
  const said = { limit: 100, remaining: 76, windowSeconds: 21_600, at: '2026-01-01T00:00:00.000Z' }
  const quiet = { host: 'r.example', rps: 1000, mostRps: 1000, burst: 10, pausedUntil: '' }

  it('of a host that said nothing is what we allow ourselves', async () => {
    const { make } = world()
    expect(await make().budget()).toEqual(quiet)
  })

  it('is what the host said last, for other processes when a repository was read whole', async () => {
    const { stored, make } = world()
    const pace = make()
    await pace.answered(answer(told))
    expect(await pace.budget()).toEqual({ ...quiet, said })
    expect(stored.size).toBe(0)
    pace.succeeded()
    expect(await make().budget()).toEqual({ ...quiet, said })
  })

  it('of a host that refuses tells every process until when it is left alone, and at which rate it goes on', async () => {
    const { clock, make } = world()
    const other = make()
    await other.take(nothing, undefined)
    await make().refused(2 * minute, answer(told))
    const paused = { ...quiet, rps: 500, pausedUntil: '2026-01-01T00:02:00.000Z', said }
    expect(await other.budget()).toEqual(paused)
    expect(await make().budget()).toEqual(paused)
    clock.now += 2 * minute
    expect(await make().budget()).toEqual({ ...paused, pausedUntil: '' })
  })

  it('of a host where nothing is left tells when it counts anew, also after a restart', async () => {
    const { make } = world()
    await make().answered(answer({ 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '60' }))
    const restarted = make()
    await expect(restarted.take(nothing, undefined)).rejects.toMatchObject({ ...limited, retry: { afterMs: minute } })
    expect(await restarted.budget()).toMatchObject({
      pausedUntil: '2026-01-01T00:01:00.000Z',
      said: { remaining: 0, resetAt: '2026-01-01T00:01:00.000Z' },
    })
  })

  it('of a host reached by plain HTTP goes by its name', async () => {
    const { memory, now, rps, burst } = { memory: undefined, now: Date.now, rps: 1, burst: 1 }
    expect(await createPace('r.example:5000 insecure', { memory, now, rps, burst }).budget()).toMatchObject({
      host: 'r.example:5000',
    })
  })
})

describe('the rate', () => {
  it('lets a burst through at once', async () => {
    // the next one would wait a quarter of an hour, on a clock that stands still
    const pace = world({ rps: 0.001, burst: 10 }).make()
    const burst = Array.from({ length: 10 }, () => pace.take(nothing, undefined))
    expect(await Promise.all(burst)).toHaveLength(10)
  })

  it('lets one after the other through after a burst', async () => {
    const pace = world({ rps: 50, burst: 10, now: Date.now }).make()
    const started = performance.now()
    await Promise.all(Array.from({ length: 30 }, () => pace.take(nothing, undefined)))
    expect(performance.now() - started).toBeGreaterThanOrEqual(380)
  })

  it('is half of what it was after a refusal, and is kept over restarts', async () => {
    const { clock, stored, make } = world({ rps: 50 })
    clock.now += await make().refused(minute)
    const rate = () => (JSON.parse(stored.get('registry-pace:r.example') ?? '{}') as { rate?: number }).rate
    expect(rate()).toBe(25)
    clock.now += await make().refused(minute)
    expect(rate()).toBe(12.5)
    for (let n = 0; n < 20; n++) clock.now += await make().refused(0)
    expect(rate()).toBe(0.1)
  })

  it('is halved once by requests that were under way together', async () => {
    const { stored, make } = world({ rps: 50 })
    const pace = make()
    await Promise.all([pace.refused(minute), pace.refused(minute), pace.refused(minute)])
    expect(JSON.parse(stored.get('registry-pace:r.example') ?? '{}')).toMatchObject({ rate: 25 })
  })

  it('rises again by half every twenty minutes in which repositories are read whole, to what it was', async () => {
    const { clock, stored, make } = world({ rps: 50 })
    const pace = make()
    clock.now += await pace.refused(minute)
    pace.succeeded()
    const rate = () => (JSON.parse(stored.get('registry-pace:r.example') ?? '{}') as { rate?: number }).rate
    expect(rate()).toBe(25)
    const rates: (number | undefined)[] = []
    for (let n = 0; n < 4; n++) {
      clock.now += 20 * minute
      pace.succeeded()
      rates.push(rate())
    }
    expect(rates).toEqual([37.5, 50, 50, 50])
  })

  it('does not hold up a job that is ended', async () => {
    const { make } = world({ rps: 1, burst: 1, now: Date.now })
    const pace = make()
    await pace.take(nothing, undefined)
    const controller = new AbortController()
    const waiting = pace.take(nothing, controller.signal)
    controller.abort(new Error('stopped'))
    await expect(waiting).rejects.toThrow('stopped')
  })
})
