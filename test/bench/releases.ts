import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pLimit from 'p-limit'
import { startChartRepository } from '../../playground/stack/chart-repository.ts'
import { until } from '../../playground/stack/until.ts'
import type { Cluster, ListQuery } from '../../src/adapters/cluster/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { makeNamespace, realCluster } from '../cluster/world.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { isReleased, kind } from '../releases/world.ts'
import { stack } from '../stack/stack.ts'
import { readAccess } from './bare-client.ts'
import { type Cpu, cpuBetween, readCpu } from './cpu.ts'
import { emptyStack } from './empty-stack.ts'
import { requestsDuring } from './requests.ts'
import { residentMb } from './resident.ts'

/** Seconds, and processor time. */
export type HelmAlone = { bareInstall: number; bareUpgrade: number; bareCpu: { install: Cpu; upgrade: Cpu } }

/** Seconds; `idleHelms`: processes of helm that an idle resync started; requests of it as the API server counts them. */
export type OurReleases = {
  install: number
  upgrade: number
  idle: number
  idleHelms: number
  idleReads: number
  idleWrites: number
  /** The resync before, which looks at each release for the first time since its upgrade. */
  settling: number
  residentMb: number
  cpu: { install: Cpu; upgrade: Cpu }
}

const atOnce = 6
const limitMs = 600_000
/** So many of each namespace have a label, by which they are watched. */
const lastOfAll = 12
const lastLabel = 'capstan.test/last'
/** Every run of helm lists the Secrets of its namespace, so how many share one counts for both sides. */
const releasesOfEach = 100

/** What podinfo's chart makes, without its pods. */
const template = `apiVersion: v1
kind: ServiceAccount
metadata: {name: '{{ .Release.Name }}'}
---
apiVersion: v1
kind: Service
metadata: {name: '{{ .Release.Name }}'}
spec: {selector: {app: '{{ .Release.Name }}'}, ports: [{port: 9898, name: http}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: '{{ .Release.Name }}', annotations: {color: '{{ .Values.color }}'}}
spec:
  replicas: 0
  selector: {matchLabels: {app: '{{ .Release.Name }}'}}
  template:
    metadata: {labels: {app: '{{ .Release.Name }}'}}
    spec: {serviceAccountName: '{{ .Release.Name }}', containers: [{name: podinfo, image: none}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: '{{ .Release.Name }}'}
spec:
  rules: [{host: '{{ .Release.Name }}.example', http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: '{{ .Release.Name }}', port: {name: http}}}}]}}]
`

/** So many releases of one chart, installed and upgraded by a loop over the helm binary, six at a time and without its check against the OpenAPI schema. */
export async function measureHelmAlone(count: number): Promise<HelmAlone> {
  await emptyStack()
  const cluster = realCluster()
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-releases-'))
  const namespaces = await makeNamespaces(cluster, count)
  await cluster.close()
  const chart = writeChart(folder)
  try {
    const cpus: Cpu[] = [readCpu()]
    const bareInstall = await runBare('install', { count, chart, namespaces, color: 'red', folder })
    cpus.push(readCpu())
    const bareUpgrade = await runBare('upgrade', { count, chart, namespaces, color: 'blue', folder })
    cpus.push(readCpu())
    return { bareInstall, bareUpgrade, bareCpu: { install: between(cpus, 0), upgrade: between(cpus, 1) } }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The same by Capstan, from the moment that the last HelmRelease is written; then one idle resync of all. */
export async function measureReleases(count: number): Promise<OurReleases> {
  await emptyStack()
  const cluster = realCluster()
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-releases-'))
  const charts = await startChartRepository({ root: join(folder, 'served'), helm: stack().helm })
  const namespaces = await makeNamespaces(cluster, count)
  await charts.publish(writeChart(folder))
  try {
    const capstan = await startCapstan(['--enable=releases', '--charts-sync-interval=1h'])
    try {
      await until('HelmReleases are defined', async () => await cluster.resource(kind.apiVersion, kind.kind))
      const put = async (color: string) => {
        const limit = pLimit(32)
        await Promise.all(
          Array.from({ length: count }, (_, n) =>
            limit(async () => {
              const spec = {
                releaseName: `app-${n}`,
                chart: { repository: charts.url, name: 'demo', version: '1.0.0' },
                disableOpenAPIValidation: true,
                values: { color },
              }
              const metadata = { name: `app-${n}`, namespace: placeOf(n, namespaces), labels: labelsOf(n, count) }
              await cluster.apply({ ...kind, metadata, spec }, { force: true })
            }),
          ),
        )
        const begun = performance.now()
        const cpu = readCpu(capstan.pid())
        await allReleased(cluster, capstan.logFile)
        return { seconds: (performance.now() - begun) / 1000, cpu: cpuBetween(cpu, readCpu(capstan.pid())) }
      }
      const install = await put('red')
      const upgrade = await put('blue')
      const helms = await countHelms(capstan)
      const settling = await resyncAll(capstan)
      const idle = await requestsDuring(readAccess(stack().kubeconfig), async () => await resyncAll(capstan))
      const resident = residentMb(capstan.pid())
      const idleHelms = (await countHelms(capstan)) - helms
      return {
        install: install.seconds,
        upgrade: upgrade.seconds,
        settling,
        idleHelms,
        residentMb: resident,
        idle: idle.result,
        idleReads: idle.reads,
        idleWrites: idle.writes,
        cpu: { install: install.cpu, upgrade: upgrade.cpu },
      }
    } finally {
      await capstan.stop()
    }
  } finally {
    await charts.stop()
    await cluster.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function makeNamespaces(cluster: Cluster, releases: number): Promise<string[]> {
  const names: string[] = []
  while (names.length * releasesOfEach < releases) names.push(await makeNamespace(cluster))
  return names
}

function placeOf(release: number, namespaces: readonly string[]): string {
  return namespaces[Math.floor(release / releasesOfEach)] ?? ''
}

function labelsOf(release: number, count: number): Record<string, string> {
  return (release % releasesOfEach) + lastOfAll >= Math.min(count, releasesOfEach) ? { [lastLabel]: 'true' } : {}
}

/**
 * Who looks is work for the API server that is nobody's: the loop over helm has nobody. So the last of each namespace are watched first,
 * which come last where work is done in its order, and then all.
 */
async function allReleased(cluster: Cluster, logFile: string): Promise<void> {
  for (const labelSelector of [`${lastLabel}=true`, ''])
    await untilReleased(cluster, { ...kind, labelSelector }, logFile)
}

async function untilReleased(cluster: Cluster, query: ListQuery, logFile: string): Promise<void> {
  const waiting = new Set<string>()
  const see = (object: KubeObject): void => {
    if (isReleased(object)) waiting.delete(object.metadata.name)
    else waiting.add(object.metadata.name)
  }
  const watch = cluster.watch(query, (event) => {
    for (const object of event.type === 'replaced' ? event.items : [event.object]) see(object)
  })
  try {
    await watch.synced
    await until('all are released', async () => waiting.size === 0, { everyMs: 50, timeoutMs: limitMs, logFile })
  } finally {
    watch.stop()
  }
}

function between(cpus: readonly Cpu[], n: number): Cpu {
  const none = { server: 0, client: 0, programs: 0 }
  return cpuBetween(cpus[n] ?? none, cpus[n + 1] ?? none)
}

function writeChart(folder: string): string {
  const chart = join(folder, 'demo')
  mkdirSync(join(chart, 'templates'), { recursive: true })
  writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: demo\nversion: 1.0.0\n')
  writeFileSync(join(chart, 'values.yaml'), 'color: red\n')
  writeFileSync(join(chart, 'templates', 'all.yaml'), template)
  return chart
}

async function runBare(
  verb: 'install' | 'upgrade',
  given: { count: number; chart: string; namespaces: readonly string[]; color: string; folder: string },
): Promise<number> {
  const { count, chart, namespaces, color, folder } = given
  const limit = pLimit(atOnce)
  const env = { PATH: process.env.PATH ?? '', HOME: folder, KUBECONFIG: stack().kubeconfig }
  const begun = performance.now()
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      limit(async () => {
        const args = [verb, `app-${n}`, chart, '--namespace', placeOf(n, namespaces), '--set', `color=${color}`]
        await promisify(execFile)(stack().helm, [...args, '--disable-openapi-validation'], { env })
      }),
    ),
  )
  return (performance.now() - begun) / 1000
}

/** From what Capstan says of its own work: installs, upgrades and other verbs that it ended; whole runs (`sync`) are none. */
async function countHelms(capstan: Capstan): Promise<number> {
  const text = await (
    await fetch(`${capstan.url}/metrics`, { headers: { authorization: `Bearer ${capstan.token}` } })
  ).text()
  return [...text.matchAll(/^flux_helm_operator_release_action_duration_seconds_count\{([^}]*)\} (\d+)/gm)]
    .filter(([, labels = '']) => !labels.includes('action="sync"'))
    .reduce((sum, [, , value]) => sum + Number(value), 0)
}

type Jobs = { jobs: { state: string; finishedAt?: string; startedAt?: string }[]; next: string }

/** From the start of the job that looks for what is to be done to the end of the last that it asked for, by the queue's own record. */
async function resyncAll(capstan: Capstan): Promise<number> {
  const begun = new Date().toISOString()
  const headers = { authorization: `Bearer ${capstan.token}` }
  const { ok } = await fetch(`${capstan.url}/api/v1/sync-git`, { method: 'POST', headers })
  if (!ok) throw new Error('sync-git was refused')
  const doneSince = async (kind: string) => {
    const jobs: Jobs['jobs'] = []
    for (let cursor: string | undefined = ''; cursor !== undefined; ) {
      const at = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const page: Jobs = await capstan.api<Jobs>(`/api/v1/jobs?kind=${kind}&limit=500${at}`)
      jobs.push(...page.jobs)
      cursor = page.next === '' ? undefined : page.next
    }
    // the next periodic one is delayed all the time
    return jobs.filter(
      ({ state, startedAt = '' }) => state !== 'delayed' && (state !== 'completed' || startedAt >= begun),
    )
  }
  return await until(
    'all was looked at',
    async () => {
      const [resyncs, syncs] = [await doneSince('resync'), await doneSince('sync-release')]
      const isOver = resyncs.length > 0 && [...resyncs, ...syncs].every(({ state }) => state === 'completed')
      if (!isOver) return undefined
      const start = Math.min(...resyncs.map(({ startedAt = '' }) => Date.parse(startedAt)))
      return (Math.max(...[...resyncs, ...syncs].map(({ finishedAt = '' }) => Date.parse(finishedAt))) - start) / 1000
    },
    { everyMs: 100, timeoutMs: 120_000, logFile: capstan.logFile },
  )
}
