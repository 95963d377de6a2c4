import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChartRepository, startChartRepository } from '../../playground/stack/chart-repository.ts'
import { until } from '../../playground/stack/until.ts'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
import { makeNamespace, realCluster, removeNamespace } from '../cluster/world.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { stack } from '../stack/stack.ts'
import { template } from './workbench.ts'

/** A real Capstan that works on the releases of one namespace, and a chart repository. */
export type ReleaseWorld = {
  cluster: Cluster
  namespace: string
  capstan: Capstan
  /** Puts the chart `demo` into the repository, with one ConfigMap and what is given besides. */
  publish(version: string, templates?: Record<string, string>): Promise<void>
  chart(version: string): { repository: string; name: string; version: string }
  put(name: string, spec: Record<string, unknown>): Promise<void>
  /** Resolves when the latest generation is released. */
  released(name: string): Promise<void>
  stop(): Promise<void>
}

export const kind = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease' }

export function isReleased({ metadata, status }: KubeObject): boolean {
  const { conditions = [], observedGeneration } = (status ?? {}) as ReleaseStatus
  const is = conditions.some((one) => one.type === 'Released' && one.status === 'True')
  return is && observedGeneration === metadata.generation
}

/** Resolves when the latest generation is released. */
export async function untilReleased(cluster: Cluster, namespace: string, name: string): Promise<void> {
  await until(`${name} is released`, async () => {
    const found = await cluster.get({ ...kind, namespace, name })
    return found !== undefined && isReleased(found)
  })
}

/** Takes the finalizers off the HelmReleases of a namespace, which no Capstan is there to do any more. */
export async function freeReleases(cluster: Cluster, namespace: string): Promise<void> {
  for (const { metadata } of await cluster.list({ ...kind, namespace }))
    await cluster.patch({ ...kind, namespace, name: metadata.name }, { metadata: { finalizers: null } })
}

export async function startReleaseWorld(flags: readonly string[]): Promise<ReleaseWorld> {
  const cluster = realCluster()
  const namespace = await makeNamespace(cluster)
  const folder = mkdtempSync(join(tmpdir(), 'capstan-releases-'))
  const charts: ChartRepository = await startChartRepository({ root: join(folder, 'served'), helm: stack().helm })
  const capstan = await startCapstan(['--enable=releases', `--allow-namespace=${namespace}`, ...flags])
  return {
    cluster,
    namespace,
    capstan,
    async publish(version, templates = {}) {
      const chart = join(folder, version, 'demo')
      mkdirSync(join(chart, 'templates'), { recursive: true })
      writeFileSync(join(chart, 'Chart.yaml'), `apiVersion: v2\nname: demo\nversion: ${version}\nappVersion: "9"\n`)
      writeFileSync(join(chart, 'values.yaml'), 'color: red\n')
      const all = { 'config.yaml': template, ...templates }
      for (const [name, text] of Object.entries(all)) writeFileSync(join(chart, 'templates', name), text)
      await charts.publish(chart)
    },
    chart: (version) => ({ repository: charts.url, name: 'demo', version }),
    async put(name, spec) {
      await cluster.apply({ ...kind, metadata: { name, namespace }, spec }, { force: true })
    },
    released: async (name) => await untilReleased(cluster, namespace, name),
    async stop() {
      await capstan.stop()
      await freeReleases(cluster, namespace)
      await removeNamespace(cluster, namespace)
      await cluster.close()
      await charts.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
