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

/** One row for each hazard that was run, as docs/reliability.md shows them. */
export function markdownRows(outcomes: readonly Outcome[], { seed, scale }: { seed: number; scale: number }): string[] {
  const date = new Date().toISOString().slice(0, 10)
  const machine = `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? arch()}, ${Math.round(totalmem() / 2 ** 30)} GiB`
  return outcomes.map((outcome) => {
    const result = outcome.notRun === undefined ? `${outcome.passed} of ${outcome.trials}` : 'not run'
    const where = `scale ${scale}, seed ${seed}, ${date}, ${machine}`
    return `| ${outcome.id} | ${outcome.promise} | ${result} | ${figures(outcome)} | ${where} |`
  })
}

const head = ['| Hazard | Promise | Passed | Worst figures | Run |', '|---|---|---|---|---|']
const rowPattern = /^\| ([A-Z])(\d+) \|/

/** The document with these rows in the place of those of the same hazards; the others stay. */
export function putRows(document: string, rows: readonly string[]): string {
  const [begin, end] = [document.indexOf(beginMark), document.indexOf(endMark)]
  if (begin < 0 || end < begin) throw new Error(`the document has no ${beginMark} and ${endMark}`)
  const before = document.slice(begin, end).split('\n')
  const all = new Map([...before, ...rows].flatMap((row) => (rowPattern.test(row) ? [[idOf(row), row]] : [])))
  const sorted = [...all].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row)
  return `${document.slice(0, begin + beginMark.length)}\n\n${[...head, ...sorted].join('\n')}\n\n${document.slice(end)}`
}

/** Sorts as people count: A2 before A10. */
function idOf(row: string): string {
  const [, letter = '', number = ''] = rowPattern.exec(row) ?? []
  return `${letter}${number.padStart(3, '0')}`
}
