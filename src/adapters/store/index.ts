import { Redis } from 'ioredis'
import { AppError } from '../../domain/error.ts'
import type { Logger } from '../../lib/logger.ts'
import { withDeadline } from '../../lib/with-deadline.ts'

/** Small cached facts in Redis (law 1: never truth). `get` gives undefined and writes do nothing when Redis is gone. */
export type Store = {
  get(key: string): Promise<string | undefined>
  /** As many `get`s, by few questions; in the order of the keys. */
  getMany(keys: readonly string[]): Promise<(string | undefined)[]>
  /** As `get`, where "not there" ends something. Throws RedisUnavailable when Redis is gone: what could not be read is not absent. */
  read(key: string): Promise<string | undefined>
  /** Kept for ever without `ttlMs`. */
  set(key: string, value: string, options?: { ttlMs?: number }): Promise<void>
  /** As `set`, for what somebody relies on. Throws RedisUnavailable when it is not known to be kept. */
  write(key: string, value: string, options: { ttlMs: number }): Promise<void>
  delete(key: string): Promise<void>
  /** The value, which is gone then: of all who ask at the same time one gets it. Throws RedisUnavailable when Redis is gone. */
  take(key: string): Promise<string | undefined>
  /**
   * Adds to a history that is bounded in length and, with `maxAgeMs`, in age; gives the id of the entry, undefined when Redis is gone. A
   * little more than that may stay: Redis trims in whole blocks.
   */
  append(
    stream: string,
    entry: Record<string, string>,
    options: { maxLength: number; maxAgeMs?: number },
  ): Promise<string | undefined>
  /** A part of a history. Throws RedisUnavailable when Redis is gone: what could not be read is not empty. */
  page(stream: string, range: StreamRange): Promise<StreamEntry[]>
  close(): Promise<void>
}

/** From the newest or the oldest on, or from after the entry with the id `cursor`; at most `limit`. */
export type StreamRange = { order: 'newest' | 'oldest'; cursor?: string; limit: number }
/** Ids are `<milliseconds since 1970>-<number>` and grow. */
export type StreamEntry = { id: string; entry: Record<string, string> }

/** Redis answers nobody else meanwhile. */
const manyAtOnce = 500

type StoreOptions = {
  redisUrl: string
  /** Comes before every key. Default `{capstan}`. */
  prefix?: string
  log: Logger
  /** A call that Redis has not answered by then is given up; a cache must not slow its caller down. Default 0.9 s. */
  answerMs?: number
}

async function inParts<T>(keys: readonly string[], find: (some: readonly string[]) => Promise<T[]>): Promise<T[]> {
  const found: T[] = []
  for (let at = 0; at < keys.length; at += manyAtOnce) found.push(...(await find(keys.slice(at, at + manyAtOnce))))
  return found
}

function connect(redisUrl: string): Redis {
  return new Redis(redisUrl, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    autoResendUnfulfilledCommands: false,
    connectTimeout: 5000,
    keepAlive: 10_000,
    disconnectTimeout: 500,
    retryStrategy: (times) => Math.min(100 * times, 2000),
  })
}

/** Connects in the background and returns at once. */
export function createStore(options: StoreOptions): Store {
  const { redisUrl, prefix = '{capstan}', log, answerMs = 900 } = options
  const client = connect(redisUrl)
  client.on('error', (error: Error) => log.debug({ error: error.message }, 'store connection error'))
  const first = firstConnection(client, answerMs)
  const valueKey = (key: string): string => `${prefix}:store:${key}`
  const find = async (key: string): Promise<string | undefined> => (await client.get(valueKey(key))) ?? undefined
  const findMany = async (keys: readonly string[]): Promise<(string | undefined)[]> =>
    (await client.mget(keys.map(valueKey))).map((value) => value ?? undefined)
  const put = (key: string, value: string, ttlMs: number | undefined): Promise<unknown> =>
    ttlMs === undefined
      ? client.set(valueKey(key), value)
      : client.set(valueKey(key), value, 'PX', Math.max(Math.round(ttlMs), 1))
  const streamKey = (stream: string): string => `${prefix}:stream:${stream}`

  /** Throws RedisUnavailable. */
  async function surely<T>(work: () => Promise<T>): Promise<T> {
    try {
      await first
      return await withDeadline(work(), answerMs, () => new Error('no answer in time'))
    } catch (error) {
      throw new AppError('RedisUnavailable', 'Redis does not answer; it can be asked again.', { cause: error })
    }
  }

  async function softly<T>(work: () => Promise<T>, instead: T): Promise<T> {
    try {
      return await surely(work)
    } catch (error) {
      const { cause } = error as AppError
      log.debug({ error: cause instanceof Error ? cause.message : '' }, 'the store did not answer')
      return instead
    }
  }

  return {
    get: (key) => softly(() => find(key), undefined),
    getMany: (keys) =>
      inParts(keys, (some) => softly(() => findMany(some), Array<undefined>(some.length).fill(undefined))),
    read: (key) => surely(() => find(key)),
    async write(key, value, { ttlMs }) {
      await surely(() => put(key, value, ttlMs))
    },
    async set(key, value, { ttlMs } = {}) {
      await softly(() => put(key, value, ttlMs), undefined)
    },
    async delete(key) {
      await softly(() => client.del(valueKey(key)), 0)
    },
    async take(key) {
      // GETDEL is not there before Redis 6.2
      const both = client.multi().get(valueKey(key)).del(valueKey(key))
      const answers = await surely(() => both.exec())
      if (!answers) throw new AppError('RedisUnavailable', 'Redis does not answer; it can be asked again.')
      const [[, value] = []] = answers
      return typeof value === 'string' ? value : undefined
    },
    async append(stream, entry, { maxLength, maxAgeMs }) {
      const fields = Object.entries(entry).flat()
      if (fields.length === 0) return undefined
      const key = streamKey(stream)
      const id = await softly(() => client.xadd(key, 'MAXLEN', '~', maxLength, '*', ...fields), null)
      // by the clock that made the id
      const oldest = id !== null && maxAgeMs !== undefined ? Number(id.split('-')[0]) - maxAgeMs : 0
      if (oldest > 0) await softly(() => client.xtrim(key, 'MINID', '~', oldest), 0)
      return id ?? undefined
    },
    async page(stream, { order, cursor, limit }) {
      // nothing is older than the first id, which Redis refuses to be told
      if (limit < 1 || (order === 'newest' && /^0+-0+$/.test(cursor ?? ''))) return []
      const [key, edge] = [streamKey(stream), cursor === undefined ? undefined : `(${cursor}`]
      const found = await surely(() =>
        order === 'newest'
          ? client.xrevrange(key, edge ?? '+', '-', 'COUNT', limit)
          : client.xrange(key, edge ?? '-', '+', 'COUNT', limit),
      )
      return found.map(([id, fields]) => ({ id, entry: entryOf(fields) }))
    },
    async close() {
      client.disconnect()
    },
  }
}

/** Resolves when the first attempt to connect has ended in either way, so that what is written at boot is kept. */
function firstConnection(client: Redis, answerMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, answerMs)
    const settle = (): void => {
      clearTimeout(timer)
      resolve()
    }
    client.once('ready', settle).once('close', settle)
  })
}

function entryOf(fields: readonly string[]): Record<string, string> {
  const entry: Record<string, string> = {}
  for (let i = 0; i + 1 < fields.length; i += 2) entry[fields[i] as string] = fields[i + 1] as string
  return entry
}
