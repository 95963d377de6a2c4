import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

/** One call: its status, or 0 and why there was none. */
export type Call = { url: string; path: string; sentAt: number; status: number; error: string; closes: boolean }

export type ConstantCalls = {
  /** All that have ended, in that order. */
  ended: readonly Call[]
  /** Resolves once no call is under way. */
  stop(): Promise<void>
}

/**
 * Calls again and again over connections that are kept alive, each to the next of the processes that `targets` gives at that moment: some
 * hundred a second, which wants a higher --api-rate.
 */
export function callConstantly(options: {
  targets: () => readonly string[]
  paths: readonly string[]
  headers: Record<string, string>
  connections?: number
}): ConstantCalls {
  const { targets, paths, headers, connections = 8 } = options
  const ended: Call[] = []
  let isStopped = false
  let sent = 0

  async function keepCalling(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (!isStopped) {
      const number = sent++
      const url = targets()[number % targets().length]
      if (url) ended.push(await call({ url, path: paths[number % paths.length] ?? '/', headers, agent }))
      await sleep(20)
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

type Asked = { url: string; path: string; headers: Record<string, string>; agent: Agent }

async function call({ url, path, headers, agent }: Asked): Promise<Call> {
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
