import { AsyncLocalStorage } from 'node:async_hooks'
import type { LogOptions } from '../adapters/log/index.ts'
import type { JobTeller, RunAround } from '../adapters/queue/index.ts'
import type { LogFields } from '../lib/logger.ts'
import { readProgress } from '../lib/progress.ts'

type JobLogs = { also: NonNullable<LogOptions['also']>; around: RunAround }

/**
 * Lets each line of the log be written to the job, too, that it was written for: which one that is follows the work through everything
 * that it awaits. What is for debugging stays in the log of the process, but for how far the work has come (lib/progress.ts).
 */
export function createJobLogs(): JobLogs {
  const current = new AsyncLocalStorage<JobTeller>()
  return {
    also(level, fields, message) {
      const teller = current.getStore()
      if (level !== 'debug') return teller?.note(lineOf(level, fields, message))
      const progress = teller && readProgress(fields.progress)
      if (progress) teller.progress(progress)
    },
    around: async (teller, work) => await current.run(teller, work),
  }
}

function lineOf(level: string, fields: LogFields, message: string): string {
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${textOf(value)}`)
  return [level, message, ...facts].join(' ')
}

function textOf(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message)
  if (typeof value === 'string') return /[\s"=]/.test(value) ? JSON.stringify(value) : value
  return JSON.stringify(value) ?? ''
}
