import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from '../../playground/stack/ports.ts'
import { createQueue, type Queue, type QueueOptions } from '../../src/adapters/queue/index.ts'
import type { LogFields, Logger } from '../../src/lib/logger.ts'
import { stack } from '../stack/stack.ts'

/** A log that keeps its lines. */
export type Recorder = Logger & { lines: { level: string; message: string; fields: LogFields }[] }

export function createRecorder(): Recorder {
  const lines: Recorder['lines'] = []
  const at = (level: string) => (fields: LogFields, message: string) => void lines.push({ level, message, fields })
  const log: Recorder = {
    lines,
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  }
  return log
}

/** Waits until `check` gives something true; fails with `what` and the last error after two minutes. */
export async function until(what: string, check: () => unknown): Promise<void> {
  const end = performance.now() + 120_000
  let cause: unknown
  for (;;) {
    try {
      if (await check()) return
      cause = undefined
    } catch (error) {
      cause = error
    }
    if (performance.now() > end) throw new Error(`not within two minutes: ${what}`, { cause })
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** How long a job is held back, and after how many runs: both of one moment, even if it runs again by itself meanwhile. */
export async function heldBack(
  client: Redis,
  job: { queue: string; jobId: string },
  runs: () => number,
): Promise<{ runs: number; delayMs: number }> {
  const { queue, jobId } = job
  let found = { runs: 0, delayMs: 0 }
  await until(`${jobId} is held back`, async () => {
    const before = runs()
    const both = await client.multi().zscore(`${queue}:delayed`, jobId).hget(`${queue}:${jobId}`, 'delay').exec()
    const [[, due] = [], [, delay] = []] = both ?? []
    found = { runs: before, delayMs: Number(delay) }
    return typeof due === 'string' && before > 0 && before === runs()
  })
  return found
}

/** A key prefix nobody else has; in braces as Redis Cluster wants it. */
export function freshPrefix(): string {
  return `{test-${randomBytes(6).toString('hex')}}`
}

/** Opens queues of one test file and takes away all that they left. */
export function createQueueBox(redisUrl: () => string = () => stack().redisUrl) {
  const queues: Queue[] = []
  const prefixes = new Set<string>()

  return {
    open(options: Partial<QueueOptions> & { prefix: string }): Queue {
      const log = options.log ?? createRecorder()
      const queue = createQueue({ redisUrl: redisUrl(), worker: 'test', answerMs: 30_000, ...options, log })
      queues.push(queue)
      prefixes.add(options.prefix)
      return queue
    },
    /** A plain client on the same Redis. */
    client: () => new Redis(redisUrl()),
    async clean(): Promise<void> {
      await Promise.all(queues.splice(0).map((queue) => queue.close(0)))
      const client = new Redis(redisUrl(), { maxRetriesPerRequest: 1 })
      client.on('error', () => {})
      for (const prefix of prefixes) {
        const keys = await client.keys(`${prefix}*`).catch(() => [])
        for (let i = 0; i < keys.length; i += 1000) await client.unlink(keys.slice(i, i + 1000))
      }
      prefixes.clear()
      client.disconnect()
    },
  }
}

/** A redis-server of its own that a test may kill, empty, freeze and start again on the same port. */
export type PrivateRedis = {
  readonly url: string
  start(): Promise<void>
  kill(): Promise<void>
  freeze(): void
  thaw(): void
  /** Stops it for good and removes its files. */
  remove(): Promise<void>
}

export async function createPrivateRedis(
  options: { appendOnly?: boolean; args?: string[] } = {},
): Promise<PrivateRedis> {
  const port = await freePort()
  const dir = mkdtempSync(join(tmpdir(), 'capstan-redis-'))
  const url = `redis://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  const path = `${stack().binDir}:${process.env.PATH ?? ''}`

  async function start(): Promise<void> {
    const appendOnly = options.appendOnly ? 'yes' : 'no'
    const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', appendOnly]
    child = spawn('redis-server', [...args, ...(options.args ?? [])], { stdio: 'ignore', env: { PATH: path } })
    const probe = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null })
    probe.on('error', () => {})
    await probe.ping()
    probe.disconnect()
  }

  async function kill(): Promise<void> {
    const dying = child
    if (!dying || dying.exitCode !== null || dying.signalCode !== null) return
    const gone = new Promise((resolve) => dying.once('exit', resolve))
    dying.kill('SIGKILL')
    await gone
  }

  return {
    url,
    start,
    kill,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    async remove() {
      await kill()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** A worker as a process of its own; resolves once it is up. */
export async function startWorker(
  redisUrl: string,
  prefix: string,
  times: { workMs: number; deadAfterMs: number },
): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'worker-process.ts')
  const child = spawn(process.execPath, [script, redisUrl, prefix, `${times.workMs}`, `${times.deadAfterMs}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise((resolve, reject) => {
    child.stdout?.once('data', resolve)
    child.once('exit', (code) => reject(new Error(`the worker ended with ${code}`)))
  })
  return child
}

/** Ends a process by a signal and waits until it is gone. */
export async function stopProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve))
  child.kill(signal)
  return gone
}
