import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../playground/stack/ports.ts'
import { until } from '../../playground/stack/until.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
/** As a kubelet does it: whatever ends by itself is started again after this time. */
const restartMs = 250

/** One real `capstan run`, which is killed, stopped and started again. */
export type CapstanProcess = {
  url: string
  token: string
  /** Holds its state, cache and log. */
  directory: string
  logFile: string
  pid(): number
  alive(): boolean
  /** How often it ended without being told to. */
  crashes(): number
  /** How many of those ends its log does not give this reason for. */
  endsWithout(reason: string): number
  /** Starts it; does not wait until it is ready. */
  start(): void
  /** Resolves when `/readyz` is 200. */
  ready(withinMs?: number): Promise<void>
  /** Ends it and waits for the end, 15 s at most. Gives the exit code; null where a signal ended it. */
  kill(signal?: 'SIGKILL' | 'SIGTERM'): Promise<number | null>
  signal(signal: NodeJS.Signals): void
  /** One call of its API with its token, whatever the answer. */
  call(path: string, method?: 'GET' | 'POST'): Promise<{ status: number; headers: Headers; body: unknown; ms: number }>
  /** A signed push webhook for the source. */
  push(): Promise<number>
}

export type ProcessOptions = {
  /** Holds its token, secret, state and log. */
  directory: string
  flags: readonly string[]
  /** On top of ours. */
  env?: Record<string, string>
}

/** Prepares one; `start` runs it. */
export async function capstanProcess({ directory, flags, env = {} }: ProcessOptions): Promise<CapstanProcess> {
  mkdirSync(directory, { recursive: true })
  const token = secretFile(join(directory, 'token'))
  const secret = secretFile(join(directory, 'secret'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const logFile = join(directory, 'capstan.log')
  const argv = [
    '--disable-warning=ExperimentalWarning',
    join(root, 'bin/capstan.mjs'),
    'run',
    `--listen=127.0.0.1:${port}`,
    `--token-file=${join(directory, 'token')}`,
    `--webhook-secret-file=${join(directory, 'secret')}`,
    `--state-dir=${directory}`,
    '--shutdown-grace=5s',
    ...flags,
  ]
  let child: ChildProcess | undefined
  let wanted = false
  let crashes = 0

  function start(): void {
    wanted = true
    const log = openSync(logFile, 'a')
    const started = spawn(process.execPath, argv, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    child = started
    started.once('exit', () => {
      if (!wanted || child !== started) return
      crashes += 1
      setTimeout(() => wanted && start(), restartMs)
    })
  }

  const alive = () => child !== undefined && child.exitCode === null && child.signalCode === null

  return {
    url,
    token,
    directory,
    logFile,
    start,
    alive,
    pid: () => child?.pid ?? 0,
    crashes: () => crashes,
    endsWithout(reason) {
      const given = readFileSync(logFile, 'utf8')
        .split('\n')
        .filter((line) => line.includes(`reason=${reason} `))
      return Math.max(0, crashes - given.length)
    },
    async ready(withinMs = 180_000) {
      await until(`capstan is ready at ${url}`, async () => (await fetch(`${url}/readyz`)).ok, {
        timeoutMs: withinMs,
        logFile,
      })
    },
    async kill(signal = 'SIGKILL') {
      wanted = false
      const running = child
      if (!running || !alive()) return running?.exitCode ?? null
      const ended = new Promise<number | null>((resolve) => running.once('exit', resolve))
      running.kill(signal)
      const patience = new AbortController()
      const late = sleep(15_000, undefined, { signal: patience.signal }).then(
        () => running.kill('SIGKILL'),
        () => undefined,
      )
      const exitCode = await ended
      patience.abort()
      await late
      return exitCode
    },
    signal: (signal) => void child?.kill(signal),
    async call(path, method = 'GET') {
      const begun = performance.now()
      const headers = { authorization: `Bearer ${token}` }
      const response = await fetch(`${url}${path}`, { method, headers, signal: AbortSignal.timeout(20_000) })
      const text = await response.text()
      const ms = performance.now() - begun
      return { status: response.status, headers: response.headers, body: text ? (JSON.parse(text) as unknown) : '', ms }
    },
    async push() {
      const body = '{}'
      const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
      const headers = { 'content-type': 'application/json', 'x-capstan-signature-256': signature }
      const answer = await fetch(`${url}/hooks/v1/default`, { method: 'POST', body, headers })
      await answer.text()
      return answer.status
    },
  }
}

function secretFile(file: string): string {
  const secret = randomBytes(16).toString('hex')
  writeFileSync(file, secret, { mode: 0o600 })
  return secret
}
