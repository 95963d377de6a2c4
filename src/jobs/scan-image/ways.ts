import type { RegistryAccess } from '../../adapters/registry/index.ts'
import { type AppError, toAppError } from '../../domain/error.ts'

export type Accesses = AsyncIterable<RegistryAccess> | Iterable<RegistryAccess>

/** Reaches a registry by the first way that is not refused. */
export type Ways = { use<T>(task: (access: RegistryAccess) => Promise<T>): Promise<T> }

/**
 * Ways to a repository, the best first, of which the next is taken for good where a login is refused (RegistryAuthFailed). Where all are,
 * the first refusal counts: somebody meant that login to do. `refused` is told each time. None is made before the first use.
 */
export function waysOf(accesses: Accesses, refused: () => void): Ways {
  const rest = Symbol.asyncIterator in accesses ? accesses[Symbol.asyncIterator]() : accesses[Symbol.iterator]()
  let current: Promise<RegistryAccess> | undefined
  let first: AppError | undefined

  async function next(): Promise<RegistryAccess> {
    try {
      const { value, done } = await rest.next()
      if (!done) return value
    } catch (error) {
      throw first ?? error
    }
    throw first ?? new Error('there is no way to the registry')
  }

  return {
    async use(task) {
      for (;;) {
        const mine = (current ??= next())
        const access = await mine
        try {
          return await task(access)
        } catch (error) {
          const failure = toAppError(error)
          if (failure.reason !== 'RegistryAuthFailed') throw error
          refused()
          first ??= failure
          if (current === mine) current = next()
        }
      }
    },
  }
}
