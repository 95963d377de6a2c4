import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Identity, identify, isAlive } from './identity.ts'

export type FileLock = { release(): void }

/**
 * Takes a lock that is a file with its holder's identity. Gives the holder's identity when somebody alive has it; a dead
 * holder's lock is taken over. Not for network file systems.
 */
export function takeFileLock(file: string): FileLock | { holder: Identity } {
  mkdirSync(dirname(file), { recursive: true })
  const self = identify(process.pid)
  const own = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  writeFileSync(own, JSON.stringify(self), { mode: 0o600 })
  try {
    for (;;) {
      if (link(own, file)) return { release: () => release(file, self) }
      const holder = readHolder(file)
      if (holder && isAlive(holder)) return { holder }
      if (holder) putAside(file, holder)
    }
  } finally {
    rmSync(own, { force: true })
  }
}

/** Takes a lock away whose holder is dead; nobody holds it then. */
export function dropDeadLock(file: string): void {
  const holder = readHolder(file)
  if (holder && !isAlive(holder)) putAside(file, holder)
}

/** Takes away a dead holder's lock. Somebody else may have done so and be the holder by now: then it is given back. */
function putAside(file: string, dead: Identity): void {
  const aside = `${file}.aside.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    renameSync(file, aside)
  } catch {
    return
  }
  const taken = readHolder(aside)
  if (taken && taken.started !== dead.started) link(aside, file)
  rmSync(aside, { force: true })
}

function release(file: string, self: Identity | undefined): void {
  if (readHolder(file)?.started === self?.started) rmSync(file, { force: true })
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function readHolder(file: string): Identity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Identity
  } catch {
    return undefined
  }
}
