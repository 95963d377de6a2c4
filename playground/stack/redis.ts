import { mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { freePort } from './ports.ts'
import type { Program } from './supervise.ts'
import { createSupervisor, type Supervisor } from './supervisor.ts'
import { until } from './until.ts'

export type Redis = { url: string; port: number; program: Program; stop(): Promise<void> }

export type RedisOptions = {
  supervisor?: Supervisor
  /** The redis-server binary, 6.2 or newer. */
  binary: string
  directory: string
  /** Default: a free one. */
  port?: number
}

/** Starts a Redis on 127.0.0.1 that keeps nothing on disk; resolves when it answers PING. Started again after a crash it is empty. */
export async function startRedis(options: RedisOptions): Promise<Redis> {
  const { binary, directory, supervisor = createSupervisor({ directory }) } = options
  const port = options.port ?? (await freePort())
  const folder = join(directory, 'redis')
  mkdirSync(folder, { recursive: true })
  const program = supervisor.start({
    name: 'redis',
    command: binary,
    args: `--bind 127.0.0.1 --port ${port} --appendonly no --maxmemory-policy noeviction --save`
      .split(' ')
      .concat('', '--dir', folder),
  })
  await until('redis', () => ping(port), { logFile: program.logFile })
  return { url: `redis://127.0.0.1:${port}`, port, program, stop: () => program.stop() }
}

async function ping(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1_000 }, () => socket.write('PING\r\n'))
    const answer = (pong: boolean) => {
      socket.destroy()
      resolve(pong)
    }
    socket.once('data', (data) => answer(data.toString().startsWith('+PONG')))
    socket.once('error', () => answer(false))
    socket.once('timeout', () => answer(false))
  })
}
