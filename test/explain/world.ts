import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChartRepository, startChartRepository } from '../../playground/stack/chart-repository.ts'
import { pushImage } from '../../playground/stack/push-image.ts'
import { until } from '../../playground/stack/until.ts'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import type { Explanation } from '../../src/api/contract/explain.ts'
import { realCluster, removeNamespace } from '../cluster/world.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { hook } from '../releases/workbench.ts'
import { freeReleases } from '../releases/world.ts'
import { stack } from '../stack/stack.ts'
import { type MoodyRegistry, startMoodyRegistry } from './moody-registry.ts'

/** A real Capstan over a git repository, registries and a chart repository, in a namespace of its own. */
export type ExplainWorld = {
  cluster: Cluster
  capstan: Capstan
  repository: Repository
  charts: ChartRepository
  space: string
  /** Of the source. */
  source: string
  /** `host/path` of an image that has the tags 1.0.0 and 1.0.1. */
  image: string
  /** Registries that refuse everything. */
  private: MoodyRegistry
  busy: MoodyRegistry
  /** Tells Capstan of a push, as a registry does. */
  notify(image: string): Promise<void>
  explain(subject: string): Promise<Explanation>
  /** Asks until the first cause has this reason, and a next try where one is awaited; fails with the last explanation. */
  untilCause(subject: string, reason: string, next?: 'next try'): Promise<Explanation>
  stop(): Promise<void>
}

/** `files`: what the repository holds at first, given the world as far as it is. */
export async function startExplainWorld(
  files: (world: Pick<ExplainWorld, 'space' | 'image' | 'charts' | 'private' | 'busy'>) => Record<string, string>,
): Promise<ExplainWorld> {
  const { registry, helm } = stack()
  const space = `explain-${randomBytes(3).toString('hex')}`
  const image = `${registry}/${space}/web`
  const cluster = realCluster()
  await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: space } })
  for (const tag of ['1.0.0', '1.0.1']) await pushImage({ registry, repository: `${space}/web`, tag })
  const folder = mkdtempSync(join(tmpdir(), 'capstan-explain-'))
  const charts = await startChartRepository({ root: join(folder, 'served'), helm })
  await charts.publish(writeChart(join(folder, 'hooked')))
  const [refusing, busy] = [await startMoodyRegistry(401), await startMoodyRegistry(429)]
  const repository = await createRepository()
  await repository.push(files({ space, image, charts, private: refusing, busy }))
  const capstan = await startCapstan([
    `--git-url=${repository.url}`,
    '--git-branch=main',
    '--git-poll-interval=1s',
    '--sync-interval=1h',
    '--automation-interval=1h',
    '--sync-state=cluster',
    '--sync-garbage-collection',
    `--allow-namespace=${space}`,
    `--k8s-allow-namespace=${space}`,
    `--registry-insecure-host=${registry},${refusing.host},${busy.host}`,
  ])

  async function explain(subject: string): Promise<Explanation> {
    return await capstan.api<Explanation>(`/api/v1/explain?subject=${encodeURIComponent(subject)}`)
  }

  return {
    cluster,
    capstan,
    repository,
    charts,
    space,
    source: `${capstan.namespace}/default`,
    image,
    private: refusing,
    busy,
    explain,
    async notify(name) {
      const [host = '', ...path] = name.split('/')
      const event = { action: 'push', target: { repository: path.join('/'), tag: '1.0.1' }, request: { host } }
      const type = 'application/vnd.docker.distribution.events.v1+json'
      const headers = { authorization: `Bearer ${capstan.token}`, 'content-type': type }
      const body = JSON.stringify({ events: [event] })
      await fetch(`${capstan.url}/api/v1/images/notify`, { method: 'POST', headers, body })
    },
    async untilCause(subject, reason, next) {
      let last: Explanation | undefined
      const found = until(
        `${subject} is stopped by ${reason}`,
        async () => {
          last = await explain(subject)
          const { cause } = last
          return cause?.reason === reason && (!next || cause.nextTryAt !== '') && last
        },
        { everyMs: 200, logFile: capstan.logFile },
      )
      return await found.catch((error: unknown) => {
        throw new Error(`${String(error)}\nlast: ${JSON.stringify(last, null, 1)}`)
      })
    },
    async stop() {
      await capstan.stop()
      await repository.stop()
      await Promise.all([charts.stop(), refusing.stop(), busy.stop()])
      await freeReleases(cluster, space)
      await removeNamespace(cluster, space)
      await cluster.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A chart whose install waits for a hook that no node runs. */
function writeChart(folder: string): string {
  mkdirSync(join(folder, 'templates'), { recursive: true })
  writeFileSync(join(folder, 'Chart.yaml'), 'apiVersion: v2\nname: hooked\nversion: 1.0.0\n')
  writeFileSync(join(folder, 'templates', 'hook.yaml'), hook('pre-install', 'Job'))
  writeFileSync(join(folder, 'templates', 'config.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: hooked}\n')
  return folder
}
