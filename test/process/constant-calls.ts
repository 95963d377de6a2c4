import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** One call: its status, or 0 and why there was none. */
export type Call = { url: string; path: string; sentAt: number; status: number; error: string; closes: boolean }

/** A process with the API, and the token for it. */
type Target = { url: string; token: string }

export type ConstantCalls = {
  /** All that have ended, in that order. */
  ended: readonly Call[]
  /** Resolves once no call is under way. */
  stop(): Promise<void>
}

/**
 * Calls again and again over connections that are kept alive, each to the next of the processes that `targets` gives at that moment. They
 * want a higher --api-rate.
 */
export function callConstantly(options: {
  targets: () => readonly Target[]
  paths: readonly string[]
  connections?: number
  /** Of each connection, between two calls. */
  pauseMs?: number
}): ConstantCalls {
  const { targets, paths, connections = 8, pauseMs = 20 } = options
  const ended: Call[] = []
  let isStopped = false
  let sent = 0

  async function keepCalling(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (!isStopped) {
      const number = sent++
      const target = targets()[number % targets().length]
      if (target) ended.push(await call({ target, path: paths[number % paths.length] ?? '/', agent }))
      await sleep(pauseMs)
    }
    agent.destroy()
  }

  const callers = Array.from({ length: connections }, keepCalling)
  return {
    ended,
    async stop() {
      isStopped = true
      await Promise.all(callers)
    },
  }
}

/** Calls that a person would have seen fail: answered with 500 or more, or not at all. */
export function failuresOf(calls: readonly Call[]): string[] {
  const failed = calls.filter(({ status }) => status === 0 || status >= 500)
  return failed.map(({ url, path, status, error }) => `${url}${path}: ${error || status}`)
}

async function call({ target, path, agent }: { target: Target; path: string; agent: Agent }): Promise<Call> {
  const { url, token } = target
  const headers = { authorization: `Bearer ${token}` }
  const { promise, resolve } = Promise.withResolvers<Call>()
  const sentAt = performance.now()
  const fail = (error: Error & { code?: string }): void =>
    resolve({ url, path, sentAt, status: 0, error: error.code ?? error.message, closes: true })
  const signal = AbortSignal.timeout(20_000)
  get(`${url}${path}`, { agent, headers, signal }, (answer) => {
    const { statusCode: status = 0 } = answer
    answer.resume().on('error', fail)
    answer.on('end', () =>
      resolve({ url, path, sentAt, status, error: '', closes: answer.headers.connection === 'close' }),
    )
  }).on('error', fail)
  return await promise
}
