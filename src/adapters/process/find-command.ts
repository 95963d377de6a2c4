import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'

/**
 * The file that a command means: itself when it holds a slash, else the first executable of that name on `path` (the child's
 * PATH, not ours). Undefined when there is none. Found here and not by the kernel, so that "not found" is one answer whether
 * or not the command runs behind setpriv.
 */
export function findCommand(command: string, path: string | undefined): string | undefined {
  if (command.includes('/')) return isExecutable(command) ? command : undefined
  for (const folder of (path ?? '').split(delimiter)) {
    // An empty or relative entry means the working directory, which may be a checkout of somebody's repository.
    if (!isAbsolute(folder)) continue
    const file = join(folder, command)
    if (isExecutable(file)) return file
  }
  return undefined
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
