import { createHash } from 'node:crypto'
import { stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import type { Logger } from '../../lib/logger.ts'
import { type CloneOptions, clone } from './clone.ts'
import { createCommand } from './command.ts'
import { isDamage, translate } from './failure.ts'
import { prepareHome } from './home.ts'
import { createLock } from './lock.ts'
import type { Operation } from './operation.ts'
import { type GitRemote, reach } from './remote.ts'
import { createReplace } from './replace.ts'
import { prepareRoute } from './route.ts'
import { createSuffixed } from './suffixed.ts'
import { sweepFolder, sweepStale, sweepUnused } from './sweep.ts'

export type MirrorOptions = CloneOptions & {
  timeoutMs: number
  log: Logger
  redact: (text: string) => string
  /** The mirror of this name may hold something else from here on. */
  onChange?: (name: string) => void
}

export type Mirrors = {
  /** Reads from the mirror as it is; GitRefNotFound when there is none yet. A damaged one is replaced and read again. */
  read<T>(remote: GitRemote, task: (operation: Operation) => Promise<T>, signal?: AbortSignal): Promise<T>
  /** Changes the mirror, alone; clones first when there is none. A damaged one is replaced and the task done again. */
  change<T>(remote: GitRemote, task: (operation: Operation) => Promise<T>, signal?: AbortSignal): Promise<T>
  /** As `change`, by a task that tells the references that it leaves behind: where they are as before, nothing has changed. */
  fetch(remote: GitRemote, task: (operation: Operation) => Promise<Refs>, signal?: AbortSignal): Promise<Refs>
}

type Refs = Map<string, string>

/** The bare mirrors below one directory, which belongs to this process alone. */
export function createMirrors(options: MirrorOptions): Mirrors {
  const lock = createLock()
  const refs = watchRefs(options.onChange ?? (() => undefined))
  const replaceOne = createReplace(options)
  const suffixed = createSuffixed()
  const begin = createBegin(options)

  async function replace(operation: Operation): Promise<void> {
    await replaceOne(operation)
    refs.lost(operation.reach.name)
  }

  /** One budget for the whole operation, whatever it is made of; errors leave as AppError. */
  async function within<T>(
    remote: GitRemote,
    given: AbortSignal | undefined,
    task: (operation: Operation) => Promise<T>,
  ) {
    given?.throwIfAborted()
    const deadline = AbortSignal.timeout(options.timeoutMs)
    const operation = await begin(remote, given ? AbortSignal.any([given, deadline]) : deadline)
    try {
      return await task(operation)
    } catch (error) {
      given?.throwIfAborted()
      const timedOut = deadline.aborted ? options.timeoutMs : undefined
      throw translate(error, { shown: operation.reach.shown, redact: options.redact, timedOut })
    }
  }

  /** Somebody else may have replaced a damaged mirror since; then the second look is good. */
  async function lookTwice<T>(operation: Operation, task: (operation: Operation) => Promise<T>): Promise<T> {
    try {
      return await task(operation)
    } catch (error) {
      if (!isDamage(error, { local: true })) throw error
      await replace(operation)
      return task(operation)
    }
  }

  async function changed<T>(asked: Operation, task: (operation: Operation) => Promise<T>): Promise<T> {
    return await suffixed(asked, (operation) => changeOne(operation, task, { options, replace }))
  }

  return {
    read: (remote, task, signal) =>
      within(remote, signal, async (operation) => {
        if (!(await exists(operation.gitDir))) {
          throw new AppError('GitRefNotFound', `${operation.reach.shown} has not been fetched yet`)
        }
        try {
          return await task(operation)
        } catch (error) {
          if (!isDamage(error, { local: true })) throw error
          return lock(operation.reach.name, () => lookTwice(operation, task))
        }
      }),
    async change(remote, task, signal) {
      const { name } = reach(remote, options)
      try {
        return await lock(name, () => within(remote, signal, (operation) => changed(operation, task)))
      } finally {
        refs.lost(name)
      }
    },
    async fetch(remote, task, signal) {
      const { name } = reach(remote, options)
      return await lock(name, async () => {
        try {
          const found = await within(remote, signal, (operation) => changed(operation, task))
          refs.found(name, found)
          return found
        } catch (error) {
          refs.lost(name)
          throw error
        }
      })
    },
  }
}

/** Prepares what git needs for one remote; what a process before this one left is swept first, once. */
function createBegin(options: MirrorOptions): (remote: GitRemote, signal: AbortSignal) => Promise<Operation> {
  let swept: Promise<void> | undefined
  return async (remote, signal) => {
    const target = reach(remote, options)
    swept ??= sweepFolder(options.directory)
    await swept
    const home = await prepareHome(target, options)
    const gitDir = join(options.directory, 'mirrors', `${target.name}.git`)
    return { reach: target, gitDir, home, git: createCommand({ ...options, gitDir, home, signal }), signal }
  }
}

/** Which references each mirror was left with, to tell of those alone that are not as they were. */
function watchRefs(onChange: (name: string) => void) {
  const known = new Map<string, string>()
  return {
    lost(name: string): void {
      known.delete(name)
      onChange(name)
    },
    found(name: string, refs: Refs): void {
      const digest = createHash('sha256')
        .update(JSON.stringify([...refs]))
        .digest('hex')
      const before = known.get(name)
      known.set(name, digest)
      if (digest !== before) onChange(name)
    },
  }
}

type Changing = { options: MirrorOptions; replace: (operation: Operation) => Promise<void> }

async function changeOne<T>(
  operation: Operation,
  task: (operation: Operation) => Promise<T>,
  { options, replace }: Changing,
): Promise<T> {
  if (await exists(operation.gitDir)) {
    await sweepStale(operation.gitDir, options.timeoutMs)
    await prepareRoute(operation.reach, operation.home, options, operation.signal)
  } else {
    await sweepUnused(options.directory)
    await clone(operation, options)
  }
  try {
    const result = await task(operation)
    await utimes(operation.gitDir, new Date(), new Date())
    return result
  } catch (error) {
    if (!isDamage(error, { local: false })) throw error
    await replace(operation)
    return task(operation)
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
