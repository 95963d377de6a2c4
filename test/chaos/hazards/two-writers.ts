import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../../playground/stack/until.ts'
import { type Hazard, judge, scaled, secondsSince, type Trial, type TrialResult } from '../hazard.ts'
import { killAtWrite, manyObjects } from './process-death.ts'

export const b8: Hazard = {
  id: 'B8',
  promise:
    'a worker that stood still for longer than its Lease while another took over: 0 writes by it afterwards, it ends ≤ 5 s after it goes on',
  trials: scaled(100),
  run: (trial) => standStill(trial, manyObjects),
}

/** SIGSTOP at a counted write; the Lease counts for 15 s; SIGCONT when the other one has applied the next commit. */
export async function standStill({ world, random }: Trial, count: number): Promise<TrialResult> {
  const stage = await world.stage()
  const first = stage.objects(count, 'one')
  await stage.push(first)
  const { capstan, api } = stage
  const other = await stage.ownGate()
  const successor = await stage.another([other.flag])
  capstan.start()
  await new Promise<void>((resolve) => api.gate.atWrite(random.between(1, count), resolve))
  capstan.signal('SIGSTOP')
  const stopped = performance.now()
  const second = stage.objects(count, 'two')
  const commit = await stage.push(second)
  successor.start()
  await stage.equals(commit, second, 120_000, successor)
  await sleep(Math.max(0, world.outageMs(90_000) - (performance.now() - stopped)))
  const before = api.gate.writes().length
  const resumed = performance.now()
  capstan.signal('SIGCONT')
  await until('the one that stood still ends', async () => capstan.crashes() > 0, { timeoutMs: 60_000 })
  const seconds = secondsSince(resumed)
  const late = api.gate
    .writes()
    .slice(before)
    .filter(({ at, status }) => at < resumed + seconds * 1000 && status < 300)
  await stage.equals(commit, second, 240_000, successor)
  return judge(
    { overlapping: [late.length, 0], endedSeconds: [seconds, 5] },
    late
      .map(({ method, path, status }) => `${method} ${path} ${status}`)
      .slice(0, 5)
      .join(', '),
  )
}

export const a5: Hazard = {
  id: 'A5',
  promise:
    'kill -9 around the move of the sync tag: the tag is the old or the new commit, never ahead of what is applied',
  trials: scaled(100),
  run: killAroundTag,
}

const tag = 'refs/tags/flux-sync'

async function killAroundTag({ world, random, index }: Trial): Promise<TrialResult> {
  const stage = await world.stage({ flags: ['--sync-state=git'] })
  const { repository, capstan } = stage
  const tagged = async () => {
    const lines = (await repository.git('ls-remote', 'origin', `${tag}*`)).split('\n')
    return (lines.find((line) => line.endsWith('^{}')) ?? lines[0] ?? '').split(/\s/)[0] ?? ''
  }
  const first = stage.objects(20, 'one')
  const before = await stage.push(first)
  capstan.start()
  await stage.equals(before, first)
  const moved = await until('the tag is there', async () => (await tagged()) !== '', { timeoutMs: 15_000 }).catch(
    () => false,
  )
  if (!moved) return { ok: false, measured: {}, notRun: '--sync-state=git moves no tag yet' }
  const second = stage.objects(20, 'two')
  // Even trials: while the tag is on its way; odd ones: while objects and records are written before it.
  const push = new Promise<void>((resolve) => stage.git.gate.atWrite(1, resolve, /git-receive-pack$/))
  const killed = index % 2 === 0 ? push.then(() => capstan.kill()) : killAtWrite(stage, random.between(1, 21))
  const after = await stage.push(second)
  await killed
  const seen = await tagged()
  const applied = (await stage.differences(second)).different.length === 0
  const odd = seen !== before && !(seen === after && applied) ? 1 : 0
  capstan.start()
  await stage.equals(after, second, 90_000)
  await until('the tag follows', async () => (await tagged()) === after, { timeoutMs: 60_000 })
  return judge({ tagAhead: [odd, 0] })
}
