import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createHmac } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import pLimit from 'p-limit'
import { parseAllDocuments } from 'yaml'
import { until } from '../../playground/stack/until.ts'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import type { MirroredStatus } from '../../src/domain/source/condition.ts'
import { sourceKind } from '../../src/domain/source/resource.ts'
import { makeNamespace, realCluster } from '../cluster/world.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { installSources, sourceObject } from '../sources/definition.ts'
import { stack } from '../stack/stack.ts'
import { applyBare, readAccess } from './bare-client.ts'
import { type Cpu, cpuBetween, readCpu } from './cpu.ts'
import { emptyStack } from './empty-stack.ts'
import { countRequests, untilAtRest } from './requests.ts'
import { residentMb } from './resident.ts'

/** What a stretch of time cost: requests that the API server answered, git processes, jobs by kind, processor time. */
export type Stretch = { reads: number; writes: number; gits: number; jobs: Record<string, number>; cpu: Cpu }

/** Times in seconds. `bare`: the same objects by a bare client that knows no Sources. */
export type SourcesRound = {
  bare: number
  bareCpu: Cpu
  first: number
  firstCost: Stretch
  idleSeconds: number
  idle: Stretch
  /** From the end of the push to the one object that it changes, and until every Source names the new commit. */
  onCluster: number
  told: number
  pushCost: Stretch
  residentMb: number
}

const secret = 'bench'.repeat(8)
/** Sources with a repository of their own; all others share one. */
const ownRepositories = 5
const namespaces = 20
const atOnce = 16
const limitMs = 1_800_000

/**
 * So many Sources, each with a folder of two objects: nearly all in one repository and so with one mirror, a handful with a repository of
 * their own. With a Source's own defaults: looked for commits every minute, synced every five.
 */
export async function measureSources(count: number, idleSeconds: number): Promise<SourcesRound> {
  const bare = await measureBare(count)
  await emptyStack()
  const cluster = realCluster()
  const tally = createTally()
  const secretFile = join(tally.directory, 'secret')
  writeFileSync(secretFile, secret, { mode: 0o600 })
  const repositories = await fillRepositories(count)
  const [shared] = repositories as [Repository]
  let capstan: Capstan | undefined
  try {
    await installSources(cluster)
    const home = await makeNamespace(cluster)
    await Promise.all(spaces('ours').map(async (object) => await cluster.create(object)))
    const flags = ['--enable=sync', `--source-namespaces=${home}`, `--webhook-secret-file=${secretFile}`]
    capstan = await startCapstan(flags, { env: { PATH: tally.path } })
    const running = capstan
    const costOf = async <T>(work: () => Promise<T>) => await tally.during(running, work)
    const watched = watchSources(cluster, home)
    const commits = new Map<string, string>()
    for (const one of repositories) commits.set(one.url, await one.git('rev-parse', 'HEAD'))

    const first = await costOf(async () => {
      const from = performance.now()
      await createSources(cluster, home, { count, repositories })
      await watched.untilAt(count, commits, running.logFile)
      return (performance.now() - from) / 1000
    })
    await untilAtRest(readAccess(stack().kubeconfig))
    const idle = await costOf(async () => await sleep(idleSeconds * 1000))
    const push = await costOf(
      async () => await measurePush({ count, cluster, capstan: running, shared, commits, watched }),
    )
    watched.stop()
    return {
      ...bare,
      first: first.result,
      firstCost: first.cost,
      idleSeconds,
      idle: idle.cost,
      ...push.result,
      pushCost: push.cost,
      residentMb: residentMb(capstan.pid()),
    }
  } finally {
    await capstan?.stop()
    for (const repository of repositories) await repository.stop()
    await cluster.close()
    tally.stop()
  }
}

async function measureBare(count: number): Promise<Pick<SourcesRound, 'bare' | 'bareCpu'>> {
  await emptyStack()
  const objects = Array.from({ length: count }, (_, n) => parse(folder(n, 'bare', 'one'))).flat()
  const before = readCpu()
  const ms = await applyBare(readAccess(stack().kubeconfig), [...spaces('bare'), ...objects])
  return { bare: ms / 1000, bareCpu: cpuBetween(before, readCpu()) }
}

type Push = {
  count: number
  cluster: Cluster
  capstan: Capstan
  shared: Repository
  commits: Map<string, string>
  watched: ReturnType<typeof watchSources>
}

/** One file of one Source changes; the webhook names the repository, as a forge's does. */
async function measurePush(parts: Push): Promise<Pick<SourcesRound, 'onCluster' | 'told'>> {
  const { count, cluster, capstan, shared, commits, watched } = parts
  const touched = Math.floor(sharing(count) / 2)
  const changed = watchConfigMap(cluster, `ours-${touched % namespaces}`, `app-${touched}`, 'two')
  const commit = await shared.change({ [pathOf(touched)]: folder(touched, 'ours', 'two') })
  const from = performance.now()
  const seconds = () => (performance.now() - from) / 1000
  const body = JSON.stringify({ repository: { clone_url: shared.url } })
  const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
  const headers = { 'content-type': 'application/json', 'X-Capstan-Signature-256': signature }
  const answer = await fetch(`${capstan.url}/hooks/v1`, { method: 'POST', body, headers })
  if (answer.status !== 202) throw new Error(`the webhook was answered by ${answer.status}`)
  await changed.seen
  const onCluster = seconds()
  changed.stop()
  commits.set(shared.url, commit)
  await watched.untilAt(count, commits, capstan.logFile)
  return { onCluster, told: seconds() }
}

/** How many of so many Sources are in the one repository; the first ones. */
function sharing(count: number): number {
  return Math.max(1, count - ownRepositories)
}

async function fillRepositories(count: number): Promise<Repository[]> {
  const shared = await createRepository()
  const files = Array.from({ length: sharing(count) }, (_, n) => [pathOf(n), folder(n, 'ours', 'one')])
  await shared.push(Object.fromEntries(files) as Record<string, string>)
  const own: Repository[] = []
  for (let n = sharing(count); n < count; n++) {
    const repository = await createRepository()
    await repository.push({ [pathOf(n)]: folder(n, 'ours', 'one') })
    own.push(repository)
  }
  return [shared, ...own]
}

async function createSources(
  cluster: Cluster,
  home: string,
  { count, repositories }: { count: number; repositories: readonly Repository[] },
): Promise<void> {
  const limit = pLimit(atOnce)
  const urlOf = (n: number) => repositories[Math.max(0, n - sharing(count) + 1)]?.url ?? ''
  const object = (n: number) => sourceObject(home, `app-${n}`, { url: urlOf(n), paths: [`apps/app-${n}`] })
  await Promise.all(Array.from({ length: count }, (_, n) => limit(async () => await cluster.create(object(n)))))
}

function spaces(prefix: string): KubeObject[] {
  const names = Array.from({ length: namespaces }, (_, n) => `${prefix}-${n}`)
  return names.map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }))
}

function pathOf(n: number): string {
  return `apps/app-${n}/app.yaml`
}

/** What a Source applies: a Deployment without pods and its settings. */
function folder(n: number, prefix: string, value: string): string {
  const metadata = `metadata:\n  name: app-${n}\n  namespace: ${prefix}-${n % namespaces}\n`
  return `apiVersion: apps/v1
kind: Deployment
${metadata}spec:
  replicas: 0
  selector:
    matchLabels:
      app: app-${n}
  template:
    metadata:
      labels:
        app: app-${n}
    spec:
      containers:
        - name: web
          image: registry.example/app-${n}:1.0.0
---
apiVersion: v1
kind: ConfigMap
${metadata}data:
  value: ${value}
`
}

function parse(text: string): KubeObject[] {
  return parseAllDocuments(text).map((document) => document.toJS() as KubeObject)
}

function watchConfigMap(cluster: Cluster, namespace: string, name: string, value: string) {
  const { promise: seen, resolve } = Promise.withResolvers<void>()
  const query = { apiVersion: 'v1', kind: 'ConfigMap', namespace, fieldSelector: `metadata.name=${name}` }
  const watch = cluster.watch(query, (event) => {
    if (event.type === 'changed' && (event.object.data as { value?: string }).value === value) resolve()
  })
  return { seen, stop: () => watch.stop() }
}

/** Which commit each Source says that it applied, told by one watch. */
function watchSources(cluster: Cluster, namespace: string) {
  const applied = new Map<string, { url: string; commit: string }>()
  const see = ({ metadata, spec, status }: KubeObject): void => {
    const { conditions = [], revision = '' } = (status ?? {}) as Partial<MirroredStatus>
    const isReady = conditions.some((one) => one.type === 'Ready' && one.status === 'True')
    const { url } = spec as { url: string }
    applied.set(metadata.name, { url, commit: isReady ? (revision.split('@').at(-1) ?? '') : '' })
  }
  const watch = cluster.watch({ ...sourceKind, namespace }, (event) => {
    if (event.type === 'replaced') for (const item of event.items) see(item)
    else if (event.type === 'changed') see(event.object)
  })
  return {
    stop: () => watch.stop(),
    async untilAt(count: number, commits: ReadonlyMap<string, string>, logFile: string): Promise<void> {
      const isDone = () =>
        applied.size === count && [...applied.values()].every(({ url, commit }) => commits.get(url) === commit)
      await until('all Sources are applied', async () => isDone(), { everyMs: 20, timeoutMs: limitMs, logFile })
    },
  }
}

/** Counts the git processes that a Capstan starts, by a git before the real one on its PATH, and everything else that costs. */
function createTally() {
  const directory = mkdtempSync(join(tmpdir(), 'capstan-bench-sources-'))
  const log = join(directory, 'gits')
  writeFileSync(log, '')
  const real = execFileSync('sh', ['-c', 'command -v git']).toString().trim()
  writeFileSync(join(directory, 'git'), `#!/bin/sh\necho "$1" >> '${log}'\nexec '${real}' "$@"\n`)
  chmodSync(join(directory, 'git'), 0o755)
  const access = () => readAccess(stack().kubeconfig)

  async function readAll(capstan: Capstan) {
    const gits = readFileSync(log, 'utf8').length === 0 ? [] : readFileSync(log, 'utf8').trim().split('\n')
    return {
      requests: await countRequests(access()),
      gits: gits.length,
      jobs: await countJobs(capstan),
      cpu: readCpu(capstan.pid()),
    }
  }

  return {
    directory,
    path: `${directory}:${stack().binDir}:${process.env.PATH ?? ''}`,
    async during<T>(capstan: Capstan, work: () => Promise<T>): Promise<{ result: T; cost: Stretch }> {
      const before = await readAll(capstan)
      const result = await work()
      const after = await readAll(capstan)
      const jobs = Object.entries(after.jobs).map(([kind, many]) => [kind, many - (before.jobs[kind] ?? 0)] as const)
      const cost = {
        reads: after.requests.reads - before.requests.reads,
        writes: after.requests.writes - before.requests.writes,
        gits: after.gits - before.gits,
        jobs: Object.fromEntries(jobs.filter(([, many]) => many > 0)),
        cpu: cpuBetween(before.cpu, after.cpu),
      }
      return { result, cost }
    },
    stop: () => rmSync(directory, { recursive: true, force: true }),
  }
}

/** Jobs that ended so far, by kind, as its metrics say. */
async function countJobs({ url, token }: Capstan): Promise<Record<string, number>> {
  const text = await (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text()
  const jobs: Record<string, number> = {}
  for (const [, kind = '', many] of text.matchAll(
    /^capstan_job_duration_seconds_count\{[^}]*kind="([^"]+)"[^}]*\} (\d+)/gm,
  ))
    jobs[kind] = (jobs[kind] ?? 0) + Number(many)
  return jobs
}
