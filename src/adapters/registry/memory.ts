import { LRUCache } from 'lru-cache'
import { untilAborted } from '../../lib/until-aborted.ts'
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
  /**
   * What is known, else what `read` gives. Who asks for it meanwhile waits, for two tags may name one image, and reads it only where that
   * failed or gave nothing: another may be allowed to. Rejects as `read` does, and for who waits when `signal` aborts.
   */
  getOrRead(
    digest: string,
    read: () => Promise<ImageTimes | undefined>,
    signal?: AbortSignal,
  ): Promise<ImageTimes | undefined>
}

const mostInProcess = 20_000

export function createKnownImages(memory: RegistryMemory | undefined): KnownImages {
  const near = new LRUCache<string, ImageTimes>({ max: mostInProcess })
  /** Never reject. */
  const reading = new Map<string, Promise<ImageTimes | undefined>>()

  async function get(digest: string): Promise<ImageTimes | undefined> {
    const known = near.get(digest)
    if (known) return known
    const found = readTimes(await memory?.get(keyOf(digest)))
    if (found) near.set(digest, found)
    return found ?? near.get(digest)
  }

  async function keep(digest: string, read: () => Promise<ImageTimes | undefined>): Promise<ImageTimes | undefined> {
    const times = await read()
    if (!times) return undefined
    near.set(digest, times)
    await memory?.set(keyOf(digest), JSON.stringify(times))
    return times
  }

  return {
    get,
    async getOrRead(digest, read, signal) {
      const known = await get(digest)
      if (known) return known
      const others = reading.get(digest)
      if (others) return (await untilAborted(others, signal)) ?? (await keep(digest, read))
      const own = keep(digest, read)
      const settled = own.catch(() => undefined).finally(() => reading.delete(digest))
      reading.set(digest, settled)
      return await own
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
