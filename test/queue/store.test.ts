import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createStore, type Store, type StreamRange } from '../../src/adapters/store/index.ts'
import { createFakeStore } from '../fakes/store.ts'
import { stack } from '../stack/stack.ts'
import { createPrivateRedis, createRecorder, freshPrefix, type PrivateRedis, until } from './support.ts'

/** What fake and real have in common. */
const stores: [what: string, open: (prefix: string) => Store][] = [
  [
    'the real store',
    (prefix) => createStore({ redisUrl: stack().redisUrl, prefix, log: createRecorder(), answerMs: 30_000 }),
  ],
  ['the fake', () => createFakeStore()],
]

describe.each(stores)('%s', (_what, open) => {
  const prefix = freshPrefix()
  let store: Store
  beforeEach(() => {
    store = open(prefix)
  })
  afterEach(() => store.close())
  afterAll(async () => {
    const client = new Redis(stack().redisUrl)
    const keys = await client.keys(`${prefix}*`)
    if (keys.length > 0) await client.unlink(keys)
    client.disconnect()
  })

  it('gives back what was set, byte for byte', async () => {
    await store.set('tags:nginx', '["1.27", "ü \u0000 \u{1f600}"]')
    expect(await store.get('tags:nginx')).toBe('["1.27", "ü \u0000 \u{1f600}"]')
    await store.set('tags:nginx', '')
    expect(await store.get('tags:nginx')).toBe('')
  })

  it('gives many at once, in the order in which they are asked for', async () => {
    const keys = Array.from({ length: 1_201 }, (_, n) => `many-${n}`)
    await Promise.all([0, 499, 500, 1_200].map(async (n) => await store.set(`many-${n}`, `value ${n}`)))
    const found = await store.getMany(keys)
    expect(found).toHaveLength(keys.length)
    expect(found.flatMap((value, n) => (value === undefined ? [] : [[n, value]]))).toEqual(
      [0, 499, 500, 1_200].map((n) => [n, `value ${n}`]),
    )
    expect(await store.getMany([])).toEqual([])
  })

  it('knows nothing of what was never set or is deleted', async () => {
    expect(await store.get('never')).toBeUndefined()
    await store.set('k', 'v')
    await store.delete('k')
    await store.delete('never')
    expect(await store.get('k')).toBeUndefined()
  })

  it('reads and writes for who relies on it, too', async () => {
    await store.write('k', 'v', { ttlMs: 60_000 })
    expect(await store.read('k')).toBe('v')
    expect(await store.get('k')).toBe('v')
    expect(await store.read('never')).toBeUndefined()
  })

  it('gives what is taken to one alone', async () => {
    await store.set('k', 'v')
    const taken = await Promise.all([store.take('k'), store.take('k'), store.take('k')])
    expect(taken.filter((one) => one !== undefined)).toEqual(['v'])
    expect(await store.get('k')).toBeUndefined()
    expect(await store.take('never')).toBeUndefined()
  })

  it('forgets after the time to live, and not before', async () => {
    const ttlMs = 1_000
    await store.set('long', 'v', { ttlMs: 600_000 })
    let found: string | undefined
    await until('it is read within its time', async () => {
      const begun = performance.now()
      await store.set('short', 'v', { ttlMs })
      found = await store.get('short')
      return performance.now() - begun < ttlMs
    })
    expect(found).toBe('v')
    await until('it is forgotten', async () => (await store.get('short')) === undefined)
    expect(await store.get('long')).toBe('v')
    await store.set('long', 'w')
    expect(await store.get('long')).toBe('w')
  })

  it('keeps a history that is read from both ends, and on from any entry', async () => {
    const ids: (string | undefined)[] = []
    for (const n of ['1', '2', '3', '4']) ids.push(await store.append('events', { n }, { maxLength: 100 }))
    const read = async (range: StreamRange): Promise<string> =>
      (await store.page('events', range)).map(({ entry: { n } }) => n).join('')
    expect(await read({ order: 'newest', limit: 2 })).toBe('43')
    expect(await read({ order: 'oldest', limit: 2 })).toBe('12')
    expect(await read({ order: 'newest', limit: 9, cursor: ids[2] as string })).toBe('21')
    expect(await read({ order: 'oldest', limit: 9, cursor: ids[1] as string })).toBe('34')
    expect(await read({ order: 'oldest', limit: 9, cursor: ids[3] as string })).toBe('')
    expect((await store.page('events', { order: 'oldest', limit: 9 })).map(({ id }) => id)).toEqual(ids)
    expect(await store.page('events', { order: 'newest', limit: 0 })).toEqual([])
    expect(await store.page('none', { order: 'newest', limit: 9 })).toEqual([])
  })

  it('lets go of what is too old, about', async () => {
    for (let n = 0; n < 300; n++) await store.append('old', { n: `${n}` }, { maxLength: 1000 })
    await until('time has passed', async () => {
      await store.append('old', { n: 'last' }, { maxLength: 1000, maxAgeMs: 20 })
      return (await store.page('old', { order: 'oldest', limit: 1 }))[0]?.entry.n !== '0'
    })
    expect((await store.page('old', { order: 'newest', limit: 1 }))[0]?.entry).toEqual({ n: 'last' })
  })

  it('bounds the history, about', async () => {
    await Promise.all(
      Array.from({ length: 1000 }, (_, n) => store.append('bounded', { n: `${n}` }, { maxLength: 100 })),
    )
    const kept = await store.page('bounded', { order: 'newest', limit: 10_000 })
    expect(kept.length).toBeGreaterThanOrEqual(100)
    expect(kept.length).toBeLessThanOrEqual(300)
    expect(kept[0]?.entry).toEqual({ n: '999' })
  })

  it('keeps values and histories of one name apart', async () => {
    await store.set('same', 'v')
    await store.append('same', { a: '1' }, { maxLength: 10 })
    expect(await store.get('same')).toBe('v')
    expect(await store.page('same', { order: 'newest', limit: 1 })).toHaveLength(1)
  })
})

describe('without Redis', () => {
  let redis: PrivateRedis
  let store: Store
  beforeAll(async () => {
    redis = await createPrivateRedis()
    await redis.start()
    store = createStore({ redisUrl: redis.url, log: createRecorder() })
  })
  afterAll(async () => {
    await store.close()
    await redis.remove()
  })

  async function tryAll(): Promise<void> {
    await store.set('k', 'w')
    await store.delete('k')
    expect(await store.append('s', { a: '1' }, { maxLength: 10 })).toBeUndefined()
    expect(await store.get('k')).toBeUndefined()
    const page = store.page('s', { order: 'newest', limit: 10 })
    await expect(page).rejects.toMatchObject({ reason: 'RedisUnavailable' })
    await expect(store.take('k')).rejects.toMatchObject({ reason: 'RedisUnavailable' })
    await expect(store.read('k')).rejects.toMatchObject({ reason: 'RedisUnavailable' })
    await expect(store.write('k', 'v', { ttlMs: 60_000 })).rejects.toMatchObject({ reason: 'RedisUnavailable' })
  }

  it('reads nothing and writes nothing, soon and without an error, and comes back by itself', async () => {
    const works = async (): Promise<boolean> => {
      await store.set('k', 'v')
      return (await store.get('k')) === 'v'
    }
    await until('it works', works)
    await redis.kill()
    await tryAll()
    await redis.start()
    await until('it works again', works)
    redis.freeze()
    await tryAll()
    redis.thaw()
    await until('it works again', async () => (await store.get('k')) !== undefined || store.set('k', 'v'))
  })

  it('takes an answer that lies unread while this process is busy', async () => {
    await store.set('k', 'v')
    const found = store.get('k')
    const until = performance.now() + 1_500
    while (performance.now() < until);
    expect(await found).toBe('v')
  })
})
