import { statSync } from 'node:fs'
import type { Logger } from '../../lib/logger.ts'
import type { Run, RunRequest, RunResult } from '../../lib/run.ts'
export { startDetached } from './detach.ts'
import { findCommand } from './find-command.ts'
import type { LimitedChildren } from './limited-children.ts'
import { start } from './start.ts'

export { findContainerMemory } from './container-memory.ts'
export { createLimitedChildren, type LimitedChildren } from './limited-children.ts'
export { type MemoryWatch, watchMemory } from './memory-watch.ts'

export type RunOptions = {
  /** Takes every known secret out of a text; applied to standard error before it leaves. */
  redact: (text: string) => string
  /** One debug line per process: its name, how it ended, how long it took. Never its arguments. */
  log?: Logger
  /**
   * Absolute path of util-linux' setpriv. When given, children get SIGTERM as soon as this process dies, however it dies
   * (hazard A8). Left out where the tool does not exist: then only an orderly exit ends them.
   */
  setpriv?: string
  /** Absolute path of util-linux' prlimit. Without it the `limits` of a request do not count. */
  prlimit?: string
  /** Keeps those that have limits while they run. */
  limited?: LimitedChildren
}

/**
 * The one door to child processes (law 10). No shell; the environment is exactly what is given; an own process group, of
 * which nothing is left when the promise resolves; never rejects for what the child does.
 */
export function createRun(options: RunOptions): Run {
  return async function run(request: RunRequest): Promise<RunResult> {
    const result = await attempt(request, options)
    options.log?.debug(
      { command: request.command, ended: result.ended, exitCode: result.exitCode, durationMs: result.durationMs },
      'process ended',
    )
    return result
  }
}

async function attempt(request: RunRequest, options: RunOptions): Promise<RunResult> {
  if (request.signal?.aborted) return unstarted('aborted', 'stopped before it was started')
  const file = findCommand(request.command, request.env.PATH)
  if (!file) return unstarted('notFound', `${request.command}: no such program`)
  if (request.cwd && !isDirectory(request.cwd)) return unstarted('notFound', `no such directory: ${request.cwd}`)
  return start(file, request, options)
}

function unstarted(ended: 'aborted' | 'notFound', stderr: string): RunResult {
  return { exitCode: undefined, stdout: '', stderr, ended, durationMs: 0 }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
