import { arch, availableParallelism, cpus, totalmem } from 'node:os'
import type { Outcome } from './trials.ts'

/** A row that was not run is a failure where the release is judged. */
export function hasFailed(outcome: Outcome, scale: number): boolean {
  return outcome.notRun === undefined ? outcome.passed < outcome.trials : scale >= 1
}

/** One line a hazard, for people who watch. */
export function summaryTable(outcomes: readonly Outcome[]): string {
  return outcomes
    .map((outcome) => {
      const mark = outcome.notRun !== undefined ? '–' : outcome.passed === outcome.trials ? '✓' : '✗'
      const counts = `${outcome.passed}/${outcome.trials}`.padStart(9)
      return `${mark} ${outcome.id.padEnd(4)}${counts} ${String(outcome.seconds).padStart(5)} s  ${figures(outcome)}`
    })
    .join('\n')
}

function figures({ notRun, worst }: Outcome): string {
  if (notRun !== undefined) return `not run: ${notRun}`
  return Object.entries(worst)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}

const [beginMark, endMark] = ['<!-- begin of the results -->', '<!-- end of the results -->']

/** The results as docs/reliability.md shows them. */
export function markdownTable(outcomes: readonly Outcome[], { seed, scale }: { seed: number; scale: number }): string {
  const date = new Date().toISOString().slice(0, 10)
  const machine = `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? arch()}, ${Math.round(totalmem() / 2 ** 30)} GiB`
  const rows = outcomes.map((outcome) => {
    const result = outcome.notRun === undefined ? `${outcome.passed} of ${outcome.trials}` : 'not run'
    return `| ${outcome.id} | ${outcome.promise} | ${result} | ${figures(outcome)} | ${date} |`
  })
  return [
    `Scale ${scale}, seed ${seed}, ${date}, on ${machine}. Figures are the worst of all trials.`,
    '',
    '| Hazard | Promise | Passed | Worst figures | Date |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n')
}

/** The document with the table of the last run in the place of the one before. */
export function putTable(document: string, table: string): string {
  const [begin, end] = [document.indexOf(beginMark), document.indexOf(endMark)]
  if (begin < 0 || end < begin) throw new Error(`the document has no ${beginMark} and ${endMark}`)
  return `${document.slice(0, begin + beginMark.length)}\n\n${table}\n\n${document.slice(end)}`
}
