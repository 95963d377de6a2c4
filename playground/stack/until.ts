import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export type UntilOptions = {
  /** Default 240 s. */
  timeoutMs?: number
  /** Between two questions. Default 50 ms. */
  everyMs?: number
  /** Its last lines go into the error. */
  logFile?: string
  /** A reason to stop waiting at once; undefined as long as there is hope. */
  giveUp?: () => string | undefined
  signal?: AbortSignal
}

/** Asks until the answer is truthy. Throws after the deadline with what was waited for, the last error and the end of the log. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  options: UntilOptions = {},
): Promise<T> {
  const { timeoutMs = 240_000, everyMs = 50, logFile, giveUp, signal } = options
  const deadline = performance.now() + timeoutMs
  let last = ''
  for (;;) {
    signal?.throwIfAborted()
    try {
      const answer = await ask()
      if (answer) return answer
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    const hopeless = giveUp?.() ?? (performance.now() > deadline ? `not within ${timeoutMs / 1000} s` : undefined)
    if (hopeless)
      throw new Error([`${what}: ${hopeless}`, last, logFile ? logEnd(logFile) : ''].filter(Boolean).join('\n'))
    await sleep(everyMs)
  }
}

/** The last lines of a log with its name, to be shown in an error. Empty when there is none. */
export function logEnd(file: string, lines = 15): string {
  try {
    const text = readFileSync(file, 'utf8').trimEnd()
    return text ? `end of ${file}:\n${text.split('\n').slice(-lines).join('\n')}` : ''
  } catch {
    return ''
  }
}
