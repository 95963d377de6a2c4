// `npm run bench`: the figures of docs/benchmarks.md, both sides in one run. Options: --rounds N (3), --apps N (250), --repositories N (100),
// --releases N (100), --rows N (10000), --sources N (100), --idle SECONDS (60), --only sync|images|releases|api|sources.
import { writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parseAllDocuments } from 'yaml'
import { until } from '../../playground/stack/until.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { type SourceStatus, statusRef } from '../../src/domain/source/status.ts'
import { readSourceStatus } from '../../src/domain/source/stored-status.ts'
import { realCluster } from '../cluster/world.ts'
import { startCapstan } from '../e2e/capstan.ts'
import { createRepository } from '../e2e/repository.ts'
import { teardown } from '../stack/setup.ts'
import { stack } from '../stack/stack.ts'
import { type ApiRound, measureApi } from './api.ts'
import { type Cpu, cpuBetween, inWords, readCpu, sumOf } from './cpu.ts'
import { type ImagesRound, measureBurst, measureImages } from './images.ts'
import { type HelmAlone, measureHelmAlone, measureReleases, type OurReleases } from './releases.ts'
import { applyBare, readAccess } from './bare-client.ts'
import { benchRepository } from './repository.ts'
import { emptyStack } from './empty-stack.ts'
import { requestsDuring } from './requests.ts'
import { residentMb } from './resident.ts'
import { measureSources, type SourcesRound, type Stretch } from './sources.ts'

type Round = {
  bare: number
  bareCpu: Cpu
  first: number
  firstCpu: Cpu
  idle: number
  idleReads: number
  idleWrites: number
  change: number
  onCluster: number
  residentMb: number
}
type ReleaseRound = HelmAlone & OurReleases
type Job = { state: string; startedAt?: string; finishedAt?: string; result?: string }

const secret = 'bench'.repeat(8)
const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    apps: { type: 'string', default: '250' },
    repositories: { type: 'string', default: '100' },
    releases: { type: 'string', default: '100' },
    rows: { type: 'string', default: '10000' },
    sources: { type: 'string', default: '100' },
    idle: { type: 'string', default: '60' },
    only: { type: 'string', default: '' },
  },
})
const apps = Number(values.apps)
const spaces = Math.max(1, Math.round(apps / 25))
/** Of a repository of images. */
const tagsOfEach = 1_000
const burstOf = 90
const rounds: Round[] = []
try {
  for (let round = 0; round < Number(values.rounds) && isWanted('sync'); round++) {
    const measured = await measure(round)
    rounds.push(measured)
    print(`round ${round + 1}`, measured)
  }
  if (rounds.length > 0) print('median', medianOf(rounds))
  if (isWanted('images')) {
    await emptyStack()
    printImages(await measureImages(Number(values.repositories), tagsOfEach))
    const { seconds, commits } = await measureBurst(burstOf)
    console.log(`  ${burstOf} workloads with a new image each: ${seconds.toFixed(2)} s to git, ${commits} commits`)
  }
  const releaseRounds: ReleaseRound[] = []
  for (let round = 0; round < Number(values.rounds) && isWanted('releases'); round++) {
    const measured = await measureReleaseRound(round)
    releaseRounds.push(measured)
    printReleases(`round ${round + 1}`, measured)
  }
  if (releaseRounds.length > 1) printRatios(releaseRounds)
  if (isWanted('api')) {
    await emptyStack()
    printApi(await measureApi(Number(values.rows)), Number(values.rows))
  }
  if (isWanted('sources')) printSources(await measureSources(Number(values.sources), Number(values.idle)))
} finally {
  await teardown()
}

function isWanted(half: 'sync' | 'images' | 'releases' | 'api' | 'sources'): boolean {
  return values.only === '' || values.only === half
}

async function measure(round: number): Promise<Round> {
  const id = `${Date.now().toString(36)}${round}`
  const bareFirst = round % 2 === 0
  const before = bareFirst ? await runBare(`bare-${id}`) : undefined
  const ours = await runCapstan(`ours-${id}`)
  return { ...(before ?? (await runBare(`bare-${id}`))), ...ours }
}

/** The two sides take turns at being first: a shared machine is not as fast in one minute as in the next. */
async function measureReleaseRound(round: number): Promise<ReleaseRound> {
  const count = Number(values.releases)
  const before = round % 2 === 0 ? await measureHelmAlone(count) : undefined
  const ours = await measureReleases(count)
  return { ...(before ?? (await measureHelmAlone(count))), ...ours }
}

async function runBare(prefix: string): Promise<Pick<Round, 'bare' | 'bareCpu'>> {
  await emptyStack()
  const objects = [...benchRepository(prefix, apps, spaces).files.values()].flatMap((text) =>
    parseAllDocuments(text).map((document) => document.toJS() as KubeObject),
  )
  const before = readCpu()
  const bare = await applyBare(readAccess(stack().kubeconfig), objects)
  return { bare, bareCpu: cpuBetween(before, readCpu()) }
}

async function runCapstan(prefix: string): Promise<Omit<Round, 'bare' | 'bareCpu'>> {
  await emptyStack()
  const access = readAccess(stack().kubeconfig)
  const secretFile = join(tmpdir(), `${prefix}-secret`)
  writeFileSync(secretFile, secret, { mode: 0o600 })
  const repository = await createRepository()
  await repository.push({ 'README.md': 'nothing yet' })
  const flags = ['--git-branch=main', '--git-poll-interval=1h', '--sync-interval=1h', '--enable=sync']
  const capstan = await startCapstan([...flags, `--git-url=${repository.url}`, `--webhook-secret-file=${secretFile}`])
  repository.notify(`${capstan.url}/hooks/v1/default`, secret)
  const watched = watchStatus(capstan.namespace)
  const push = async (change: () => Promise<string>) => {
    const commit = await change()
    const pushed = performance.now()
    await until('synced', async () => watched.isAt(commit), {
      everyMs: 5,
      timeoutMs: 300_000,
      logFile: capstan.logFile,
    })
    return performance.now() - pushed
  }
  const { files } = benchRepository(prefix, apps, spaces)
  const before = readCpu(capstan.pid())
  const first = await push(async () => await repository.change(Object.fromEntries(files)))
  const firstCpu = cpuBetween(before, readCpu(capstan.pid()))
  const { result: idle, ...idleRequests } = await requestsDuring(access, async () => await idleSync(capstan))
  const [path = '', text = ''] = [...files].at(-1) ?? []
  const seen = watchReplicas(text)
  const change = await push(async () => {
    const commit = await repository.change({ [path]: text.replace('replicas: 0', 'replicas: 1') })
    seen.begin()
    return commit
  })
  const onCluster = await seen.end()
  const resident = residentMb(capstan.pid())
  await watched.stop()
  await capstan.stop()
  await repository.stop()
  const { reads: idleReads, writes: idleWrites } = idleRequests
  return { first, firstCpu, idle, idleReads, idleWrites, change, onCluster, residentMb: resident }
}

/** The status of the source of the flags, told by a watch: to ask again and again would be work for the API server that is nobody's. */
function watchStatus(namespace: string): { isAt: (commit: string) => boolean; stop: () => Promise<void> } {
  const cluster = realCluster()
  const { apiVersion, kind, name } = statusRef({ namespace, name: 'default' })
  let status: SourceStatus | undefined
  const watch = cluster.watch({ apiVersion, kind, namespace, fieldSelector: `metadata.name=${name}` }, (event) => {
    const [object] = event.type === 'replaced' ? event.items : [event.object]
    status = readSourceStatus(object)
  })
  return {
    isAt: (commit) => status?.ready === true && status.attempted === `main@${commit}`,
    async stop() {
      watch.stop()
      await cluster.close()
    },
  }
}

/** When the Deployment of a file has another number of replicas, in milliseconds since `begin`. */
function watchReplicas(text: string): { begin: () => void; end: () => Promise<number> } {
  const cluster = realCluster()
  const objects = parseAllDocuments(text).map((document) => document.toJS() as KubeObject)
  const found = objects.find(({ kind }) => kind === 'Deployment')
  if (!found) throw new Error('the file has no Deployment')
  const { apiVersion, kind, metadata } = found
  const fieldSelector = `metadata.name=${metadata.name}`
  const { promise, resolve } = Promise.withResolvers<number>()
  let begun = performance.now()
  const watch = cluster.watch({ apiVersion, kind, namespace: metadata.namespace ?? '', fieldSelector }, (event) => {
    if (event.type === 'changed' && (event.object.spec as { replicas?: number }).replicas === 1)
      resolve(performance.now())
  })
  return {
    begin: () => {
      begun = performance.now()
    },
    async end() {
      const at = await promise
      watch.stop()
      await cluster.close()
      return at - begun
    },
  }
}

/** Wall time of one sync-source run that a person asked for, by the queue's own record. */
async function idleSync(capstan: Awaited<ReturnType<typeof startCapstan>>): Promise<number> {
  const { jobId } = await capstan.api<{ jobId: string }>(`/api/v1/sources/${capstan.namespace}/default/sync`, 'POST')
  const done = async (id: string) => {
    const job = await capstan.api<Job>(`/api/v1/jobs/${encodeURIComponent(id)}`)
    return job.state === 'completed' ? job : undefined
  }
  const fetched = await until('fetched', async () => await done(jobId))
  const next = fetched.result?.split('→').at(-1)?.trim() ?? ''
  const synced = await until('synced', async () => await done(next))
  return Date.parse(synced.finishedAt ?? '') - Date.parse(synced.startedAt ?? '')
}

/** The middle of each figure; processor time is of the round with the middle ratio. */
function medianOf(all: readonly Round[]): Round {
  const ordered = all.toSorted((a, b) => a.first / a.bare - b.first / b.bare)
  const central = ordered[Math.floor(all.length / 2)] as Round
  const middle = (pick: (round: Round) => number) => middleOf(all.map(pick))
  return {
    ...central,
    idle: middle(({ idle }) => idle),
    idleReads: middle(({ idleReads }) => idleReads),
    idleWrites: middle(({ idleWrites }) => idleWrites),
    change: middle(({ change }) => change),
    onCluster: middle((round) => round.onCluster),
    residentMb: middle(({ residentMb }) => residentMb),
  }
}

/** The median: of an even number, what lies between the middle two. */
function middleOf(figures: readonly number[]): number {
  const ordered = figures.toSorted((a, b) => a - b)
  const [below = 0, above = below] = [
    ordered[Math.ceil(ordered.length / 2) - 1],
    ordered[Math.floor(ordered.length / 2)],
  ]
  return (below + above) / 2
}

function print(name: string, round: Round): void {
  const { bare, bareCpu, first, firstCpu, idle, idleReads, idleWrites, change, onCluster, residentMb } = round
  const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
  const objects = benchRepository('x', apps, spaces).objects
  console.log(
    [
      `${name} (${objects} objects, ${cpus().length} cores):`,
      `bare client ${seconds(bare)}`,
      `first sync ${seconds(first)} from push to applied`,
      `ratio ${(first / bare).toFixed(2)}`,
      `processor time: ${inWords(firstCpu, 'Capstan')}; bare: ${inWords(bareCpu, 'client')}; ratio ${(sumOf(firstCpu) / sumOf(bareCpu)).toFixed(2)}`,
      `idle resync ${seconds(idle)} with ${idleReads} reads and ${idleWrites} writes`,
      `one changed file ${seconds(onCluster)} from push to the cluster, ${seconds(change)} to applied`,
      `resident ${residentMb.toFixed(0)} MiB`,
    ].join('\n  '),
  )
}

function printImages({ first, second, restarted }: ImagesRound): void {
  const line = (name: string, { seconds, tags, manifest, blob }: ImagesRound['first']) =>
    `${name} ${seconds.toFixed(2)} s; asked for tags ${tags}, manifests ${manifest}, configurations ${blob} times`
  console.log(
    [
      `images (${values.repositories} repositories with ${tagsOfEach} tags, ${cpus().length} cores):`,
      line('first scan', first),
      line('second scan', second),
      line('scan after a restart', restarted),
    ].join('\n  '),
  )
}

function printReleases(name: string, round: ReleaseRound): void {
  const { bareInstall, bareUpgrade, install, upgrade, settling, idle, idleHelms, idleReads, idleWrites, cpu, bareCpu } =
    round
  const against = (ours: number, bare: number) =>
    `${ours.toFixed(2)} s; helm alone, 6 at a time, ${bare.toFixed(2)} s; ratio ${(ours / bare).toFixed(2)}`
  const used = (ours: Cpu, bare: Cpu) =>
    `  processor time: ${inWords(ours, 'Capstan')}; helm alone: ${inWords(bare, 'loop')}; ratio ${(sumOf(ours) / sumOf(bare)).toFixed(2)}`
  console.log(
    [
      `${name} (${values.releases} releases, ${cpus().length} cores):`,
      `install ${against(install, bareInstall)}`,
      used(cpu.install, bareCpu.install),
      `upgrade ${against(upgrade, bareUpgrade)}`,
      used(cpu.upgrade, bareCpu.upgrade),
      `resync after it, one look at each, ${settling.toFixed(2)} s`,
      `idle resync ${idle.toFixed(2)} s with ${idleHelms} helm runs, ${idleReads} reads and ${idleWrites} writes`,
      `resident ${round.residentMb.toFixed(0)} MiB`,
    ].join('\n  '),
  )
}

function printRatios(all: readonly ReleaseRound[]): void {
  const middle = (ratioOf: (round: ReleaseRound) => number) => middleOf(all.map(ratioOf)).toFixed(2)
  const used = (verb: 'install' | 'upgrade') => middle(({ cpu, bareCpu }) => sumOf(cpu[verb]) / sumOf(bareCpu[verb]))
  console.log(
    [
      `median of ${all.length} rounds:`,
      `install ratio ${middle(({ install, bareInstall }) => install / bareInstall)}, processor time ${used('install')}`,
      `upgrade ratio ${middle(({ upgrade, bareUpgrade }) => upgrade / bareUpgrade)}, processor time ${used('upgrade')}`,
    ].join('\n  '),
  )
}

function printApi({ first, pages, residentMb }: ApiRound, rows: number): void {
  const lines = Object.entries(pages).map(
    ([name, { median, p99, worst }]) =>
      `${name}: median ${median.toFixed(1)} ms, 99 of 100 within ${p99.toFixed(1)} ms, worst ${worst.toFixed(1)} ms`,
  )
  console.log(
    [
      `pages of ${rows} releases:`,
      `first answer after ${first.toFixed(1)} s`,
      ...lines,
      `resident ${residentMb.toFixed(0)} MiB`,
    ].join('\n  '),
  )
}

function printSources(round: SourcesRound): void {
  const { bare, bareCpu, first, firstCost, idleSeconds, idle, onCluster, told, pushCost, residentMb } = round
  const cost = ({ reads, writes, gits, jobs, cpu }: Stretch) => {
    const kinds = Object.entries(jobs).map(([kind, many]) => `${many} ${kind}`)
    return `${reads} reads, ${writes} writes, ${gits} git processes, jobs: ${kinds.join(', ') || 'none'}; processor time: ${inWords(cpu, 'Capstan')}`
  }
  console.log(
    [
      `sources (${values.sources}, two objects each, ${cpus().length} cores):`,
      `bare client ${bare.toFixed(2)} s; processor time: ${inWords(bareCpu, 'client')}`,
      `first sync of all ${first.toFixed(2)} s; ratio ${(first / bare).toFixed(2)}`,
      `  ${cost(firstCost)}`,
      `${idleSeconds} s at rest: ${cost(idle)}`,
      `a push that concerns one: ${onCluster.toFixed(2)} s to the cluster, ${told.toFixed(2)} s until all name the commit`,
      `  ${cost(pushCost)}`,
      `resident ${residentMb.toFixed(0)} MiB`,
    ].join('\n  '),
  )
}
