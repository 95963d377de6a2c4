import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { residentMb } from '../../bench/resident.ts'
import { type Hazard, judge, type Trial, type TrialResult } from '../hazard.ts'
import type { Stage } from '../world.ts'

const junkPerSecond = 5_000
const script = fileURLToPath(new URL('../junk-process.ts', import.meta.url))

export const l5: Hazard = {
  id: 'L5',
  promise:
    '5,000 junk webhooks a second for a minute: 99 of 100 real calls are answered ≤ 500 ms, the process grows ≤ 100 MiB, no job comes of it, no crash',
  trials: () => 1,
  alone: true,
  run: flood,
}

/** People ask all the time, as a page that is open does; a commit comes in the middle. */
async function flood({ world, scale }: Trial): Promise<TrialResult> {
  const stage = await world.stage()
  const { capstan } = stage
  const first = stage.objects(50, 'one')
  const commit = await stage.push(first)
  capstan.start()
  await stage.equals(commit, first)
  const seconds = Math.max(5, Math.round(60 * Math.min(scale, 1)))
  // what an untroubled process grows to by itself is not of the junk
  const before = await ask(stage, 5)
  const junk = spawn(process.execPath, [script, new URL(capstan.url).port, String(junkPerSecond)])
  let said = ''
  junk.stdout.setEncoding('utf8').on('data', (text: string) => (said = text))
  world.atEnd(async () => junk.kill('SIGKILL'))
  const objects = stage.objects(50, 'two')
  const second = await stage.push(objects)
  const during = await ask(stage, seconds)
  await stage.equals(second, objects)
  junk.kill('SIGKILL')
  const [sent = 0, answered = 0] = said.trim().split('\n').at(-1)?.split(' ').map(Number) ?? []
  const { body } = await capstan.call('/api/v1/jobs?kind=fetch-source&limit=500')
  const pushed = (body as { jobs: { reason: string }[] }).jobs.filter(({ reason }) => reason === 'push')
  const result = judge({
    p99Ms: [during.p99Ms, 500],
    grownMebibytes: [Math.max(0, Math.round(during.residentMb - before.residentMb)), 100],
    notAnswered: [during.notAnswered, 0],
    jobs: [pushed.length, 0],
    crashes: [capstan.crashes(), 0],
    // else it was no flood
    tooFew: [Math.max(0, 600 + 1 - answered), 0],
  })
  return { ...result, measured: { ...result.measured, sent, answered, seconds } }
}

/** Some real calls a second for so long: how they were answered, and the most memory that the process had meanwhile. */
async function ask({ capstan }: Stage, seconds: number) {
  const times: number[] = []
  let [most, notAnswered] = [0, 0]
  for (const end = performance.now() + seconds * 1000; performance.now() < end; await sleep(50)) {
    const { status, ms } = await capstan.call('/api/v1/status')
    if (status !== 200) notAnswered++
    times.push(ms)
    most = Math.max(most, residentMb(capstan.pid()))
  }
  const p99Ms = Math.round(times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? 0)
  return { p99Ms, residentMb: most, notAnswered }
}
