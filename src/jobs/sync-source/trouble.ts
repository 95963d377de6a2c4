import { isOfOneObject } from '../../domain/manifest/problem.ts'
import { createFailingSince } from '../../domain/source/failing-since.ts'
import { failureOf } from './failure-of.ts'
import type { Sync } from './sync.ts'

/** Whether the revision was loaded whole: an object that alone cannot be applied was tried, as far as that goes. */
export function isTried({ desired }: Pick<Sync, 'desired'>): boolean {
  return desired.problems.every(isOfOneObject)
}

/** Whether something cannot be applied since this very revision, without having been sent. */
export function hasNewProblem({ desired, ledger, commit }: Pick<Sync, 'desired' | 'ledger' | 'commit'>): boolean {
  const since = createFailingSince(ledger.status, commit)
  return desired.problems.some(({ id = '', file, reason }) => since({ id, file, reason }) === commit)
}

/** A failure of an object that is new or changed may be half of a rename; an older one does not stop pruning (ruling 7c). */
export function hasNewFailure({
  changes,
  ledger,
  commit,
  inventory,
}: Pick<Sync, 'changes' | 'ledger' | 'commit' | 'inventory'>): boolean {
  const since = createFailingSince(ledger.status, commit)
  if (changes.some((change) => change.action === 'failed' && since(failureOf(change)) === commit)) return true
  return [...inventory.values()].some(({ tried, triedAt }) => tried !== '' && triedAt === commit)
}
