import { Redis, type RedisOptions } from 'ioredis'
import { AppError } from '../../domain/error.ts'
import type { Logger } from '../../lib/logger.ts'
import { withDeadline } from '../../lib/with-deadline.ts'

/** Within a second (hazard B1). */
const defaultAnswerMs = 900
const pingMs = 1000
/** Without an answer for this long Redis counts as gone. */
const silentMs = 3000
/** A connection that looks open but is silent for this long is cut and made anew. */
const wedgedMs = 6000

/** The one connection that all calls of callers share. */
export type Connection = {
  readonly client: Redis
  /** Runs calls on Redis; AppError RedisUnavailable when they fail or are not answered in time. */
  call: <T>(work: () => Promise<T>) => Promise<T>
  isUp: () => boolean
  /** Milliseconds since the connection became ready; 0 while it is not. */
  readyForMs: () => number
  warnings: () => string[]
  close: () => void
}

type ConnectionOptions = {
  redisUrl: string
  log: Logger
  /** A call that Redis has not answered by then is given up. Default 0.9 s. */
  answerMs?: number | undefined
}

function reconnectDelayMs(times: number): number {
  return Math.min(100 * times, 2000)
}

/** Options of every connection: come back soon, for ever. */
export const lasting = {
  connectTimeout: 5000,
  keepAlive: 10_000,
  disconnectTimeout: 500,
  retryStrategy: reconnectDelayMs,
} satisfies RedisOptions

function unavailable(why: string, cause?: unknown): AppError {
  return new AppError('RedisUnavailable', `Redis ${why}; work goes on by itself once it is back.`, { cause })
}

/** The sentence for an error of Redis or of its client. */
function toUnavailable(error: unknown): AppError {
  if (error instanceof AppError) return error
  const text = error instanceof Error ? error.message : ''
  if (text.startsWith('OOM')) return unavailable('is full and takes no writes', error)
  if (text.startsWith('LOADING')) return unavailable('is still loading its data', error)
  if (text.startsWith('READONLY')) return unavailable('is a replica that takes no writes', error)
  if (text.startsWith('NOAUTH') || text.startsWith('WRONGPASS') || text.startsWith('NOPERM')) {
    return unavailable('refuses our credentials', error)
  }
  return unavailable('does not answer', error)
}

/** `maxmemory_policy` out of the text of INFO; undefined where a managed Redis hides it. */
function evictionPolicy(info: string): string | undefined {
  return /^maxmemory_policy:(\S+)/m.exec(info)?.[1]
}

/** Opens the shared connection; returns at once, also while Redis is away. */
export function createConnection(options: ConnectionOptions): Connection {
  const { redisUrl, log, answerMs = defaultAnswerMs } = options
  const client = new Redis(redisUrl, {
    ...lasting,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    autoResendUnfulfilledCommands: false,
  })
  const warnings = new Set<string>()
  let readySince: number | undefined
  let answeredAt = Number.NEGATIVE_INFINITY
  let told = false
  let isClosed = false

  client.on('error', (error: Error) => log.debug({ error: error.message }, 'Redis connection error'))
  client.on('close', () => {
    if (!isClosed && (readySince !== undefined || !told))
      log.warn({}, 'Redis is gone; nothing changes in the cluster meanwhile')
    told = true
    readySince = undefined
  })
  client.on('ready', () => {
    log.info({}, 'Redis is connected')
    readySince = performance.now()
    answeredAt = readySince
    void checkEviction()
  })

  /** Resolves when the first attempt to connect has ended in either way: what is asked at boot need not fail. */
  const first = new Promise<void>((resolve) => {
    client.once('ready', () => resolve()).once('close', () => resolve())
  })

  async function checkEviction(): Promise<void> {
    const policy = evictionPolicy(await client.info('memory').catch(() => ''))
    if (!policy || policy === 'noeviction') return warnings.clear()
    const text = `Redis may drop jobs when its memory is full: set maxmemory-policy to noeviction (it is ${policy}).`
    if (!warnings.has(text)) log.warn({ policy }, text)
    warnings.add(text)
  }

  async function ping(): Promise<void> {
    if (client.status !== 'ready') return
    const sent = performance.now()
    client.ping().then(
      () => (answeredAt = performance.now()),
      () => {},
    )
    if (readySince !== undefined && sent - answeredAt > wedgedMs) client.disconnect(true)
  }
  const timer = setInterval(() => void ping(), pingMs).unref()

  return {
    client,
    async call(work) {
      try {
        const result = await withDeadline(
          first.then(() => (client.status === 'ready' ? work() : Promise.reject(unavailable('does not answer')))),
          answerMs,
          () => unavailable('does not answer'),
        )
        answeredAt = performance.now()
        return result
      } catch (error) {
        throw toUnavailable(error)
      }
    },
    isUp: () => client.status === 'ready' && performance.now() - answeredAt < silentMs,
    readyForMs: () => (readySince === undefined ? 0 : performance.now() - readySince),
    warnings: () => [...warnings],
    close() {
      isClosed = true
      clearInterval(timer)
      client.disconnect()
    },
  }
}
