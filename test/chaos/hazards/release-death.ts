import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ChartRepository, startChartRepository } from '../../../playground/stack/chart-repository.ts'
import { until } from '../../../playground/stack/until.ts'
import { type Hazard, judge, scaled, secondsSince, type Trial, type TrialResult } from '../hazard.ts'
import { openRollingApis } from '../rolling-apis.ts'
import type { Stage, World } from '../world.ts'

export const a3: Hazard = {
  id: 'A3',
  promise:
    'kill -9 at any write of install, upgrade, rollback, uninstall or hooks: deployed with the right values ≤ 120 s after the restart, none pending, ≤ 2 extra revisions',
  trials: scaled(100),
  run: kill,
}

export const a6: Hazard = {
  id: 'A6',
  promise:
    'SIGTERM at any write of a release, while two APIs are restarted one after the other: exit code 0, nothing pending, no stalled job, no failed call of the APIs, and the next process goes on',
  trials: scaled(50),
  run: restart,
  // three processes on a busy machine answer late, and what asks Redis gives up after a second
  alone: true,
}

export const a8: Hazard = {
  id: 'A8',
  promise: 'kill -9 while helm runs: 0 helm processes after 5 s, 0 writes by an orphan',
  trials: scaled(100),
  run: orphans,
}

type Verb = 'install' | 'upgrade' | 'rollback' | 'uninstall' | 'hooks'
const verbs: readonly Verb[] = ['install', 'upgrade', 'rollback', 'uninstall', 'hooks']

/** Revisions that helm stores when nothing is killed. */
const usual: Record<Verb, number> = { install: 1, upgrade: 2, rollback: 4, uninstall: 1, hooks: 2 }
/** Writes of Capstan and helm during the verb, about: the one at which it dies is one of these. */
const writesOf: Record<Verb, number> = { install: 9, upgrade: 8, rollback: 16, uninstall: 8, hooks: 15 }

const config = 'kind: ConfigMap\napiVersion: v1\nmetadata: {name: "{{ .Release.Name }}-config"}\n'
const templates: Record<string, Record<string, string>> = {
  '1.0.0': { 'config.yaml': `${config}data: {color: {{ .Values.color | quote }}}\n` },
  // stored by helm, and refused by the API server
  '2.0.0': {
    'config.yaml': `${config}data: {color: {{ .Values.color | quote }}}\n`,
    'bad.yaml': 'apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 700000}]}\n',
  },
  '3.0.0': {
    'config.yaml': `${config}data: {color: {{ .Values.color | quote }}}\n`,
    ...Object.fromEntries(
      ['pre-install', 'post-install', 'pre-upgrade', 'post-upgrade'].map((when) => [
        `${when}.yaml`,
        `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}-${when}", annotations: {helm.sh/hook: ${when}}}\n`,
      ]),
    ),
  },
}

/** A Capstan that works on the releases of one namespace, and charts for them. */
type Ground = { stage: Stage; charts: ChartRepository; namespace: string; flags: readonly string[] }

async function openGround(world: World): Promise<Ground> {
  const namespaceFlag = (id: string) => `--allow-namespace=chaos-${id}-0`
  const stage = await world.stage({ spaces: 1 })
  const charts = await startChartRepository({ root: join(world.directory, 'served'), helm: world.stack.helm })
  world.atEnd(() => charts.stop())
  for (const [version, files] of Object.entries(templates)) {
    const folder = join(world.directory, version, 'demo')
    const all = { 'Chart.yaml': `apiVersion: v2\nname: demo\nversion: ${version}\n`, 'values.yaml': 'color: red\n' }
    const named = Object.fromEntries(Object.entries(files).map(([name, text]) => [`templates/${name}`, text]))
    for (const [path, text] of Object.entries({ ...all, ...named })) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), text)
    }
    await charts.publish(folder)
  }
  const flags = [
    '--enable=releases',
    namespaceFlag(stage.id),
    '--charts-sync-interval=5s',
    `--helm-binary=${world.stack.helm}`,
  ]
  const capstan = await stage.another(flags)
  const namespace = stage.spaces[0] ?? ''
  await stage.cluster.call('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace },
  })
  world.atEnd(() => letGo(stage, namespace))
  return { stage: { ...stage, capstan }, charts, namespace, flags }
}

const path = (namespace: string, name = '') =>
  `/apis/helm.fluxcd.io/v1/namespaces/${namespace}/helmreleases${name && `/${name}`}`

/** No Capstan runs any more that could take its finalizer off. */
async function letGo({ cluster }: Stage, namespace: string): Promise<void> {
  await cluster.call('PATCH', path(namespace, 'web'), { metadata: { finalizers: null } })
}

async function want(ground: Ground, version: string, color: string): Promise<void> {
  const { stage, charts, namespace } = ground
  const spec = {
    releaseName: 'web',
    chart: { repository: charts.url, name: 'demo', version },
    values: { color },
    rollback: { enable: true },
    timeout: 30,
  }
  const object = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', metadata: { name: 'web' }, spec }
  const made = await stage.cluster.call('POST', path(namespace), object)
  if (made.status === 201) return
  const { status } = await stage.cluster.call('PATCH', path(namespace, 'web'), { spec })
  if (status !== 200) throw new Error(`the HelmRelease cannot be written: ${made.status}, ${status}`)
}

type Seen = { revisions: { revision: number; state: string }[]; color: string | undefined; phase: string }

async function look({ stage, namespace }: Ground): Promise<Seen> {
  const { cluster } = stage
  const selector = 'labelSelector=owner%3Dhelm,name%3Dweb'
  const secrets = await cluster.call('GET', `/api/v1/namespaces/${namespace}/secrets?${selector}`)
  const map = await cluster.call('GET', `/api/v1/namespaces/${namespace}/configmaps/web-config`)
  const object = await cluster.call('GET', path(namespace, 'web'))
  const items = (secrets.body as { items: { metadata: { labels: Record<string, string> } }[] }).items
  return {
    revisions: items
      .map(({ metadata: { labels } }) => ({ revision: Number(labels.version), state: labels.status ?? '' }))
      .toSorted((a, b) => a.revision - b.revision),
    color: (map.body as { data?: { color?: string } }).data?.color,
    phase: (object.body as { status?: { phase?: string } }).status?.phase ?? '',
  }
}

async function untilDeployed(ground: Ground, color: string, phase = 'Succeeded'): Promise<Seen> {
  let seen: Seen | undefined
  await until(
    `the release is deployed with ${color}`,
    async () => {
      seen = await look(ground)
      return seen.revisions.at(-1)?.state === 'deployed' && seen.color === color && seen.phase === phase
    },
    { timeoutMs: 180_000, everyMs: 100 },
  ).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}; seen: ${JSON.stringify(seen)}; log: ${ground.stage.capstan.logFile}`)
  })
  return seen as Seen
}

/** Brings the release to where the verb begins, and gives what begins it. */
async function prepare(ground: Ground, verb: Verb): Promise<() => Promise<unknown>> {
  const { stage, namespace } = ground
  await stage.capstan.ready(180_000)
  if (verb === 'install') return () => want(ground, '1.0.0', 'blue')
  await want(ground, verb === 'hooks' ? '3.0.0' : '1.0.0', 'green')
  await untilDeployed(ground, 'green')
  if (verb === 'uninstall') return () => stage.cluster.call('DELETE', path(namespace, 'web'))
  if (verb === 'rollback') return () => want(ground, '2.0.0', 'black')
  return () => want(ground, verb === 'hooks' ? '3.0.0' : '1.0.0', 'blue')
}

type Signal = 'SIGKILL' | 'SIGTERM'
type Figures = Parameters<typeof judge>[0]

/** The process dies at a write of itself or of its helm, whatever that is, or at the end when there were not so many. Gives its exit code. */
async function die(ground: Ground, signal: Signal, count: number, begin: () => Promise<unknown>) {
  const { capstan, api } = ground.stage
  const reached = new Promise<void>((resolve) =>
    api.gate.atWrite(count, resolve, new RegExp(`/namespaces/${ground.namespace}/`)),
  )
  await begin()
  await Promise.race([reached, sleep(8_000)])
  return await capstan.kill(signal)
}

async function kill(trial: Trial): Promise<TrialResult> {
  const { figures, more } = await dieAndGoOn(await openGround(trial.world), trial, 'SIGKILL')
  return judge(figures, more)
}

async function restart(trial: Trial): Promise<TrialResult> {
  const ground = await openGround(trial.world)
  const apis = await openRollingApis({ ...ground, world: trial.world })
  let rolled = Promise.resolve(0)
  const { figures, exitCode, more } = await dieAndGoOn(ground, trial, 'SIGTERM', () => {
    rolled = apis.roll()
    rolled.catch(() => undefined)
  })
  const badExits = (await rolled) + (exitCode === 0 ? 0 : 1)
  const { calls, failures } = await apis.stop()
  return judge(
    {
      ...figures,
      badExits: [badExits, 0],
      stalledJobs: [stalledIn(ground.stage.capstan.logFile), 0],
      apiErrors: [failures.length, 0],
    },
    `${more}; ${calls} calls: ${failures.slice(0, 5).join(', ')}`,
  )
}

/** Jobs that this process found without the one that ran them. */
function stalledIn(logFile: string): number {
  return readFileSync(logFile, 'utf8').split('the process that ran a job died').length - 1
}

/** At a write of a verb; `meanwhile` begins with it. */
async function dieAndGoOn(ground: Ground, { random, index }: Trial, signal: Signal, meanwhile = () => {}) {
  const verb = verbs[index % verbs.length] ?? 'install'
  const { capstan } = ground.stage
  capstan.start()
  const begin = await prepare(ground, verb)
  meanwhile()
  const exitCode = await die(ground, signal, random.between(1, writesOf[verb]), begin)
  const pendingAtEnd = signal === 'SIGTERM' ? countPending(await look(ground)) : 0
  if (verb === 'rollback') await rolledBack(ground)
  const begun = performance.now()
  capstan.start()
  if (verb === 'uninstall') await untilGone(ground)
  await want(ground, verb === 'hooks' ? '3.0.0' : '1.0.0', 'blue')
  const seen = await untilDeployed(ground, 'blue')
  const seconds = secondsSince(begun)
  const extra = (seen.revisions.at(-1)?.revision ?? 0) - usual[verb]
  const figures: Figures = {
    seconds: [seconds, 120],
    pending: [countPending(seen) + pendingAtEnd, 0],
    extraRevisions: [extra, 2],
  }
  return { figures, exitCode, more: `${verb}: ${JSON.stringify(seen.revisions)}` }
}

/** What the dead process had begun is ended by the next one before something else is wanted. */
async function rolledBack(ground: Ground): Promise<void> {
  ground.stage.capstan.start()
  await untilDeployed(ground, 'green', 'RolledBack')
  await ground.stage.capstan.kill()
}

async function untilGone(ground: Ground): Promise<void> {
  const { stage, namespace } = ground
  const gone = async () => (await stage.cluster.call('GET', path(namespace, 'web'))).status === 404
  await until('the HelmRelease is gone', gone, { timeoutMs: 120_000, everyMs: 100 })
  const left = (await look(ground)).revisions
  if (left.length > 0) throw new Error(`the release is left after its HelmRelease has gone: ${JSON.stringify(left)}`)
}

function countPending({ revisions }: Seen): number {
  return revisions.filter(({ state }) => state.startsWith('pending-') || state === 'uninstalling').length
}

async function orphans({ world, random }: Trial): Promise<TrialResult> {
  const ground = await openGround(world)
  const { stage, namespace } = ground
  stage.capstan.start()
  const begin = await prepare(ground, 'upgrade')
  await die(ground, 'SIGKILL', random.between(2, 8), begin)
  const killed = performance.now()
  const running = () => childrenOf(stage.capstan.directory)
  const ended = await until('no child is left', async () => running().length === 0, { timeoutMs: 5_000 }).then(
    () => 0,
    () => running().length,
  )
  await sleep(1_000)
  const late = stage.api.gate
    .writes()
    .filter(({ at, path: to }) => at > killed + 500 && to.includes(`/namespaces/${namespace}/`)).length
  return judge({ processes: [ended, 0], lateWrites: [late, 0] }, running().join('; '))
}

/** Command lines of processes that were given something below the folder of a Capstan. */
function childrenOf(directory: string): string[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return []
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
      return command.includes('helm') && command.includes(directory) ? [command] : []
    } catch {
      return []
    }
  })
}
