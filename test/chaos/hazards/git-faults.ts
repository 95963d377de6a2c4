import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { until } from '../../../playground/stack/until.ts'
import { type Hazard, judge, scaled, secondsSince, type Trial, type TrialResult } from '../hazard.ts'
import { pathOf } from '../objects.ts'
import type { Stage } from '../world.ts'

const run = promisify(execFile)

export const a1: Hazard = {
  id: 'A1',
  promise:
    'kill -9 (every fourth trial: one wrong bit) at any byte of a big fetch: the next sync is right, git fsck clean, disk ≤ 1.1 × of a clean mirror',
  trials: scaled(100),
  run: killFetch,
}

/** Text that does not compress; base64 keeps three of four bytes. */
const bigBytes = (scale: number) => Math.round(200e6 * Math.min(1, scale))

async function killFetch({ world, random, index, scale }: Trial): Promise<TrialResult> {
  const stage = await world.stage({ flags: ['--git-timeout=15s', '--git-path=apps,namespaces'] })
  const { capstan } = stage
  const objects = stage.objects(20, 'one')
  const big = { 'big.bin': randomBytes((bigBytes(scale) * 3) / 4).toString('base64') }
  const isFirst = index % 2 === 0
  if (!isFirst) {
    capstan.start()
    await stage.equals(await stage.push(objects), objects)
  }
  const offset = random.between(2000, Math.round(bigBytes(scale) * 0.7))
  const killed = index % 4 === 3 ? corrupt(stage, offset) : killAtByte(stage, offset)
  const commit = await stage.push(objects, big)
  if (isFirst) capstan.start()
  await killed
  if (!capstan.alive()) capstan.start()
  await stage.equals(commit, objects, 120_000)
  const mirrors = join(capstan.directory, 'cache', 'git', 'mirrors')
  const [name = ''] = readdirSync(mirrors)
  const mirror = join(mirrors, name)
  const clean = join(world.directory, 'clean.git')
  await run('git', ['clone', '-q', '--mirror', stage.repository.url, clean])
  const baseline = await diskOf(clean)
  // What a killed git left is taken away once it is older than any operation, at the next fetch.
  const share = await until(
    'the disk is as small as before',
    async () => ((await diskOf(mirrors)) <= 1.1 * baseline ? (await diskOf(mirrors)) / baseline : undefined),
    { timeoutMs: 60_000, everyMs: 1000 },
  ).catch(async () => (await diskOf(mirrors)) / baseline)
  const fsck = await run('git', ['-C', mirror, 'fsck', '--connectivity-only']).then(
    () => 0,
    () => 1,
  )
  return judge({ fsckFailed: [fsck, 0], diskShare: [Math.round(share * 100) / 100, 1.1] })
}

async function killAtByte({ git, capstan }: Stage, offset: number): Promise<void> {
  await new Promise<void>((resolve) => {
    git.cable.at(offset, async () => {
      await capstan.kill('SIGKILL')
      resolve()
    })
  })
}

async function corrupt({ git }: Stage, offset: number): Promise<void> {
  git.cable.corruptAt(offset)
}

/** Bytes below a folder. */
async function diskOf(folder: string): Promise<number> {
  const { stdout } = await run('du', ['-sb', folder])
  return Number.parseInt(stdout, 10)
}

const ways = ['black hole', '5xx', 'slow drip', 'refused'] as const

export const d1: Hazard = {
  id: 'D1',
  promise:
    'git server black-holed, 5xx, dripping or gone: drift is corrected on, 0 deletions, 0 hung children, a new commit is live ≤ 30 s after it is back',
  trials: scaled(40),
  run: gitAway,
}

async function gitAway({ world, random, index }: Trial): Promise<TrialResult> {
  const way = ways[index % ways.length] ?? 'refused'
  const stage = await world.stage({ flags: ['--git-timeout=5s'] })
  const { capstan, git, cluster } = stage
  const objects = stage.objects(40, 'one')
  capstan.start()
  await stage.equals(await stage.push(objects), objects)
  const next = stage.objects(40, 'two')
  if (way === 'black hole') git.cable.blackHole('all')
  else if (way === '5xx') git.gate.fail(503, 1, random)
  else if (way === 'slow drip') git.cable.throttle(20)
  else {
    git.cable.refuse(true)
    git.cable.cut()
  }
  const commit = await stage.push(next)
  const begun = performance.now()
  await until('the reason is shown', async () => (await stage.source())?.reason === 'GitUnreachable', {
    logFile: capstan.logFile,
  })
  const victim = random.pick(objects.filter(({ kind }) => kind === 'ConfigMap'))
  await cluster.patch(pathOf(victim), { data: { value: 'drifted' } })
  await until('drift is corrected', async () => (await stage.differences(objects)).different.length === 0, {
    timeoutMs: 30_000,
  })
  await sleep(Math.max(0, world.outageMs(1_800_000) - (performance.now() - begun)))
  const lost = (await stage.differences(objects)).missing.length
  git.cable.blackHole('none')
  git.gate.fail(503, 0, random)
  git.cable.throttle(0)
  git.cable.refuse(false)
  const back = performance.now()
  await stage.equals(commit, next, 90_000)
  const seconds = secondsSince(back)
  return judge(
    {
      deletes: [stage.deletesOf(objects) + lost, 0],
      recoverSeconds: [seconds, 30],
      hungChildren: [await oldGits(capstan.pid(), 20), 0],
    },
    way,
  )
}

/** git processes below a process that are older than so many seconds. */
async function oldGits(parent: number, seconds: number): Promise<number> {
  const { stdout } = await run('ps', ['-e', '-o', 'pid=,ppid=,etimes=,comm='])
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  const below = new Set([parent])
  for (let size = 0; size !== below.size; ) {
    size = below.size
    for (const [pid, ppid] of rows) if (below.has(Number(ppid))) below.add(Number(pid))
  }
  return rows.filter(
    ([pid, , age, name = '']) => below.has(Number(pid)) && name.startsWith('git') && Number(age) > seconds,
  ).length
}

export const d2: Hazard = {
  id: 'D2',
  promise: 'history rewritten (amended, reset, unrelated root): live == HEAD, ≤ 60 s',
  trials: scaled(50),
  run: rewrite,
}

export async function rewrite({ world, random, index }: Trial): Promise<TrialResult> {
  const stage = await world.stage()
  const { repository } = stage
  const first = stage.objects(30, 'one')
  await stage.push(first)
  stage.capstan.start()
  const second = [...stage.objects(30, 'two').slice(0, 20), ...first.slice(25)]
  await stage.equals(await stage.push(second), second)
  const way = ['amend', 'reset', 'unrelated', 'older and on'][index % 4] ?? 'amend'
  const third = stage.objects(random.between(16, 30), 'three')
  let [commit, objects] = ['', third]
  if (way === 'reset') {
    await repository.git('reset', '-q', '--hard', 'HEAD~1')
    objects = first
  } else {
    if (way === 'unrelated') await repository.git('checkout', '-q', '--orphan', 'fresh')
    if (way === 'older and on') await repository.git('reset', '-q', '--hard', 'HEAD~1')
    await repository.git('checkout', '-q', '-B', 'work')
    await stage.push(third).catch(() => undefined)
    if (way === 'amend') await repository.git('commit', '-q', '--amend', '-m', 'amended', '--date=1970-01-02T00:00:00')
  }
  await repository.git('push', '-q', '--force', 'origin', 'HEAD:main')
  commit = await repository.git('rev-parse', 'HEAD')
  const seconds = await stage.equals(commit, objects)
  return judge({ seconds: [seconds, 60], wrongDeletes: [stage.deletesOf(objects), 0] }, way)
}
