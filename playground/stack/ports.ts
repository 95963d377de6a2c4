import { mkdirSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { dropDeadLock, type FileLock, takeFileLock } from './file-lock.ts'

/** Below the range that kernels hand out for outgoing connections (32768 and up), so that nobody takes the port before we listen. */
const lowest = 20_000
const highest = 32_000
/** A file for each port that a process of this user was given, so that two which begin together do not get one. */
const claims = join(tmpdir(), `capstan-ports-${userInfo().uid}`)
const ours: FileLock[] = []

/**
 * A port of 127.0.0.1 that nothing listens on: the preferred one if it is free, else a random one. Never the same port twice, as long as
 * the process lives that was given it; a program of others may still take it before its owner listens.
 */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred)) && claim(preferred)) return preferred
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if ((await isFree(port)) && claim(port)) return port
  }
  throw new Error(`no free port between ${lowest} and ${highest} on 127.0.0.1`)
}

function claim(port: number): boolean {
  if (ours.length === 0) begin()
  const lock = takeFileLock(join(claims, String(port)))
  if (!('release' in lock)) return false
  ours.push(lock)
  return true
}

/** What was killed has left its claims; ours go with us. */
function begin(): void {
  mkdirSync(claims, { recursive: true, mode: 0o700 })
  for (const name of readdirSync(claims)) dropDeadLock(join(claims, name))
  process.once('exit', () => {
    for (const lock of ours) lock.release()
  })
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
