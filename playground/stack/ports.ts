import { createServer } from 'node:net'

/** Below the range that kernels hand out for outgoing connections (32768 and up), so that nobody takes the port before we listen. */
const lowest = 20_000
const highest = 32_000
const givenOut = new Set<number>()

/**
 * A port of 127.0.0.1 that nothing listens on: the preferred one if it is free, else a random one. Never the same port
 * twice in one process. Another process may still take it before its owner listens; that is unlikely, not impossible.
 */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isFree(preferred))) return remember(preferred)
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (await isFree(port)) return remember(port)
  }
  throw new Error(`no free port between ${lowest} and ${highest} on 127.0.0.1`)
}

function remember(port: number): number {
  givenOut.add(port)
  return port
}

async function isFree(port: number): Promise<boolean> {
  if (givenOut.has(port)) return false
  return await new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)))
  })
}
