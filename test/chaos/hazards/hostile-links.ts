import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Chart } from '../../../src/adapters/helm/index.ts'
import { AppError } from '../../../src/domain/error.ts'
import { readSpec } from '../../../src/domain/release/spec.ts'
import { prepareChart } from '../../../src/jobs/sync-release/chart.ts'
import { composeValues } from '../../../src/jobs/sync-release/compose-values.ts'
import { createRepository, type Repository } from '../../e2e/repository.ts'
import { type ChartGround, dryRun, isLeak, lookThrough, openChartGround } from '../chart-world.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import { makeControl, makeLayout, makeOutside } from '../link-layout.ts'
import type { Random } from '../random.ts'
import type { World } from '../world.ts'

const layoutsPerTrial = 10

export const i1: Hazard = {
  id: 'I1',
  promise:
    'charts of git with links that lead out in Chart.lock, crds/, values, templates, subcharts and files, also over other links (100, and one that helm alone would follow): 0 bytes from outside in the tree or in what helm renders, 0 links in the tree',
  trials: scaled(10),
  run: (trial) => layouts(trial, layoutsPerTrial),
}

/** Charts of one commit, each rendered by helm against the API server. A chart that its links leave without a Chart.yaml is refused. */
export async function layouts({ world, random }: Trial, count: number): Promise<TrialResult> {
  const outside = join(world.directory, 'outside')
  makeOutside(outside)
  const ground = openChartGround(world)
  const repository = await openRepository(world)
  const paths = Array.from({ length: count }, (_, n) =>
    makeLayout(random, { root: repository.clone, name: `layout-${n}`, outside }),
  )
  const control = makeControl(repository.clone, outside)
  paths.push(control)
  await commit(repository)
  const figures = { leaks: 0, links: 0, honest: 0 }
  const odd: string[] = []
  for (const path of paths) {
    const chart = await prepare(ground, { git: repository.url, ref: 'main', path }).catch((error: unknown) => error)
    if (chart instanceof Error) {
      if (isLeak(chart.message)) figures.leaks++
      continue
    }
    const { links, leaks } = lookThrough((chart as Chart).path)
    const rendered = await ground.helm.preview(dryRun((chart as Chart).path))
    const text = rendered.ok ? rendered.manifest : rendered.message
    if (isLeak(text) || leaks > 0) odd.push(path)
    figures.leaks += leaks + (isLeak(text) ? 1 : 0)
    figures.links += links
    if (text.includes('marker-inside')) figures.honest++
  }
  const plain = await ground.helm.preview(dryRun(join(repository.clone, control)))
  const isHarmless = !plain.ok || !isLeak(plain.manifest)
  const result = judge(
    {
      leaks: [figures.leaks, 0],
      links: [figures.links, 0],
      nothingRendered: [figures.honest > 0 ? 0 : 1, 0],
      harmless: [isHarmless ? 1 : 0, 0],
    },
    odd.join(', '),
  )
  return { ...result, measured: { ...result.measured, rendered: figures.honest } }
}

async function openRepository(world: World): Promise<Repository> {
  const repository = await createRepository()
  world.atEnd(() => repository.stop())
  return repository
}

async function commit(repository: Repository): Promise<void> {
  await repository.git('add', '-A')
  await repository.git('commit', '-qm', 'links')
  await repository.git('push', '-q', 'origin', 'HEAD:main')
}

/** As the job of a HelmRelease with this `spec.chart` does it. */
async function prepare({ deps }: ChartGround, chart: Record<string, unknown>): Promise<Chart> {
  return await prepareChart(specOf({ chart }), deps, new AbortController().signal)
}

function specOf(spec: Record<string, unknown>) {
  const metadata = { name: 'app', namespace: 'default', uid: 'u' }
  const object = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', metadata, spec }
  return readSpec(object, { gitRef: 'main', updateDependencies: true })
}

const pathsPerTrial = 40
const jobsPerTrial = 100

export const j8: Hazard = {
  id: 'J8',
  promise:
    'chartFileRef, chart.path and file:// dependencies with paths that climb or lead through links (400): 0 reads outside; after 1,000 jobs, failed and stopped ones too, 0 folders left, each of them private',
  trials: scaled(10),
  run: (trial) => paths(trial, { paths: pathsPerTrial, jobs: Math.max(10, Math.round(jobsPerTrial * trial.scale)) }),
}

/** Half of the paths are read from a chart that is as git has it, half from one in whose folder somebody has planted links. */
export async function paths({ world, random }: Trial, counts: { paths: number; jobs: number }): Promise<TrialResult> {
  const outside = join(world.directory, 'outside')
  makeOutside(outside)
  const ground = openChartGround(world)
  const repository = await openRepository(world)
  makeLayout(random, { root: repository.clone, name: 'app', outside })
  const wanted = Array.from({ length: counts.paths }, () => hostilePath(random, outside))
  write(repository.clone, {
    'plain/Chart.yaml': 'apiVersion: v2\nname: plain\nversion: 0.1.0\n',
    'plain/values/prod.yaml': 'where: inside\n',
    'plain/templates/a.yaml': '{{ if .Values.fail }}{{ fail "as it was asked to" }}{{ end }}\n',
    ...Object.fromEntries(wanted.map((path, n) => [`needs-${n}/Chart.yaml`, needing(path)])),
  })
  await commit(repository)
  const chartOf = (path: string) => prepare(ground, { git: repository.url, ref: 'main', path })
  const plain = await chartOf('plain')
  const planted = await chartOf('./plain/')
  plantIn(planted.path, outside)
  const found = { leaks: 0, inside: 0 }
  const odd: string[] = []
  for (const [n, path] of wanted.entries()) {
    const texts = await Promise.all(
      [
        valuesOf(ground, plain, path),
        valuesOf(ground, planted, path),
        chartOf(path).then(treeOf),
        chartOf(`needs-${n}`).then(treeOf),
      ].map((text) => text.catch((error: unknown) => String(error))),
    )
    if (texts.some(isLeak)) odd.push(path)
    found.leaks += texts.filter(isLeak).length
    found.inside += texts.filter((text) => text.includes('inside')).length
  }
  const jobs = await manyJobs(ground, { random, chart: plain, count: counts.jobs, chartOf })
  const result = judge({ leaks: [found.leaks, 0], ...jobs }, odd.join(', '))
  return { ...result, measured: { ...result.measured, readInside: found.inside } }
}

function write(root: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
}

/** What no archive and no commit can put there. */
function plantIn(folder: string, outside: string): void {
  symlinkSync(join(outside, 'secret.yaml'), join(folder, 'planted.yaml'))
  symlinkSync(outside, join(folder, 'planted'))
  symlinkSync('planted', join(folder, 'twice'))
  symlinkSync('/', join(folder, 'root'))
  mkdirSync(join(folder, 'below'))
  symlinkSync('../planted', join(folder, 'below/deep'))
}

function hostilePath(random: Random, outside: string): string {
  const climb = '../'.repeat(random.between(1, 15))
  const file = join(outside, random.pick(['secret.yaml', 'lock.yaml', 'templates/map.yaml', 'sub']))
  return random.pick([
    file,
    `${climb}${file.slice(1)}`,
    `values/${climb}${file.slice(1)}`,
    `${climb}proc/self/root${file}`,
    `/proc/self/root${file}`,
    `${climb}etc/passwd`,
    `file://${file}`,
    'values/../values/prod.yaml',
    'planted.yaml',
    'planted/secret.yaml',
    'planted/sub',
    'twice/secret.yaml',
    'below/deep/secret.yaml',
    `root${file}`,
    'root/etc/passwd',
    'values/prod.yaml\0/../../secret.yaml',
    `%2e%2e/%2e%2e${file}`,
    `..%2f..%2f${file}`,
    `~/../${file}`,
    `./././${climb}${file.slice(1)}`,
    `charts/../../${climb}${file.slice(1)}`,
    `../app/${random.pick(['prod.yaml', 'values.yaml', 'files', 'charts/sub', 'templates/more', 'crds', 'loop'])}`,
    `app/${random.pick(['charts/sub', 'files/secret.yaml', 'charts', 'crds', 'loop/plain'])}`,
  ])
}

/** A chart whose dependency is at that path. */
function needing(path: string): string {
  const dependency = { name: 'sub', version: '*', repository: path.startsWith('file://') ? path : `file://${path}` }
  return JSON.stringify({ apiVersion: 'v2', name: 'app', version: '0.1.0', dependencies: [dependency] })
}

async function valuesOf({ deps }: ChartGround, chart: Chart, path: string): Promise<string> {
  const spec = specOf({ valuesFrom: [{ chartFileRef: { path } }] })
  return JSON.stringify(await composeValues(spec, chart, deps, new AbortController().signal))
}

function treeOf({ path }: Chart): string {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => !entry.isDirectory() && !entry.isSymbolicLink())
  return files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8')).join('\n')
}

type Jobs = { random: Random; chart: Chart; count: number; chartOf: (path: string) => Promise<Chart> }

/** Charts that are there and not, runs of helm that end well, badly, or when they are stopped. Gives what they left behind. */
async function manyJobs(
  ground: ChartGround,
  { random, chart, count, chartOf }: Jobs,
): Promise<Record<string, [number, number]>> {
  const { folders, helm } = ground
  let open = 0
  const failing = { values: { fail: true, text: 'x'.repeat(random.between(1, 5_000)) } }
  const kinds = [
    () => helm.preview(dryRun(chart.path)),
    () => helm.preview({ ...dryRun(chart.path), ...failing }),
    () => helm.preview({ ...dryRun(chart.path), ...failing }, AbortSignal.timeout(random.between(1, 80))),
    () => chartOf(`absent-${random.next()}`),
    () => chartOf('plain/values'),
    () => ground.deps.charts.fromFolder(`${random.next()}`, { fill: failHalfWay }, new AbortController().signal),
  ]
  const queue = Array.from({ length: count }, () => random.pick(kinds))
  const lookAtModes = () => {
    for (const folder of Object.values(folders))
      for (const path of [folder, ...scratchIn(folder)])
        if (((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) > 0) open++
  }
  const worker = async () => {
    for (let job = queue.pop(); job; job = queue.pop()) {
      const running = job().catch(() => undefined)
      lookAtModes()
      await running
      lookAtModes()
    }
  }
  await Promise.all([worker(), worker(), worker()])
  return { left: [Object.values(folders).flatMap(scratchIn).length, 0], openToOthers: [open, 0] }
}

async function failHalfWay(folder: string): Promise<void> {
  write(folder, { 'templates/a.yaml': 'half' })
  throw new AppError('PathNotFound', 'half way')
}

/** Folders that one job has for itself. */
function scratchIn(folder: string): string[] {
  const isScratch = (name: string) => name.startsWith('values-') || /^chart-.*\./.test(name)
  return existsSync(folder)
    ? readdirSync(folder)
        .filter(isScratch)
        .map((name) => join(folder, name))
    : []
}
