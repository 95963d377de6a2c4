import { AsyncLocalStorage } from 'node:async_hooks'
import type { LogOptions } from '../adapters/log/index.ts'
import type { RunAround } from '../adapters/queue/index.ts'
import type { LogFields } from '../lib/logger.ts'

type JobLogs = { also: NonNullable<LogOptions['also']>; around: RunAround }

/**
 * Lets each line of the log be written to the job, too, that it was written for: which one that is follows the work through everything
 * that it awaits. What is for debugging stays in the log of the process.
 */
export function createJobLogs(): JobLogs {
  const current = new AsyncLocalStorage<(text: string) => void>()
  return {
    also(level, fields, message) {
      if (level !== 'debug') current.getStore()?.(lineOf(level, fields, message))
    },
    around: async (note, work) => await current.run(note, work),
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
