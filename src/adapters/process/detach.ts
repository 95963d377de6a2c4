import { execa } from 'execa'
import { findCommand } from './find-command.ts'

/**
 * Starts a program that lives on after us, such as a browser; nothing of it is read. False when there is no such program. Only for what a
 * person asks for at a terminal: everything else is held by `createRun`.
 */
export function startDetached(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const file = findCommand(command, env.PATH)
  if (!file) return false
  const child = execa(file, args, {
    env,
    extendEnv: false,
    detached: true,
    cleanup: false,
    stdio: 'ignore',
    reject: false,
  })
  child.nodeChildProcess.unref()
  return true
}
