import { existsSync, lstatSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { createEgress } from '../../../src/adapters/egress/index.ts'
import { AppError } from '../../../src/domain/error.ts'
import { openCharts } from '../../helm/world.ts'
import { startServer } from '../../registry/fake-registry.ts'
import { type Hazard, judge, scaled, type Trial, type TrialResult } from '../hazard.ts'
import { families, goodArchive } from '../odd-archive.ts'

const archivesPerTrial = 6

export const i2: Hazard = {
  id: 'I2',
  promise:
    'chart archives with paths that lead out, links, devices, bombs, too many files or no archive at all (60): each refused ≤ 2 s, 0 files outside, nothing left, disk ≤ 60 MB; one with odd rights is taken without them',
  trials: scaled(10),
  run: (trial) => archives(trial, archivesPerTrial),
  alone: true,
}

/** Through the door that charts of repositories take. Every trial goes on in the list of kinds where the one before ended. */
export async function archives({ world, random, index }: Trial, count: number): Promise<TrialResult> {
  const outside = join(world.directory, 'outside')
  const cache = join(world.directory, 'charts')
  mkdirSync(outside)
  const egress = createEgress()
  world.atEnd(() => egress.close())
  const charts = openCharts({ directory: cache, egress })
  let body: Buffer = Buffer.alloc(0)
  const server = await startServer(({ path }, answer, host) => {
    const version = `{version: 1.0.0, urls: ["http://${host}/demo-1.0.0.tgz"]}`
    answer.end(path.endsWith('/index.yaml') ? `entries: {demo: [${version}]}\n` : body)
  })
  world.atEnd(() => server.close())
  const take = (n: number) =>
    charts.fromRepository(
      { url: `http://${server.host}/${n}`, name: 'demo', version: '1.0.0' },
      new AbortController().signal,
    )
  const figures = { accepted: 0, crashes: 0, slowest: 0, disk: 0 }
  const odd: string[] = []
  for (let n = 0; n < count; n++) {
    const family = families[(index * count + n) % families.length]
    if (!family) throw new Error('there is no kind of archive')
    body = family.make(random, outside)
    const begun = performance.now()
    const watch = setInterval(() => (figures.disk = Math.max(figures.disk, bytesBelow(cache))), 10)
    const error: unknown = await take(n).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    clearInterval(watch)
    figures.slowest = Math.max(figures.slowest, performance.now() - begun)
    figures.disk = Math.max(figures.disk, bytesBelow(cache))
    if (error === undefined) figures.accepted++
    else if (!(error instanceof AppError)) figures.crashes++
    if (!(error instanceof AppError)) odd.push(`${family.name}: ${String(error)}`)
  }
  const left = treesIn(cache)
  body = goodArchive(random)
  const chart = await take(count)
  const rights = statSync(join(chart.path, 'values.yaml')).mode & 0o7777
  return judge(
    {
      accepted: [figures.accepted, 0],
      crashes: [figures.crashes, 0],
      slowestMs: [Math.round(figures.slowest), 2_000],
      diskMegabytes: [Math.round(figures.disk / 1e6), 60],
      outside: [readdirSync(outside).length, 0],
      left: [left, 0],
      oddRights: [rights === 0o600 ? 0 : 1, 0],
    },
    odd.join('; '),
  )
}

function treesIn(cache: string): number {
  return existsSync(cache) ? readdirSync(cache).filter((name) => !name.startsWith('index-')).length : 0
}

/** Files may go while they are counted. */
function bytesBelow(folder: string): number {
  if (!existsSync(folder)) return 0
  let bytes = 0
  for (const name of readdirSync(folder, { recursive: true }) as string[])
    bytes += lstatSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0
  return bytes
}
