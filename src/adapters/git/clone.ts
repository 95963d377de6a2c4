import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Command, createCommand } from './command.ts'
import { isLocked } from './failure.ts'
import { type HomeOptions, prepareHome } from './home.ts'
import type { Operation } from './operation.ts'
import type { Reach } from './remote.ts'
import { prepareRoute } from './route.ts'

export type CloneOptions = HomeOptions & {
  environment: Readonly<Record<string, string>>
  /** Keyring with which commits and tags are signed and verified. */
  gnupgHome?: string
}

const refspecs = [
  ...['heads', 'tags', 'notes'].map((kind) => `+refs/${kind}/*:refs/${kind}/*`),
  // to `remoteHead`; a pattern, because one without HEAD is an error only for who names it
  '+HEA*:refs/capstan/HEA*',
]

const lockAttempts = 10
const lockPauseMs = 200

/** Clones beside, then puts the clone where the mirror belongs: a mirror is whole or not there (hazard A1). */
export async function clone({ reach, gitDir, signal }: Operation, options: CloneOptions): Promise<void> {
  const unique = join(await temporary(options.directory), `${reach.name}-${process.hrtime.bigint()}`)
  const [fresh, old] = [`${unique}.git`, `${unique}-damaged.git`]
  await mkdir(join(options.directory, 'mirrors'), { recursive: true, mode: 0o700 })
  const home = await prepareHome(reach, options)
  await prepareRoute(reach, home, options, signal)
  const git = createCommand({ ...options, gitDir: fresh, home, signal })
  try {
    await git.text(['init', '--bare', '--quiet'])
    await fetchInto(git, reach, signal)
    await rename(gitDir, old).catch(unlessAbsent)
    await rename(fresh, gitDir)
  } finally {
    await rm(fresh, { recursive: true, force: true })
    await rm(old, { recursive: true, force: true })
  }
}

function unlessAbsent(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

/**
 * Brings every branch, tag and note, and what HEAD means, to what the remote has; what it no longer has goes. Tried again for a moment while another git holds
 * a lock: that of a process of ours that was killed is still at work.
 */
export async function fetchInto(git: Command, { url }: Reach, signal: AbortSignal): Promise<void> {
  const flags = ['--quiet', '--prune', '--no-tags', '--force', '--no-write-fetch-head', '--no-recurse-submodules']
  for (let attempt = 1; ; attempt++) {
    try {
      await git.text(['fetch', ...flags, '--end-of-options', url, ...refspecs])
      return
    } catch (error) {
      if (attempt === lockAttempts || !isLocked(error)) throw error
    }
    await setTimeout(lockPauseMs, undefined, { signal })
  }
}

export async function temporary(directory: string): Promise<string> {
  const folder = join(directory, 'tmp')
  await mkdir(folder, { recursive: true, mode: 0o700 })
  return folder
}
