import { existsSync } from 'node:fs'
import { createRun, type RunOptions } from '../adapters/process/index.ts'
import type { Redactor } from '../lib/redactor.ts'
import type { Run } from '../lib/run.ts'

/** The door to child processes, with what util-linux has to hold them, where it is there. */
export function createProcessRun(
  redactor: Pick<Redactor, 'redact'>,
  more: Pick<RunOptions, 'log' | 'limited'> = {},
): Run {
  const setpriv = firstOf('/usr/bin/setpriv', '/bin/setpriv')
  const prlimit = firstOf('/usr/bin/prlimit', '/bin/prlimit')
  return createRun({
    redact: redactor.redact,
    ...more,
    ...(setpriv ? { setpriv } : {}),
    ...(prlimit ? { prlimit } : {}),
  })
}

function firstOf(...paths: string[]): string | undefined {
  return paths.find((path) => existsSync(path))
}
