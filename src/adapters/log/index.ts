import { type Level, pino } from 'pino'
import type { LogFields, Logger } from '../../lib/logger.ts'
import type { Redactor } from '../../lib/redactor.ts'
import { callerOf } from './caller.ts'
import { describeError } from './describe-error.ts'
import { createLine, type Entry } from './line.ts'
import { printJson, printLogfmt } from './print.ts'

export { createRedactor } from './redactor.ts'

export type LogOptions = {
  /** `fmt` is logfmt, as both ancestors wrote by default (ruling 19); the keys are the same in both. */
  format: 'fmt' | 'json'
  level: 'debug' | 'info' | 'warn' | 'error'
  redactor: Redactor
  /** Takes each finished line; default standard output. */
  write?: (line: string) => void
  /** Told of each line, too; the fields are the line's own. */
  also?: (level: Level, fields: LogFields, message: string) => void
}

/**
 * One line per event on standard output: `ts caller level component`, the fields, `msg`. Redacted, at most 16 KB, without a control
 * character. By this thread and not by a worker of pino's, which loses the last lines of a crash.
 */
export function createLog({ format, level, redactor, write, also = () => {} }: LogOptions): Logger {
  const emit = write ?? ((line: string) => void process.stdout.write(line))
  const toLine = createLine(format === 'json' ? printJson : printLogfmt, redactor)
  const stream = { write: (json: string) => emit(toLine(JSON.parse(json) as Entry)) }
  const base = pino(
    {
      level,
      base: null,
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }), log: describeErrors },
      serializers: { err: (described: unknown) => described },
    },
    stream,
  )
  return wrap(base, also)
}

function wrap(base: pino.Logger, also: NonNullable<LogOptions['also']>): Logger {
  function at(level: Level): (fields: LogFields, message: string) => void {
    return (fields, message) => {
      if (base.isLevelEnabled(level)) base[level]({ ...fields, caller: callerOf() }, message)
      also(level, fields, message)
    }
  }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(base.child(fields), also),
  }
}

/** An error under any name, not only `err`. */
function describeErrors(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? describeError(value) : value]),
  )
}
