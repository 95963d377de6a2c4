import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { startChartRepository } from '../../playground/stack/chart-repository.ts'
import { until } from '../../playground/stack/until.ts'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import { makeNamespace, realCluster, removeNamespace } from '../cluster/world.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { kubectl } from '../e2e/kubectl.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { stack } from '../stack/stack.ts'
import { playsAnnotation, startPodPlayer } from './pod-player.ts'
import { freeReleases, kind } from './world.ts'

const run = promisify(execFile)

/** What the people of the Operator had: a cluster with its CRD, a chart repository, a git repository, and kubectl and helm to look. */
export type OperatorWorld = {
  cluster: Cluster
  capstan: Capstan
  /** Where the HelmReleases are, and one beside it. */
  demo: string
  beside: string
  /** Its folder `charts/web` is the chart of git. */
  git: Repository
  chart: { repository: string; name: string; version: string }
  gitChart: { git: string; ref: string; path: string }
  /** `kubectl apply` of a HelmRelease. */
  put(name: string, spec: Record<string, unknown>): Promise<void>
  /** `kubectl patch --type=json`. */
  patch(name: string, ...operations: object[]): Promise<void>
  /** What `kubectl get -o jsonpath` prints of a HelmRelease below `.status`. */
  status(name: string, path: string): Promise<string>
  /** Resolves when `kubectl get -o jsonpath` prints this. */
  says(name: string, path: string, wanted: string): Promise<void>
  /** Resolves when a line of the log about this release has this fragment. */
  logs(release: string, fragment: string): Promise<void>
  helm(...args: string[]): Promise<string>
  stop(): Promise<void>
}

export const condition = (type: string): string => `{.status.conditions[?(@.type=="${type}")].status}`

/** A chart that can be made to stay unready, and whose tests pass, fail or never end, as its values say. */
export function webChart(node: string, version = '1.0.0'): ChartFiles {
  return {
    'Chart.yaml': `apiVersion: v1\nname: web\nversion: ${version}\n`,
    'values.yaml': `replicaCount: 1\nnode: ${node}\nfaults: {unready: false, testFail: false, testHangs: false}\n`,
    'templates/NOTES.txt': 'It runs.\n',
    'templates/web.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicaCount }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata:
      labels: {app: {{ .Release.Name }}}
      annotations: {${playsAnnotation}: {{ ternary "never" "ready" (eq (toString .Values.faults.unready) "true") }}}
    spec: {nodeName: {{ .Values.node }}, terminationGracePeriodSeconds: 0, containers: [{name: a, image: none}]}
`,
    'templates/test.yaml': `apiVersion: v1
kind: Pod
metadata:
  name: {{ .Release.Name }}-test
  annotations:
    helm.sh/hook: test-success
    ${playsAnnotation}: {{ if .Values.faults.testHangs }}never{{ else if .Values.faults.testFail }}failed{{ else }}succeeded{{ end }}
spec: {nodeName: {{ .Values.node }}, restartPolicy: Never, terminationGracePeriodSeconds: 0, containers: [{name: a, image: none}]}
`,
  }
}

/** The files of a chart by path. */
export type ChartFiles = Record<string, string>

/** A real Capstan with the flags of the Operator's own end-to-end suite. `more`: charts besides `web`, for a repository and a namespace. */
export async function startOperatorWorld(
  more: (repository: string, demo: string) => readonly ChartFiles[],
): Promise<OperatorWorld> {
  const { helm: binary, kubeconfig } = stack()
  const cluster = realCluster()
  const [demo, beside] = await Promise.all([makeNamespace(cluster), makeNamespace(cluster)])
  const folder = mkdtempSync(join(tmpdir(), 'capstan-operator-'))
  const player = await startPodPlayer(cluster, demo)
  const charts = await startChartRepository({ root: join(folder, 'served'), helm: binary })
  const files = webChart(player.node)
  const git = await createRepository()
  await git.push(Object.fromEntries(Object.entries(files).map(([path, text]) => [`charts/web/${path}`, text])))
  async function publish(chart: ChartFiles): Promise<void> {
    const target = mkdtempSync(join(folder, 'chart-'))
    const name = /^name: (.*)$/m.exec(chart['Chart.yaml'] ?? '')?.[1] ?? ''
    for (const [path, text] of Object.entries(chart)) {
      mkdirSync(dirname(join(target, name, path)), { recursive: true })
      writeFileSync(join(target, name, path), text)
    }
    await charts.publish(join(target, name))
  }
  for (const one of [files, ...more(charts.url, demo)]) await publish(one)
  const capstan = await startCapstan([
    '--enable=releases',
    `--allow-namespace=${demo}`,
    '--enabled-helm-versions=v3',
    '--charts-sync-interval=30s',
    '--git-poll-interval=3s',
    '--workers=4',
  ])

  const status = async (name: string, path: string) =>
    await kubectl('get', `helmrelease/${name}`, '-n', demo, '-o', `jsonpath=${path}`)
  const { logFile } = capstan
  return {
    cluster,
    capstan,
    demo,
    beside,
    git,
    chart: { repository: charts.url, name: 'web', version: '1.0.0' },
    gitChart: { git: git.url, ref: 'main', path: 'charts/web' },
    async put(name, spec) {
      const file = join(folder, `${name}.json`)
      writeFileSync(file, JSON.stringify({ ...kind, metadata: { name, namespace: demo }, spec }))
      await kubectl('apply', '-f', file)
    },
    async patch(name, ...operations) {
      await kubectl('patch', 'helmrelease', name, '-n', demo, '--type=json', '-p', JSON.stringify(operations))
    },
    status,
    async says(name, path, wanted) {
      await until(`${name} ${path} is "${wanted}"`, async () => (await status(name, path)) === wanted, {
        logFile,
        everyMs: 250,
      })
    },
    async logs(release, fragment) {
      const isSaid = () =>
        readFileSync(logFile, 'utf8')
          .split('\n')
          .some((line) => line.includes(`release=${release} `) && line.includes(fragment))
      await until(`the log says "${fragment}" of ${release}`, async () => isSaid(), { logFile })
    },
    async helm(...args) {
      return (await run(binary, [...args, '-n', demo], { env: { ...process.env, KUBECONFIG: kubeconfig } })).stdout
    },
    async stop() {
      await capstan.stop()
      await freeReleases(cluster, demo)
      await player.stop()
      await Promise.all([demo, beside].map(async (name) => await removeNamespace(cluster, name)))
      await cluster.close()
      await Promise.all([charts.stop(), git.stop()])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
