import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { until } from '../../playground/stack/until.ts'
import { startRedis, type TestRedis } from '../e2e/redis.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import type { Stack } from '../stack/stack.ts'
import { type Cable, startCable } from './cable.ts'
import { clusterClient, type ClusterClient, type Difference } from './cluster-client.ts'
import { apiServerOf, type Gate, startGate } from './gate.ts'
import { filesOf, makeObjects, type Manifest, pathOf } from './objects.ts'
import { capstanProcess, type CapstanProcess } from './process.ts'
import { removeFolder } from '../stack/remove-folder.ts'

const run = promisify(execFile)

/** What trials are made of. Everything that it gave is ended by `close`. */
export type World = {
  stack: Stack
  /** How long something stays away: at most 30 s at scale 0.1, as in the table of hazards at scale 1. */
  outageMs(full: number): number
  /** A folder of this trial's own; kept when the trial failed. */
  directory: string
  stage(options?: StageOptions): Promise<Stage>
  /** Done at the end of the trial; the last one given comes first. */
  atEnd(end: () => Promise<unknown>): void
  close(options: { keep: boolean }): Promise<void>
}

export type StageOptions = {
  flags?: readonly string[]
  /** Another cluster than that of the stack. */
  kubeconfig?: string
  /** More environment for Capstan. */
  env?: Record<string, string>
  /** Namespaces that the objects of git stand in. Default 2. */
  spaces?: number
}

/** One Capstan (not started yet) with its own repository, Redis and namespaces, and every wire that leads out of it. */
export type Stage = {
  id: string
  spaces: readonly string[]
  /** Namespace of Capstan's own records. */
  namespace: string
  repository: Repository
  redis: TestRedis
  /** Leads to the API server by way of the wire. */
  kubeconfig: string
  redisPrefix: string
  /** One command to the Redis itself, past the wire. */
  redisCommand(...command: string[]): Promise<string>
  /** Requests to the API server, and the wire before it. */
  api: { gate: Gate; cable: Cable }
  git: { gate: Gate; cable: Cable }
  redisCable: Cable
  capstan: CapstanProcess
  cluster: ClusterClient
  /** One more process with the same records, queue and flags. */
  another(flags?: readonly string[]): Promise<CapstanProcess>
  /** A way of its own to the API server, and the flag that leads there. */
  ownGate(): Promise<{ gate: Gate; flag: string }>
  objects(count: number, value: string): Manifest[]
  /** Makes the branch hold the namespaces and these objects. */
  push(objects: readonly Manifest[], more?: Record<string, string>): Promise<string>
  source(via?: CapstanProcess): Promise<SourceRow | undefined>
  differences(objects: readonly Manifest[]): Promise<Difference>
  /** Waits until the commit is applied and the cluster is equal to it. Gives the seconds; throws with what differs. */
  equals(commit: string, objects: readonly Manifest[], withinMs?: number, via?: CapstanProcess): Promise<number>
  /** DELETEs that Capstan sent for one of these objects. */
  deletesOf(objects: readonly Manifest[]): number
}

export type SourceRow = {
  namespace: string
  name: string
  ready: boolean
  attempted: string
  revision: string
  reason: string
  message: string
  objects: number
  failed: { id: string; file: string; line: number; reason: string; message: string }[]
}

export function createWorld(stack: Stack, scale: number): World {
  const directory = mkdtempSync(join(tmpdir(), 'capstan-chaos-'))
  const endings: (() => Promise<unknown>)[] = []
  return {
    stack,
    directory,
    outageMs: (full) => (scale >= 1 ? full : Math.min(30_000, Math.max(1000, full * scale))),
    atEnd: (end) => void endings.push(end),
    stage: (options = {}) => openStage(stack, directory, options, endings),
    async close({ keep }) {
      for (const end of endings.splice(0).toReversed()) await end().catch(() => undefined)
      if (!keep) removeFolder(directory)
    },
  }
}

async function openStage(
  stack: Stack,
  parent: string,
  options: StageOptions,
  endings: (() => Promise<unknown>)[],
): Promise<Stage> {
  const id = randomBytes(4).toString('hex')
  const directory = join(parent, id)
  mkdirSync(directory)
  const wires = await openWires(options.kubeconfig ?? stack.kubeconfig, directory, endings)
  const { cluster } = wires
  const namespace = `chaos-${id}`
  const spaces = Array.from({ length: options.spaces ?? 2 }, (_, n) => `chaos-${id}-${n}`)
  endings.push(async () => {
    for (const name of [...spaces, namespace]) await cluster.call('DELETE', `/api/v1/namespaces/${name}`)
  })
  const redisPrefix = `{chaos-${id}}`
  const flags = [
    `--namespace=${namespace}`,
    // others test in the same cluster
    `--source-namespaces=${namespace}`,
    `--kubeconfig=${wires.kubeconfig}`,
    `--redis-url=redis://127.0.0.1:${wires.redisCable.port}`,
    `--redis-prefix=${redisPrefix}`,
    `--git-url=http://127.0.0.1:${wires.git.cable.port}/repo.git`,
    '--git-branch=main',
    '--git-poll-interval=2s',
    '--sync-interval=5s',
    '--sync-garbage-collection',
    '--enable=sync',
    ...(options.flags ?? []),
  ]
  const env = { PATH: `${stack.binDir}:${process.env.PATH ?? ''}`, ...options.env }
  let made = 0
  async function another(more: readonly string[] = []): Promise<CapstanProcess> {
    const one = await capstanProcess({
      directory: join(directory, `capstan-${made++}`),
      flags: [...flags, ...more],
      env,
    })
    endings.push(() => one.kill())
    return one
  }
  async function ownGate(): Promise<{ gate: Gate; flag: string }> {
    const gate = await startGate(apiServerOf(options.kubeconfig ?? stack.kubeconfig))
    endings.push(() => gate.close())
    const file = join(directory, `kubeconfig-${gate.port}`)
    writeFileSync(file, JSON.stringify(plainKubeconfig(`http://127.0.0.1:${gate.port}`)))
    return { gate, flag: `--kubeconfig=${file}` }
  }
  const capstan = await another()
  const redisCommand = async (...command: string[]) =>
    (await run('redis-cli', ['-p', new URL(wires.redis.url).port, ...command])).stdout.trim()
  return {
    ...wires,
    id,
    spaces,
    namespace,
    redisPrefix,
    redisCommand,
    ownGate,
    capstan,
    another,
    ...checks({ ...wires, id, spaces, namespace, capstan }),
  }
}

async function openWires(kubeconfig: string, directory: string, endings: (() => Promise<unknown>)[]) {
  const ended = <T>(thing: T, end: (thing: T) => Promise<unknown>): T => {
    endings.push(() => end(thing))
    return thing
  }
  const close = (thing: { close(): Promise<unknown> }) => thing.close()
  const local = (port: number) => ({ host: '127.0.0.1', port })
  const repository = ended(await createRepository(), (one) => one.stop())
  const redis = ended(await startRedis(), (one) => one.stop())
  const gitGate = ended(await startGate({ url: new URL(`http://127.0.0.1:${repository.server.port}`) }), close)
  const gitCable = ended(await startCable(local(gitGate.port)), close)
  const redisCable = ended(await startCable(local(Number(new URL(redis.url).port))), close)
  const target = apiServerOf(kubeconfig)
  const apiGate = ended(await startGate(target), close)
  const apiCable = ended(await startCable(local(apiGate.port)), close)
  const direct = ended(await startGate(target), close)
  const file = join(directory, 'kubeconfig')
  writeFileSync(file, JSON.stringify(plainKubeconfig(`http://127.0.0.1:${apiCable.port}`)))
  return {
    repository,
    redis,
    redisCable,
    api: { gate: apiGate, cable: apiCable },
    git: { gate: gitGate, cable: gitCable },
    cluster: clusterClient(`http://127.0.0.1:${direct.port}`),
    kubeconfig: file,
  }
}

function plainKubeconfig(server: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'replaced-at-the-gate' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'x',
  }
}

type Made = Pick<Stage, 'id' | 'spaces' | 'namespace' | 'repository' | 'capstan' | 'cluster' | 'api'>

function checks({ id, spaces, namespace, repository, capstan, cluster, api }: Made) {
  async function source(via = capstan): Promise<SourceRow | undefined> {
    const { status, body } = await via.call('/api/v1/status')
    if (status !== 200) return undefined
    const { sources } = body as { sources: SourceRow[] }
    return sources.find((row) => row.namespace === namespace && row.name === 'default')
  }
  const differences = (objects: readonly Manifest[]) => cluster.differences(id, objects)

  return {
    source,
    differences,
    objects: (count: number, value: string) => makeObjects(id, spaces, count, value),
    push: (objects: readonly Manifest[], more: Record<string, string> = {}) =>
      repository.push({ ...filesOf(spaces, objects), ...more }),
    deletesOf(objects: readonly Manifest[]) {
      const paths = new Set([...objects.map(pathOf), ...spaces.map((name) => `/api/v1/namespaces/${name}`)])
      return api.gate.writes().filter(({ method, path }) => method === 'DELETE' && paths.has(path)).length
    },
    async equals(commit: string, objects: readonly Manifest[], withinMs = 240_000, via = capstan) {
      const begun = performance.now()
      let seen = 'no answer yet'
      const look = async () => {
        const now = await source(via)
        seen = now ? `${now.attempted} ready=${now.ready} ${now.reason} ${now.message}` : 'no status'
        if (!now?.ready || now.attempted !== `main@${commit}`) return false
        const { missing, different, orphans } = await differences(objects)
        const all = [...missing, ...different, ...orphans]
        seen = `${missing.length} missing, ${different.length} different, ${orphans.length} too many: ${all.slice(0, 5).join(', ')}`
        return all.length === 0
      }
      await until(`the cluster is equal to ${commit}`, look, {
        timeoutMs: withinMs,
        everyMs: 200,
      }).catch((error: unknown) => {
        throw new Error(`${(error as Error).message}\nlast seen: ${seen}\nlog: ${capstan.logFile}`)
      })
      return Math.round((performance.now() - begun) / 100) / 10
    },
  }
}

/** Keys that stand in both lists under another uid: deleted and made again. */
export function recreated(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  return [...before].flatMap(([key, uid]) => (after.has(key) && after.get(key) !== uid ? [key] : []))
}
