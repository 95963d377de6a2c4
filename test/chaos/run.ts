// `npm run chaos -- …`: injects the faults of the table of hazards into a real Capstan and judges it by the figure of each row.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setup, teardown } from '../stack/setup.ts'
import { stack } from '../stack/stack.ts'
import type { Hazard } from './hazard.ts'
import { hazards } from './hazards/index.ts'
import { type Options, readOptions, usage } from './options.ts'
import { hasFailed, markdownRows, putRows, summaryTable } from './report.ts'
import { closeWorlds, type Outcome, runTrials } from './trials.ts'

const root = resolve(fileURLToPath(new URL('../..', import.meta.url)))

process.exitCode = await main(process.argv.slice(2))
// A proxy that holds a black-holed connection must not keep the process.
process.exit()

async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help')) {
    console.log(usage)
    return 0
  }
  let options: Options
  let chosen: Hazard[]
  try {
    options = readOptions(argv, Math.floor(Math.random() * 1e9))
    chosen = choose(options.only)
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`)
    return 64
  }
  console.log(`seed ${options.seed}, scale ${options.scale}, ${chosen.length} hazards`)
  if (options.stack) process.env.CAPSTAN_TEST_STACK = resolve(options.stack)
  const stop = () =>
    void closeWorlds()
      .then(teardown)
      .finally(() => process.exit(130))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  await setup()
  try {
    return report(await runAll(chosen, options), options)
  } finally {
    await teardown()
  }
}

function choose(only: readonly string[]): Hazard[] {
  const unknown = only.filter((id) => !hazards.some((hazard) => hazard.id === id))
  if (unknown.length > 0)
    throw new Error(`no such hazard: ${unknown.join(', ')}; there are ${hazards.map(({ id }) => id).join(', ')}`)
  return hazards.filter(({ id }) => only.length === 0 || only.includes(id))
}

async function runAll(chosen: readonly Hazard[], options: Options): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const hazard of chosen) {
    const count = hazard.trials(options.scale)
    const indexes = options.trial === undefined ? Array.from({ length: count }, (_, n) => n) : [options.trial]
    console.log(`${hazard.id}: ${hazard.promise}`)
    const { scale, seed, workers } = options
    const outcome = await runTrials({
      hazard,
      indexes,
      stack: stack(),
      scale,
      seed,
      workers,
      onTrial({ ok, index, count: done, why }) {
        if (ok) return progress(`${hazard.id} trial ${done}/${indexes.length}`)
        const replay = `npm run chaos -- --only ${hazard.id} --scale ${scale} --seed ${seed} --trial ${index}`
        if (why) console.log(`  ✗ trial ${index}: ${why}\n    again: ${replay}`)
      },
    })
    console.log(summaryTable([outcome]))
    outcomes.push(outcome)
  }
  return outcomes
}

/** On a terminal in place, else a line now and then is enough: the result of the hazard follows. */
function progress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r${text}\r`)
}

function report(outcomes: readonly Outcome[], options: Options): number {
  console.log(`\n${summaryTable(outcomes)}\nseed ${options.seed}`)
  const out = resolve(root, options.out)
  mkdirSync(out, { recursive: true })
  const rows = markdownRows(outcomes, options)
  writeFileSync(join(out, 'results.json'), JSON.stringify({ options, outcomes }, undefined, 2))
  writeFileSync(join(out, 'table.md'), `${rows.join('\n')}\n`)
  if (options.writeDocs) {
    const file = join(root, 'docs', 'reliability.md')
    writeFileSync(file, putRows(readFileSync(file, 'utf8'), rows))
  }
  return outcomes.some((outcome) => hasFailed(outcome, options.scale)) ? 1 : 0
}
