import type { Metrics } from '../adapters/metrics/index.ts'
import type { Registry } from '../adapters/registry/index.ts'
import type { Store } from '../adapters/store/index.ts'
import { tagsKey } from '../domain/image/facts.ts'

/** A registry whose requests are measured under fluxd's names. */
export function measuredRegistry<R extends Pick<Registry, 'tags' | 'digest' | 'describe'>>(
  registry: R,
  metrics: Pick<Metrics, 'registryAsked'>,
): R {
  const timed = async <T>(kind: 'tags' | 'metadata', ask: () => Promise<T>): Promise<T> => {
    const began = performance.now()
    const tell = (success: boolean): void =>
      metrics.registryAsked({ kind, success, seconds: (performance.now() - began) / 1000 })
    try {
      const answer = await ask()
      tell(true)
      return answer
    } catch (error) {
      tell(false)
      throw error
    }
  }
  return {
    ...registry,
    tags: async (...asked: Parameters<Registry['tags']>) => await timed('tags', () => registry.tags(...asked)),
    digest: async (...asked: Parameters<Registry['digest']>) =>
      await timed('metadata', () => registry.digest(...asked)),
    describe: async (...asked: Parameters<Registry['describe']>) =>
      await timed('metadata', () => registry.describe(...asked)),
  }
}

/** What is known of images, measured as fluxd measured its cache: what is not there counts as a failure, as there. */
export function measuredStore(
  store: Store,
  { isUp, metrics }: { isUp: () => boolean; metrics: Pick<Metrics, 'cacheAsked'> },
): Store {
  const since = (began: number): number => (performance.now() - began) / 1000
  return {
    ...store,
    async get(key) {
      const began = performance.now()
      const value = await store.get(key)
      const isRepository = key.startsWith(tagsKey(''))
      metrics.cacheAsked({ method: 'GetKey', success: value !== undefined, seconds: since(began), isRepository })
      return value
    },
    async set(key, value, options) {
      const began = performance.now()
      await store.set(key, value, options)
      metrics.cacheAsked({ method: 'SetKey', success: isUp(), seconds: since(began), isRepository: false })
    },
  }
}
