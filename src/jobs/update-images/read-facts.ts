import { toAppError } from '../../domain/error.ts'
import type { RepositoryFacts } from '../../domain/image/facts.ts'
import { makeScanFilter } from '../../domain/image/scan-list.ts'
import type { UsedBy } from '../scan-image/access.ts'
import type { ScanImageDeps } from '../scan-image/index.ts'
import { readRepository } from '../scan-image/repository.ts'
import { readingsOf } from '../scan-image/scope.ts'

/** What is known of repositories, by canonical name, and why nothing is known of the others. */
export type Facts = { known: Map<string, RepositoryFacts>; failures: Map<string, string> }

/**
 * Reads repositories as far as the filter lets them be scanned. `from`: `registry` lists the tags anew, `store` where they were never
 * listed. One that cannot be read keeps no other from being read (hazard E1).
 */
export async function readFacts(
  wanted: {
    repositories: Iterable<string>
    /** Theirs are the image pull secrets. */
    usedBy: UsedBy
    needed(repository: string, tags: readonly string[]): Iterable<string>
    from: 'registry' | 'store'
  },
  deps: ScanImageDeps,
  signal: AbortSignal,
): Promise<Facts> {
  const facts: Facts = { known: new Map(), failures: new Map() }
  const isScanned = makeScanFilter(deps.filter)
  for (const repository of wanted.repositories) {
    if (!isScanned(repository)) continue
    try {
      for (const { scope, accesses } of await readingsOf(repository, [wanted.usedBy], deps, signal)) {
        const read = {
          repository,
          scope,
          accesses,
          needed: (tags: readonly string[]) => wanted.needed(repository, tags),
          from: wanted.from,
        }
        facts.known.set(repository, await readRepository(read, deps, signal))
      }
    } catch (error) {
      signal.throwIfAborted()
      facts.failures.set(repository, toAppError(error).message)
    }
  }
  return facts
}
