import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { takeFileLock } from '../stack/file-lock.ts'
import type { Tool } from './table.ts'

/** Folder of the installed tools: `$CAPSTAN_CACHE/tools` or `~/.cache/capstan/tools`. */
export function toolsFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.CAPSTAN_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'capstan'), 'tools')
}

/** Where a tool of the cache is, or undefined when it has not been installed. */
export function cached(folder: string, tool: Tool): string | undefined {
  const path = join(folder, `${tool.name}-${tool.version}`, tool.name)
  return existsSync(path) ? path : undefined
}

/**
 * Lets `make` put a program into a fresh folder and moves it into the cache in one step, so that a half-made one is never
 * found there. Returns the program's path.
 */
export async function addToCache(
  folder: string,
  tool: Tool,
  make: (target: { folder: string; name: string }) => Promise<void>,
): Promise<string> {
  const work = join(folder, `.making-${tool.name}-${process.pid}`)
  const finished = join(folder, `.done-${tool.name}-${process.pid}`)
  const final = join(folder, `${tool.name}-${tool.version}`)
  try {
    mkdirSync(work, { recursive: true })
    await make({ folder: work, name: tool.name })
    mkdirSync(finished, { recursive: true })
    renameSync(join(work, tool.name), join(finished, tool.name))
    rmSync(final, { recursive: true, force: true })
    renameSync(finished, final)
  } finally {
    rmSync(work, { recursive: true, force: true })
    rmSync(finished, { recursive: true, force: true })
  }
  return join(final, tool.name)
}

/** Runs `work` while no other start installs. Says once that it waits. What a killed start left half-made is removed first. */
export async function whileAlone<T>(
  folder: string,
  report: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const file = join(folder, 'install.lock')
  let told = false
  for (;;) {
    const lock = takeFileLock(file)
    if ('release' in lock) {
      try {
        for (const name of readdirSync(folder)) {
          if (/^\.(making|done)-/.test(name)) rmSync(join(folder, name), { recursive: true, force: true })
        }
        return await work()
      } finally {
        lock.release()
      }
    }
    if (!told) report(`another start (pid ${lock.holder.pid}) is installing tools; waiting for it …`)
    told = true
    await sleep(300)
  }
}
