import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from './stack/ports.ts'
import { writeAtomic } from './stack/write-atomic.ts'

/** Everything that the playground keeps, below one folder. */
export type State = ReturnType<typeof statePaths>

/** Where things are below the state folder. */
export function statePaths(stateDir: string) {
  return {
    stateDir,
    lock: join(stateDir, 'playground.lock'),
    file: join(stateDir, 'playground.json'),
    ports: join(stateDir, 'ports.json'),
    bin: join(stateDir, 'bin'),
    tokenFile: join(stateDir, 'token'),
    webhookSecretFile: join(stateDir, 'webhook-secret'),
    /** Capstan's own `--state-dir`. */
    capstan: join(stateDir, 'capstan'),
    repositories: join(stateDir, 'repositories'),
    charts: join(stateDir, 'charts'),
  }
}

/** Made by a start and thrown away by the next one, unless it is to keep them. */
const madeByUs = [
  'etcd',
  'pki',
  'redis',
  'registry',
  'repositories',
  'charts',
  'capstan',
  'logs',
  'token',
  'webhook-secret',
]

/** Readies the folder for a start: the shipped state, or what the last one left. */
export function prepareState(paths: State, keep: boolean): void {
  mkdirSync(paths.stateDir, { recursive: true, mode: 0o700 })
  rmSync(paths.file, { force: true })
  if (!keep) for (const name of madeByUs) rmSync(join(paths.stateDir, name), { recursive: true, force: true })
  for (const file of [paths.tokenFile, paths.webhookSecretFile]) {
    if (!existsSync(file)) writeAtomic(file, randomBytes(24).toString('base64url'))
  }
}

/** The text of a file without the blanks around it. */
export function readSecret(file: string): string {
  return readFileSync(file, 'utf8').trim()
}

export type Ports = {
  api: number
  git: number
  charts: number
  registry: number
  redis: number
  kubeApiserver: number
  receiver: number
}

/** Ports for this start: those of the last one where they are free, so that clones and browser tabs go on working. */
export async function choosePorts(file: string): Promise<{ ports: Ports; moved: boolean }> {
  const last = readPorts(file)
  const ports: Ports = {
    api: await freePort(last.api ?? 3030),
    git: await freePort(last.git),
    charts: await freePort(last.charts),
    registry: await freePort(last.registry),
    redis: await freePort(last.redis),
    kubeApiserver: await freePort(last.kubeApiserver),
    receiver: await freePort(last.receiver),
  }
  writeAtomic(file, JSON.stringify(ports))
  const named = ['git', 'charts', 'registry'] as const
  return { ports, moved: named.some((name) => last[name] !== undefined && last[name] !== ports[name]) }
}

function readPorts(file: string): Partial<Ports> {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Ports>
  } catch {
    return {}
  }
}
