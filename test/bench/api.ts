import { readFileSync } from 'node:fs'
import pLimit from 'p-limit'
import { parse } from 'yaml'
import { until } from '../../playground/stack/until.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { makeNamespace, realCluster, removeNamespace } from '../cluster/world.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { residentMb } from './resident.ts'

/** Milliseconds that answers took, and the first one after the start in seconds. */
export type ApiRound = {
  first: number
  pages: Record<string, { median: number; p99: number; worst: number }>
  residentMb: number
}

const atOnce = 24
const rounds = 60

/**
 * Pages of a list of so many releases: HelmReleases with a status and helm's Secrets on the real API server, and a Capstan that serves the
 * API alone, while everything is read again behind the pages.
 */
export async function measureApi(count: number): Promise<ApiRound> {
  const cluster = realCluster()
  const namespace = await makeNamespace(cluster)
  let capstan: Capstan | undefined
  try {
    await define(cluster)
    await fill(cluster, namespace, count)
    capstan = await startCapstan([
      '--roles=api',
      '--enable=releases',
      `--allow-namespace=${namespace}`,
      '--api-rate=100000',
    ])
    const served = capstan
    const get = async (query: string): Promise<{ ms: number; next: string; length: number }> => {
      const before = performance.now()
      const { releases, next } = await served.api<{ releases: unknown[]; next: string }>(`/api/v1/releases?${query}`)
      return { ms: performance.now() - before, next, length: releases.length }
    }
    const before = performance.now()
    for (let length = 0; length === 0; ) length = (await get('limit=1').catch(() => ({ length: 0 }))).length
    const first = (performance.now() - before) / 1000
    const { next: deep } = await get('limit=500&sort=-chart')
    const queries: Record<string, string> = {
      'first page of 100': 'limit=100',
      'first page of 500': 'limit=500',
      'by state, downwards': 'limit=100&sort=-state',
      'a page further on': `limit=100&sort=-chart&cursor=${deep}`,
      'by name, not ready': 'limit=100&name=99&ready=false',
    }
    const times = Object.fromEntries(Object.keys(queries).map((name) => [name, [] as number[]]))
    for (let round = 0; round < rounds; round++)
      for (const [name, query] of Object.entries(queries)) times[name]?.push((await get(query)).ms)
    const pages = Object.fromEntries(Object.entries(times).map(([name, all]) => [name, summary(all)]))
    return { first, pages, residentMb: residentMb(capstan.pid()) }
  } finally {
    await capstan?.stop()
    await removeNamespace(cluster, namespace)
    await cluster.close()
  }
}

/** HelmReleases, as a Capstan that has been here before leaves them. */
async function define(cluster: RealCluster): Promise<void> {
  const file = new URL('../../charts/capstan/crds/helmrelease.yaml', import.meta.url)
  await cluster.apply(parse(readFileSync(file, 'utf8')) as KubeObject, { force: true })
  const isServed = async () => await cluster.resource('helm.fluxcd.io/v1', 'HelmRelease')
  await until('HelmReleases are defined', isServed)
}

type RealCluster = ReturnType<typeof realCluster>

async function fill(cluster: RealCluster, namespace: string, count: number): Promise<void> {
  const limit = pLimit(atOnce)
  const names = Array.from({ length: count }, (_, index) => `release-${String(index).padStart(5, '0')}`)
  await Promise.all(
    names.map((name) =>
      limit(async () => {
        const { metadata } = await cluster.create(helmRelease(name, namespace))
        const ref = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', namespace, name }
        await cluster.patch(ref, { status: statusOf(metadata.generation ?? 1) }, { subresource: 'status' })
        await cluster.create(stored(name, namespace))
      }),
    ),
  )
}

function helmRelease(name: string, namespace: string) {
  return {
    apiVersion: 'helm.fluxcd.io/v1',
    kind: 'HelmRelease',
    metadata: { name, namespace },
    spec: {
      releaseName: name,
      chart: { repository: 'https://charts.example', name: `chart-${name.slice(-2)}`, version: '1.0.0' },
      values: {
        image: { repository: 'podinfo', tag: '6.0.0' },
        resources: { requests: { cpu: '10m', memory: '32Mi' } },
      },
    },
  }
}

function statusOf(generation: number) {
  const at = '2026-11-21T10:00:00Z'
  const condition = (type: string) => ({
    type,
    status: 'True',
    lastTransitionTime: at,
    lastUpdateTime: at,
    reason: 'Succeeded',
  })
  return {
    observedGeneration: generation,
    phase: 'Succeeded',
    releaseStatus: 'deployed',
    revision: '1.0.0',
    lastAttemptedRevision: '1.0.0',
    conditions: [condition('ChartFetched'), condition('Deployed'), condition('Released')],
  }
}

/** Of helm's Secret the labels alone are looked at. */
function stored(name: string, namespace: string) {
  const labels = { owner: 'helm', name, status: 'deployed', version: '1' }
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `sh.helm.release.v1.${name}.v1`, namespace, labels },
    type: 'helm.sh/release.v1',
    data: { release: 'AAAA' },
  }
}

function summary(times: readonly number[]): { median: number; p99: number; worst: number } {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  return { median: at(0.5), p99: at(0.99), worst: at(1) }
}
