import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createSampleRepository, receiverOf } from './sample-repository.ts'
import { controlPlaneBinaries, pathOf } from './stack/binaries.ts'
import { publishCharts } from './stack/chart-repository.ts'
import { startControlPlane } from './stack/control-plane.ts'
import { pushImage } from './stack/push-image.ts'
import { startRegistry } from './stack/registry.ts'
import type { Supervisor } from './stack/supervisor.ts'
import { until } from './stack/until.ts'
import type { PlaygroundOptions, Stage } from './stage.ts'
import { type Ports, readSecret } from './state.ts'

/** The repository that the git server serves. */
export const repository = 'sample.git'
const chartFolder = fileURLToPath(new URL('./charts', import.meta.url))
const processFolder = fileURLToPath(new URL('./processes', import.meta.url))

/** The kubeconfig of the cluster: a new control plane's, or the one that was given. */
export async function startCluster(
  { paths, supervisor }: Stage,
  options: PlaygroundOptions,
  ports: Ports,
): Promise<string> {
  const { flags, toolbox, report } = options
  if (flags.kubeconfig) return flags.kubeconfig
  const binaries = controlPlaneBinaries(toolbox)
  const directory = paths.stateDir
  const controlPlane = await startControlPlane({ supervisor, directory, report, binaries, port: ports.kubeApiserver })
  return controlPlane.kubeconfig
}

/** The image registry, which tells Capstan of pushes, with the sample's images. */
export async function startImages({ paths, supervisor }: Stage, { toolbox, report }: PlaygroundOptions, ports: Ports) {
  const registry = await startRegistry({
    supervisor,
    directory: paths.stateDir,
    port: ports.registry,
    binary: pathOf(toolbox, 'docker-registry'),
    notify: {
      url: `http://127.0.0.1:${ports.api}/api/v1/images/notify`,
      headers: { Authorization: `Bearer ${readSecret(paths.tokenFile)}` },
    },
  })
  // Always the same date, so that the same start makes the same image.
  const created = new Date('2026-01-01T00:00:00Z')
  for (const name of ['shop/web', 'tools/report']) {
    await pushImage({ registry: registry.host, repository: name, tag: '1.0.0', created })
  }
  report(`the image registry is up at ${registry.host} and has shop/web:1.0.0`)
}

/** The git server with the sample, and the chart repository. */
export async function startRepositories({ paths, supervisor }: Stage, options: PlaygroundOptions, ports: Ports) {
  const { flags, toolbox, report } = options
  const charts = `http://127.0.0.1:${ports.charts}`
  const git = `http://127.0.0.1:${ports.git}`
  mkdirSync(paths.repositories, { recursive: true })
  await publishCharts({
    root: paths.charts,
    helm: pathOf(toolbox, 'helm'),
    url: charts,
    charts: [join(chartFolder, 'cache')],
  })
  startOwnProcess(supervisor, 'charts', 'chart-repository.ts', [`--root=${paths.charts}`, `--port=${ports.charts}`])
  if (!flags.git) {
    const addresses = { registry: `127.0.0.1:${ports.registry}`, charts, git }
    await createSampleRepository(join(paths.repositories, repository), addresses, flags.example)
  }
  startOwnProcess(supervisor, 'git', 'git-server.ts', [
    `--root=${paths.repositories}`,
    `--port=${ports.git}`,
    `--repository=${repository}`,
    `--webhook-url=http://127.0.0.1:${ports.api}/hooks/v1`,
    `--webhook-secret-file=${paths.webhookSecretFile}`,
  ])
  await until('chart repository', async () => (await fetch(`${charts}/index.yaml`)).ok, {
    logFile: join(supervisor.logs, 'charts.log'),
  })
  await until('git server', async () => (await fetch(git)).status > 0, { logFile: join(supervisor.logs, 'git.log') })
  report(`the chart repository is up at ${charts}, the git server at ${git}`)
}

/** The receiver of the events of an example; gives its address, undefined where it has none. */
export async function startReceiver(
  { supervisor }: Stage,
  { flags, report }: PlaygroundOptions,
  ports: Ports,
): Promise<string | undefined> {
  const file = receiverOf(flags.example)
  if (!file) return undefined
  const url = `http://127.0.0.1:${ports.receiver}`
  startOwnProcess(supervisor, 'receiver', file, [`--port=${ports.receiver}`])
  await until('receiver of events', async () => (await fetch(url)).ok, {
    logFile: join(supervisor.logs, 'receiver.log'),
  })
  report(`the receiver of events is up at ${url}`)
  return url
}

/** `file` is absolute, or one of our own. */
function startOwnProcess(supervisor: Supervisor, name: string, file: string, args: string[]): void {
  const quiet = '--disable-warning=ExperimentalWarning'
  supervisor.start({ name, command: process.execPath, args: [quiet, resolve(processFolder, file), ...args] })
}
