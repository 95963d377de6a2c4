import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChartRepository, startChartRepository } from '../../playground/stack/chart-repository.ts'
import { until } from '../../playground/stack/until.ts'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { realCluster, removeNamespace } from '../cluster/world.ts'
import { runCapstan } from '../e2e/capstan.ts'
import { type Fluxd, fluxdOf } from '../e2e/fluxd.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { helm, kubectl } from '../packaging/chart.ts'
import { root } from '../packaging/dockerfile.ts'
import { startOwnNode } from '../packaging/own-node.ts'
import { template } from '../releases/workbench.ts'
import { freeReleases } from '../releases/world.ts'
import { stack } from '../stack/stack.ts'
import { fluxd as fluxdOfChart, operator as operatorOfChart, type Raw } from './shapes.ts'
import { startStandIn, type StandIn } from './stand-in.ts'

/** A cluster with a fluxd and a Helm Operator of their charts, and what both made; our pods there are run by a real Capstan beside. */
export type OldWorld = {
  cluster: Cluster
  /** Where the ancestors run, and Capstan after them. */
  namespace: string
  /** What they applied. */
  apps: string
  /** For files of a test; gone with the world. */
  folder: string
  repository: Repository
  fluxd: Fluxd
  standIn: StandIn
  /** `capstan migrate`, with the values in a file of this world. */
  migrate(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>
  /** `capstan eject --to` for the Deployment of this name. */
  eject(to: string, name: string): Promise<{ code: number; stdout: string; stderr: string }>
  /** `capstan migrate`, and Ctrl-C as soon as it says this; gives its exit code. */
  interrupt(words: string, ...args: string[]): Promise<number | null>
  values(): string
  /** Makes the Helm Operator's HelmRelease and its release, as it leaves them. */
  released(name: string): Promise<void>
  replicas(name: string): Promise<{ replicas: number; noted: string | undefined }>
  /** uid of every object of git and of the release, and the revisions of the latter. */
  identities(): Promise<Record<string, string>>
  stop(): Promise<void>
}

const gitFiles = (apps: string): KubeObject[] => [
  { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: apps }, data: { mode: 'fast' } },
  { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'password', namespace: apps }, data: { a: 'eA==' } },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: apps },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: { containers: [{ name: 'web', image: 'registry.example/web:1', ports: [{ containerPort: 80 }] }] },
      },
    },
  },
]

/** Starts it. `flags` come behind those of fluxd's chart; `inGit`: the repository has fluxd's own Deployment in it. */
export async function startOldWorld(options: { flags?: readonly string[]; inGit?: boolean } = {}): Promise<OldWorld> {
  const id = randomBytes(4).toString('hex')
  const [namespace, apps] = [`flux-${id}`, `apps-${id}`]
  const folder = mkdtempSync(join(tmpdir(), `capstan-migrate-${id}-`))
  const cluster = realCluster()
  for (const name of [namespace, apps]) await kubectl(['create', 'namespace', name])
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', 'charts/capstan/crds/helmrelease.yaml'])
  const node = await startOwnNode(`old-${id}`)
  const repository = await createRepository()
  const charts = await startChartRepository({ root: join(folder, 'charts'), helm: stack().helm })
  const objects = gitFiles(apps)
  const pushed = Object.fromEntries(objects.map((object) => [`${object.metadata.name}.yaml`, JSON.stringify(object)]))
  await repository.push(pushed)
  const fluxd = fluxdOf(repository, [])
  await fluxd.sync(objects)
  const own = await install({ namespace, apps, id, repository, flags: options.flags ?? [] })
  if (options.inGit) {
    await repository.change({ 'fluxd.yaml': JSON.stringify(own) })
    await fluxd.sync([...objects, own])
  }
  const standIn = startStandIn({ cluster, namespace, apps, folder })
  const values = join(folder, 'values.yaml')
  const words = (args: readonly string[]): string[] => {
    const { kubeconfig, helm: binary } = stack()
    const places = ['flux', 'helm-operator'].map((name) => `--deployment=${namespace}/${name}`)
    // the cluster is shared, and others install theirs
    const here = [...places, '--accept=other-capstan', `--values=${values}`, `--kubeconfig=${kubeconfig}`]
    return ['migrate', '--timeout=240s', ...here, `--helm-binary=${binary}`, ...args]
  }

  return {
    cluster,
    namespace,
    apps,
    folder,
    repository,
    fluxd,
    standIn,
    migrate: async (...args) => await runCapstan(words(args)),
    async eject(to, name) {
      const { kubeconfig, helm: binary } = stack()
      const place = [`--deployment=${namespace}/${name}`, `--kubeconfig=${kubeconfig}`, `--helm-binary=${binary}`]
      return await runCapstan(['eject', `--to=${to}`, ...place])
    },
    async interrupt(until, ...args) {
      const child = spawn(process.execPath, [join(root, 'bin/capstan.mjs'), ...words(args)])
      let said = ''
      child.stdout.on('data', (chunk: Buffer) => {
        const before = said.includes(until)
        said += chunk.toString()
        if (!before && said.includes(until)) child.kill('SIGINT')
      })
      const [code] = (await once(child, 'exit')) as [number | null]
      return code
    },
    values: () => readFileSync(values, 'utf8'),
    released: async (name) => await release(name, { apps, charts, folder, cluster }),
    async replicas(name) {
      const found = await cluster.get({ apiVersion: 'apps/v1', kind: 'Deployment', namespace, name })
      const { replicas = 0 } = (found?.spec ?? {}) as { replicas?: number }
      return { replicas, noted: found?.metadata.annotations?.['capstan.dev/migrated-replicas'] }
    },
    async identities() {
      const kinds = 'deployments,configmaps,secrets'
      const { stdout } = await kubectl(['get', kinds, '-n', apps, '-o', 'json'])
      const { items } = JSON.parse(stdout) as { items: KubeObject[] }
      const kept = items.filter(({ metadata }) => !/^(kube-root-ca|capstan-)/.test(metadata.name))
      return Object.fromEntries(kept.map(({ kind, metadata }) => [`${kind}/${metadata.name}`, metadata.uid ?? '']))
    },
    async stop() {
      await standIn.stop()
      await helm('uninstall', 'capstan', '-n', namespace, '--no-hooks', '--ignore-not-found')
      await freeReleases(cluster, apps)
      await kubectl(['delete', 'clusterrolebinding', `flux-${id}`, '--ignore-not-found'])
      for (const name of [namespace, apps]) await removeNamespace(cluster, name)
      await node.remove()
      await charts.stop()
      await repository.stop()
      await cluster.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type Place = { namespace: string; apps: string; id: string; repository: Repository; flags: readonly string[] }

/** Both Deployments with what their charts make beside them; gives fluxd's. */
async function install({ namespace, apps, id, repository, flags }: Place): Promise<KubeObject> {
  const toleration = { key: 'capstan.dev/own', operator: 'Equal', value: `old-${id}`, effect: 'NoSchedule' }
  const pod = {
    nodeSelector: { 'kubernetes.io/hostname': `old-${id}` },
    tolerations: [toleration],
    terminationGracePeriodSeconds: 0,
  }
  const git = [`--git-url=${repository.url}`, '--git-branch=main', `--k8s-default-namespace=${apps}`]
  const labels = { app: 'flux', heritage: 'Helm' }
  const config = 'contexts:\n- context:\n    namespace: default\n  name: default\nusers: []\n'
  const metadata = (name: string) => ({ name, namespace, labels })
  const account = (name: string) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: metadata(name) })
  const subjects = ['flux', 'helm-operator'].map((name) => ({ kind: 'ServiceAccount', name, namespace }))
  const keys: [Raw, Raw] = [
    { name: 'keys', secret: { secretName: 'flux-keys' } },
    { name: 'keys', mountPath: '/etc/keys', readOnly: true },
  ]
  const env = [{ name: 'PROXY_PASSWORD', value: 'geheim' }]
  const own = fluxdOfChart({ namespace, pod, env, mounts: [keys], args: [...git, ...flags] })
  const all = [
    account('flux'),
    account('helm-operator'),
    { apiVersion: 'v1', kind: 'Secret', metadata: metadata('flux-git-deploy'), data: { identity: 'eA==' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: metadata('helm-operator-git-deploy') },
    { apiVersion: 'v1', kind: 'Secret', metadata: metadata('flux-keys'), data: { age: 'ZWJiZQ==' } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('flux-kube-config'), data: { config } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: `flux-${id}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects,
    },
    own,
    operatorOfChart({ namespace, pod, args: [`--allow-namespace=${apps}`] }),
  ]
  await kubectl(['create', '-f', '-'], all.map((object) => JSON.stringify(object)).join('\n---\n'))
  await until('the ancestors to run', async () => {
    const { stdout } = await kubectl([
      'get',
      'pods',
      '-n',
      namespace,
      '--field-selector=status.phase=Running',
      '-o',
      'name',
    ])
    return stdout.trim().split('\n').length === 2
  })
  return own
}

type Made = { apps: string; charts: ChartRepository; folder: string; cluster: Cluster }

/** As the Operator leaves it: helm's release, the HelmRelease with its status, and the antecedent on what was made. */
async function release(name: string, { apps, charts, folder, cluster }: Made): Promise<void> {
  const chart = join(folder, 'demo')
  mkdirSync(join(chart, 'templates'), { recursive: true })
  writeFileSync(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: demo\nversion: 1.0.0\n')
  writeFileSync(join(chart, 'values.yaml'), 'color: red\n')
  writeFileSync(join(chart, 'templates/config.yaml'), template)
  await charts.publish(chart)
  await helm('install', name, chart, '-n', apps, '--set', 'color=blue')
  const annotations = { 'helm.fluxcd.io/antecedent': `${apps}:helmrelease/${name}` }
  await cluster.patch(
    { apiVersion: 'v1', kind: 'ConfigMap', namespace: apps, name: `${name}-config` },
    { metadata: { annotations } },
  )
  const source = { repository: charts.url, name: 'demo', version: '1.0.0' }
  const spec = { releaseName: name, helmVersion: 'v3', chart: source, values: { color: 'blue' } }
  const kind = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease' }
  const made = await cluster.create({ ...kind, metadata: { name, namespace: apps }, spec })
  const status = { phase: 'Succeeded', releaseName: name, releaseStatus: 'deployed', revision: '1.0.0' }
  const observed = { ...status, lastAttemptedRevision: '1.0.0', observedGeneration: made.metadata.generation }
  await cluster.patch({ ...kind, namespace: apps, name }, { status: observed }, { subresource: 'status' })
}
