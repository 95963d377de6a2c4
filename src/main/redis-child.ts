import { randomBytes } from 'node:crypto'
import { connect, createServer } from 'node:net'
import { AppError } from '../domain/error.ts'
import type { Logger } from '../lib/logger.ts'
import type { Run } from '../lib/run.ts'

/** A private Redis for one process that was given none. */
export type RedisChild = { url: string; stop(): Promise<void> }

/** Node's longest timer; a Redis that ends for it is started again at once. */
const longestMs = 2 ** 31 - 1
const restartAfterMs = 500

/**
 * Starts `redis-server` on a free loopback port with a random password (given by standard input, so it is on no command line), without
 * files: Redis holds work and history, never truth (law 1). Starts it again when it dies. Throws RedisUnavailable when the binary is
 * not there.
 */
export async function startRedisChild(options: {
  run: Run
  log: Logger
  path: string
  directory: string
}): Promise<RedisChild> {
  const port = await freePort()
  const password = randomBytes(24).toString('base64url')
  const config = [
    `port ${port}`,
    'bind 127.0.0.1',
    `requirepass ${password}`,
    'save ""',
    'appendonly no',
    'maxmemory-policy noeviction',
    `dir ${options.directory}`,
  ]
  const stopped = new AbortController()
  const first = Promise.withResolvers<void>()

  async function keepRunning(): Promise<void> {
    while (!stopped.signal.aborted) {
      const ended = await options.run({
        command: 'redis-server',
        args: ['-'],
        input: config.join('\n'),
        env: { PATH: options.path, HOME: options.directory },
        cwd: options.directory,
        timeoutMs: longestMs,
        signal: stopped.signal,
      })
      if (stopped.signal.aborted) return
      if (ended.ended === 'notFound') {
        return first.reject(
          new AppError('RedisUnavailable', 'redis-server is not on PATH: install it or give --redis-url', {
            retry: 'never',
          }),
        )
      }
      options.log.warn({ exitCode: ended.exitCode ?? -1 }, 'the private redis-server ended and is started again')
      await new Promise((resolve) => setTimeout(resolve, restartAfterMs))
    }
  }

  const running = keepRunning()
  running.catch(first.reject)
  waitForPort(port, stopped.signal).then(first.resolve, first.reject)
  await first.promise
  return {
    url: `redis://:${password}@127.0.0.1:${port}`,
    async stop() {
      stopped.abort()
      await running
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}

async function waitForPort(port: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: '127.0.0.1' }, () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => resolve(false))
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
