import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pLimit from 'p-limit'
import { startChartRepository } from '../../playground/stack/chart-repository.ts'
import { until } from '../../playground/stack/until.ts'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
import { makeNamespace, realCluster, removeNamespace } from '../cluster/world.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { stack } from '../stack/stack.ts'

/** Seconds; `idleHelms`: processes of helm that an idle resync started. */
export type ReleasesRound = {
  bareInstall: number
  bareUpgrade: number
  install: number
  upgrade: number
  idle: number
  idleHelms: number
  residentMb: number
}

const kind = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease' }
const atOnce = 6
const limitMs = 600_000

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

/**
 * So many releases of one chart, installed and upgraded: by a loop over the helm binary, six at a time and without its check against the
 * OpenAPI schema, and by Capstan from the moment that the last HelmRelease is written. Then one idle resync of all.
 */
export async function measureReleases(count: number): Promise<ReleasesRound> {
  const cluster = realCluster()
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-releases-'))
  const charts = await startChartRepository({ root: join(folder, 'served'), helm: stack().helm })
  const [bare, ours] = [await makeNamespace(cluster), await makeNamespace(cluster)]
  const chart = writeChart(folder)
  await charts.publish(chart)
  try {
    const bareInstall = await runBare('install', { count, chart, namespace: bare, color: 'red', folder })
    const bareUpgrade = await runBare('upgrade', { count, chart, namespace: bare, color: 'blue', folder })
    const flags = ['--enable=releases', `--allow-namespace=${ours}`, '--charts-sync-interval=1h']
    const capstan = await startCapstan(flags)
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
              await cluster.apply({ ...kind, metadata: { name: `app-${n}`, namespace: ours }, spec }, { force: true })
            }),
          ),
        )
        const begun = performance.now()
        await until(
          'all are released',
          async () => {
            const all = await cluster.list({ ...kind, namespace: ours })
            return all.every(({ metadata, status }) => {
              const { observedGeneration, conditions = [] } = (status ?? {}) as ReleaseStatus
              const isReleased = conditions.some(({ type, status: is }) => type === 'Released' && is === 'True')
              return isReleased && observedGeneration === metadata.generation
            })
          },
          { everyMs: 250, timeoutMs: limitMs, logFile: capstan.logFile },
        )
        return (performance.now() - begun) / 1000
      }
      const install = await put('red')
      const upgrade = await put('blue')
      const helms = await countHelms(capstan)
      const idle = await idleResync(capstan, count)
      const status = readFileSync(`/proc/${capstan.pid()}/status`, 'utf8')
      const residentMb = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
      const idleHelms = (await countHelms(capstan)) - helms
      return { bareInstall, bareUpgrade, install, upgrade, idle, idleHelms, residentMb }
    } finally {
      await capstan.stop()
    }
  } finally {
    const isDefined = await cluster.resource(kind.apiVersion, kind.kind)
    for (const { metadata } of isDefined ? await cluster.list({ ...kind, namespace: ours }) : [])
      await cluster.patch({ ...kind, namespace: ours, name: metadata.name }, { metadata: { finalizers: null } })
    for (const namespace of [bare, ours]) await removeNamespace(cluster, namespace)
    await charts.stop()
    await cluster.close()
    rmSync(folder, { recursive: true, force: true })
  }
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
  given: { count: number; chart: string; namespace: string; color: string; folder: string },
): Promise<number> {
  const { count, chart, namespace, color, folder } = given
  const limit = pLimit(atOnce)
  const env = { PATH: process.env.PATH ?? '', HOME: folder, KUBECONFIG: stack().kubeconfig }
  const begun = performance.now()
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      limit(async () => {
        const args = [verb, `app-${n}`, chart, '--namespace', namespace, '--set', `color=${color}`]
        await promisify(execFile)(stack().helm, [...args, '--disable-openapi-validation'], { env })
      }),
    ),
  )
  return (performance.now() - begun) / 1000
}

/** From what Capstan says of its own work: installs, upgrades and other verbs that it ended. */
async function countHelms(capstan: Capstan): Promise<number> {
  const text = await (
    await fetch(`${capstan.url}/metrics`, { headers: { authorization: `Bearer ${capstan.token}` } })
  ).text()
  return [...text.matchAll(/^flux_helm_operator_release_action_duration_seconds_count\{[^}]*\} (\d+)/gm)].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  )
}

type Jobs = { jobs: { state: string; finishedAt?: string; startedAt?: string; kind: string }[] }

/** Asks for all of them at once; from the first that starts to the last that ends, by the queue's own record. */
async function idleResync(capstan: Capstan, count: number): Promise<number> {
  const begun = new Date().toISOString()
  const limit = pLimit(32)
  const { releases } = await capstan.api<{ releases: { namespace: string; name: string }[] }>('/api/v1/releases')
  await Promise.all(
    releases.map((one) =>
      limit(async () => await capstan.api(`/api/v1/releases/${one.namespace}/${one.name}/sync`, 'POST')),
    ),
  )
  return await until(
    'all were looked at',
    async () => {
      const { jobs } = await capstan.api<Jobs>(`/api/v1/jobs?kind=sync-release&state=completed&limit=1000`)
      const done = jobs.filter(({ startedAt = '' }) => startedAt >= begun)
      if (done.length < Math.min(count, releases.length)) return undefined
      const start = Math.min(...done.map(({ startedAt = '' }) => Date.parse(startedAt)))
      return (Math.max(...done.map(({ finishedAt = '' }) => Date.parse(finishedAt))) - start) / 1000
    },
    { timeoutMs: 60_000 },
  )
}
