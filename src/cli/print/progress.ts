import type { Job } from '../../api/contract/job.ts'
import { durationOf, untilOf } from './age.ts'
import { clean } from './clean.ts'
import type { Output, Style } from './style.ts'
import { shorten } from './width.ts'

/** One line at a terminal that says what is waited for, written anew as it changes and taken away in the end. */
export type ProgressLine = {
  /** From now on. */
  begin(what: string): void
  /** How the job stands. */
  job(job: Job): void
  /** Takes the line away. */
  end(): void
  /** The same output, which takes the line away before it writes. */
  beside(out: Output): Output
}

const clearLine = '\r\u001b[2K'
const tickMs = 1000
/** What takes no time needs no line. */
const firstAfterMs = 400

/** Shows nothing where `isWanted` is false: into a pipe, to a dumb terminal. */
export function createProgressLine(parts: {
  terminal: Output
  style: Style
  isWanted: boolean
  now: () => number
}): ProgressLine {
  const { terminal, style, isWanted, now } = parts
  if (!isWanted) return { begin() {}, job() {}, end() {}, beside: (out) => out }
  let what = ''
  let since = 0
  let isShown = false
  let timer: NodeJS.Timeout | undefined

  function draw(): void {
    const elapsed = now() - since
    if (timer === undefined || elapsed < firstAfterMs) return
    const width = (terminal.columns || 80) - 1
    terminal.write(`${clearLine}${style.faint(shorten(`${what}, ${durationOf(elapsed)}`, width))}`)
    isShown = true
  }

  function hide(): void {
    if (isShown) terminal.write(clearLine)
    isShown = false
  }

  return {
    begin(next) {
      what = `waiting for ${clean(next)}`
      since = now()
      timer ??= setInterval(draw, tickMs).unref()
    },
    job(job) {
      what = `${job.kind} ${clean(job.name)}: ${wordsOf(job, now())}`
      draw()
    },
    end() {
      clearInterval(timer)
      timer = undefined
      hide()
    },
    beside: (out) => ({
      get isTTY() {
        return out.isTTY === true
      },
      get columns() {
        return out.columns || 80
      },
      write(text) {
        hide()
        return out.write(text)
      },
    }),
  }
}

/** What a job does now, for one line. */
export function wordsOf({ state, progress, waitsFor, failure, nextRunAt, lane }: Job, now: number): string {
  if (state === 'waiting') return `in line (${clean(lane)})`
  if (state === 'delayed') return `${clean(waitsFor ?? failure ?? 'waits')}; next try ${untilOf(nextRunAt, now)}`
  if (state !== 'active') return state
  return progress ? progressWords(progress) : 'runs'
}

/** How far a job has come: `applying objects 120 of 998`. */
export function progressWords({ step, done, total }: NonNullable<Job['progress']>): string {
  return `${clean(step)}${total > 0 ? ` ${done} of ${total}` : ''}`
}
