import { LRUCache } from 'lru-cache'
import { isFields, type ImageTimes, parseFields } from './image-time.ts'

/** Where the registry adapter keeps what is worth more than one process' life. It may forget, and may be away. */
export type RegistryMemory = {
  get(key: string): Promise<string | undefined>
  /** Kept for ever without `ttlMs`. */
  set(key: string, value: string, options?: { ttlMs?: number }): Promise<void>
}

/**
 * What images say of themselves, by the digest of their manifest. That names the content, whoever serves it, so it is kept for ever
 * and for all repositories. Only what was read under its own digest may be put here.
 */
export type KnownImages = {
  get(digest: string): Promise<ImageTimes | undefined>
  set(digest: string, times: ImageTimes): Promise<void>
}

const mostInProcess = 20_000

export function createKnownImages(memory: RegistryMemory | undefined): KnownImages {
  const near = new LRUCache<string, ImageTimes>({ max: mostInProcess })
  return {
    async get(digest) {
      const known = near.get(digest)
      if (known) return known
      const found = readTimes(await memory?.get(keyOf(digest)))
      if (found) near.set(digest, found)
      return found
    },
    async set(digest, times) {
      near.set(digest, times)
      await memory?.set(keyOf(digest), JSON.stringify(times))
    },
  }
}

function keyOf(digest: string): string {
  return `image:${digest}`
}

function readTimes(text: string | undefined): ImageTimes | undefined {
  const value = text === undefined ? undefined : parseFields(text)
  if (!isFields(value)) return undefined
  const { created, labelled } = value
  return {
    ...(typeof created === 'number' ? { created } : {}),
    ...(typeof labelled === 'number' ? { labelled } : {}),
  }
}
