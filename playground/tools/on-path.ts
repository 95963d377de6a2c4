import { accessSync, constants, realpathSync, statSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { runCommand } from './run-command.ts'
import type { Tool } from './table.ts'
import { findVersion, fits } from './version.ts'

/** Where administrators' programs are, whether or not the user's PATH says so. */
const alsoLookIn = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin']

/** A program on PATH whose version will do, or why none does. */
export async function findOnPath(tool: Tool): Promise<{ path: string; version: string } | { reason: string }> {
  const unfit: string[] = []
  for (const path of candidates(tool.commands)) {
    const { ok, stdout, said, reason } = await runCommand(path, tool.versionArgs, { timeoutMs: 10_000 })
    const version = ok ? findVersion(stdout || said) : undefined
    if (version && fits(version, tool.fits)) return { path, version: version.text }
    unfit.push(version ? `${path} is ${version.text}` : `${path} does not say its version${reason && ` (${reason})`}`)
  }
  const { from, below } = tool.fits
  return {
    reason: unfit.length > 0 ? `${unfit.join(', ')}; wanted is ${from} or newer, below ${below}` : 'not on PATH',
  }
}

/** The absolute path of a program, or undefined. */
export function which(command: string): string | undefined {
  return candidates([command])[0]
}

function candidates(commands: readonly string[]): string[] {
  const folders = [...new Set([...(process.env.PATH ?? '').split(delimiter).filter(isAbsolute), ...alsoLookIn])]
  const paths = commands.flatMap((command) => folders.map((folder) => join(folder, command))).filter(isProgram)
  // /bin is a link to /usr/bin on most machines: one program under two names is asked once.
  return [...new Map(paths.toReversed().map((path) => [realpathSync(path), path])).values()].toReversed()
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
