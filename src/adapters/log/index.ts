import { pino } from 'pino'
import type { LogFields, Logger } from '../../lib/logger.ts'
import type { Redactor } from '../../lib/redactor.ts'
import { createLogfmt } from './logfmt.ts'

export { createRedactor } from './redactor.ts'

export type LogOptions = {
  format: 'fmt' | 'json'
  level: 'debug' | 'info' | 'warn' | 'error'
  redactor: Redactor
  /** Takes each finished line; default standard output. */
  write?: (line: string) => void
}

/** One line per event on standard output, redacted, at most 16 KB, without control characters. */
export function createLog({ format, level, redactor, write }: LogOptions): Logger {
  const emit = write ?? ((line: string) => void process.stdout.write(line))
  const print = format === 'json' ? (line: string) => line : createLogfmt()
  const stream = { write: (line: string) => emit(`${redactor.redact(print(line).trimEnd()).slice(0, 16_384)}\n`) }
  const base = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
  return wrap(base)
}

function wrap(base: pino.Logger): Logger {
  return {
    debug: (fields: LogFields, message: string) => base.debug(fields, message),
    info: (fields, message) => base.info(fields, message),
    warn: (fields, message) => base.warn(fields, message),
    error: (fields, message) => base.error(fields, message),
    child: (fields) => wrap(base.child(fields)),
  }
}
