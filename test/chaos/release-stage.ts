import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ChartRepository, startChartRepository } from '../../playground/stack/chart-repository.ts'
import type { CapstanProcess } from './process.ts'
import type { Stage, StageOptions, World } from './world.ts'

/** One real Capstan that works on the releases of one namespace, and a repository of charts. */
export type ReleaseStage = {
  stage: Stage
  capstan: CapstanProcess
  namespace: string
  charts: ChartRepository
  /** Creates a HelmRelease; gives the status of the answer. */
  put(name: string, spec: Record<string, unknown>): Promise<number>
  putSecret: (name: string, stringData: Record<string, string>) => Promise<void>
  /** Waits until Capstan has said of so many HelmReleases that they are released or not. Gives how many. */
  judged(count: number, withinMs: number): Promise<number>
}

type Item = { status?: { conditions?: { type: string; status: string }[] } }

export async function openReleaseStage(world: World, flags: readonly string[], options: StageOptions = {}) {
  const stage = await world.stage({ spaces: 1, ...options })
  const charts = await startChartRepository({ root: join(world.directory, 'served'), helm: world.stack.helm })
  world.atEnd(() => charts.stop())
  const namespace = stage.spaces[0] ?? ''
  const capstan = await stage.another([
    '--enable=releases',
    `--allow-namespace=${namespace}`,
    `--helm-binary=${world.stack.helm}`,
    ...flags,
  ])
  await stage.cluster.call('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  })
  const path = `/apis/helm.fluxcd.io/v1/namespaces/${namespace}/helmreleases`
  const items = async () => {
    const { body } = await stage.cluster.call('GET', path)
    return (body as { items?: (Item & { metadata: { name: string } })[] }).items ?? []
  }
  // no Capstan runs any more that could take its finalizer off
  world.atEnd(async () => {
    for (const { metadata } of await items())
      await stage.cluster.call('PATCH', `${path}/${metadata.name}`, { metadata: { finalizers: null } })
  })
  const isJudged = ({ status }: Item) =>
    status?.conditions?.some(({ type, status: state }) => type === 'Released' && state !== 'Unknown') ?? false

  const made: ReleaseStage = {
    stage,
    capstan,
    namespace,
    charts,
    async put(name, spec) {
      const object = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', metadata: { name }, spec }
      return (await stage.cluster.call('POST', path, object)).status
    },
    async putSecret(name, stringData) {
      const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData }
      const { status } = await stage.cluster.call('POST', `/api/v1/namespaces/${namespace}/secrets`, secret)
      if (status !== 201) throw new Error(`the Secret ${name} cannot be made: ${status}`)
    },
    async judged(count, withinMs) {
      const end = performance.now() + withinMs
      let seen = 0
      while (performance.now() < end) {
        seen = (await items()).filter(isJudged).length
        if (seen >= count) return seen
        await sleep(500)
      }
      return seen
    },
  }
  return made
}
