import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChartRepository } from '../../playground/stack/chart-repository.ts'
import { until } from '../../playground/stack/until.ts'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import { apiServerOf, type Gate, startGate } from '../chaos/gate.ts'
import { makeNamespace, realCluster, removeNamespace } from '../cluster/world.ts'
import { chart as ownChart, helm as runHelm, kubectl } from '../packaging/chart.ts'
import { stack } from '../stack/stack.ts'
import { type OwnPods, type Played, playOwnPods } from './own-pods.ts'
import { freeReleases, kind, untilReleased } from './world.ts'

/** Capstan as its chart installs it, in a namespace of its own, and a repository with that chart. */
export type OwnChartWorld = {
  cluster: Cluster
  /** Of Capstan itself. */
  namespace: string
  /** All requests of its processes go through this. */
  gate: Gate
  pods: OwnPods
  /** `--shutdown-grace` of the processes that are started from now on. */
  setGrace(grace: string): void
  /** Puts Capstan's own chart into the repository, as this version of both. */
  publish(version: string): Promise<void>
  chart(version: string): { repository: string; name: string; version: string }
  /** Of the chart, without which kwok would say of its pods that they are ready. */
  values: Record<string, unknown>
  /** `helm install capstan` by a person, with these values; resolves when Capstan is ready. */
  install(version: string, values: Record<string, unknown>): Promise<void>
  put(name: string, spec: Record<string, unknown>, namespace?: string): Promise<void>
  /** Resolves when the latest generation is released. */
  released(name: string, namespace?: string): Promise<void>
  /** The process that is left when a rollout is over: the only one, ready, of this version. */
  runs(version: string): Promise<Played>
  /** State of each revision of a release, the oldest first. */
  revisions(release: string, namespace?: string): Promise<string[]>
  helm(...args: string[]): Promise<string>
  /** `spaces`: namespaces with HelmReleases besides its own. */
  stop(...spaces: string[]): Promise<void>
}

export async function startOwnChartWorld(): Promise<OwnChartWorld> {
  const cluster = realCluster()
  const namespace = await makeNamespace(cluster)
  const folder = mkdtempSync(join(tmpdir(), 'capstan-own-chart-'))
  const charts = await startChartRepository({ root: join(folder, 'served'), helm: stack().helm })
  // helm sends no token where there is no TLS; the account of the chart has all rights, too
  const gate = await startGate(apiServerOf(stack().kubeconfig))
  let grace = '60s'
  const server = `http://127.0.0.1:${gate.port}`
  const pods = await playOwnPods(cluster, { namespace, folder, server, grace: () => grace })
  const helm = async (...args: string[]) => await runHelm(...args, '--namespace', namespace)
  const alive = () => pods.processes().filter(({ child }) => child.exitCode === null && child.signalCode === null)
  const logs = () =>
    alive()
      .map((one) => `${one.pod}:\n${one.log().slice(-3_000)}`)
      .join('\n')

  return {
    cluster,
    namespace,
    gate,
    pods,
    values: { nodeSelector: { 'test.capstan.dev/node': 'none' } },
    setGrace(wanted) {
      grace = wanted
    },
    async publish(version) {
      const copy = join(folder, version, 'capstan')
      cpSync(ownChart, copy, { recursive: true })
      const file = join(copy, 'Chart.yaml')
      const text = readFileSync(file, 'utf8').replace(/^(version|appVersion): .*$/gm, `$1: ${version}`)
      writeFileSync(file, text)
      await charts.publish(copy)
    },
    chart: (version) => ({ repository: charts.url, name: 'capstan', version }),
    async install(version, values) {
      const file = join(folder, 'values.json')
      writeFileSync(file, JSON.stringify(values))
      const what = ['capstan', '--repo', charts.url, '--version', version]
      await helm('install', 'capstan', ...what, '--values', file, '--skip-crds', '--wait', '--timeout=600s')
    },
    async put(name, spec, where = namespace) {
      await cluster.apply({ ...kind, metadata: { name, namespace: where }, spec }, { force: true })
    },
    async released(name, where = namespace) {
      await untilReleased(cluster, where, name).catch((error: unknown) => {
        throw new Error(`${String(error)}\n${logs()}`)
      })
    },
    async runs(version) {
      return await until(`one process of ${version} runs`, async () => {
        const [only, ...others] = alive()
        if (!only?.image.endsWith(`:${version}`) || others.length > 0) return undefined
        return (await fetch(`http://127.0.0.1:${only.port}/readyz`)).ok ? only : undefined
      })
    },
    async revisions(release, where = namespace) {
      const about = ['get', 'secrets', '--namespace', where, '--selector', `owner=helm,name=${release}`]
      const { stdout } = await kubectl([...about, '--sort-by=.metadata.labels.version', '-o', 'json'])
      const { items } = JSON.parse(stdout) as { items: { metadata: { labels: { status: string } } }[] }
      return items.map(({ metadata }) => metadata.labels.status)
    },
    helm,
    async stop(...spaces) {
      await helm('uninstall', 'capstan', '--no-hooks', '--ignore-not-found')
      try {
        await pods.stop()
      } finally {
        await tidy([namespace, ...spaces])
      }
    },
  }

  async function tidy(spaces: readonly string[]): Promise<void> {
    for (const space of spaces) await freeReleases(cluster, space)
    await Promise.all(spaces.map((space) => removeNamespace(cluster, space)))
    await Promise.all([gate.close(), charts.stop(), cluster.close()])
    rmSync(folder, { recursive: true, force: true })
  }
}
