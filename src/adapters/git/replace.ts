import { AppError } from '../../domain/error.ts'
import type { Logger } from '../../lib/logger.ts'
import { type CloneOptions, clone } from './clone.ts'
import type { Operation } from './operation.ts'

/** A mirror that breaks more often has another trouble than bad luck: a full or dying disk (hazards A1, D4). */
const everyMs = 10 * 60_000

/** Puts a fresh clone in the place of a damaged mirror, at most once per 10 minutes; then GitUnreachable until they are over. */
export function createReplace(options: CloneOptions & { log: Logger }): (operation: Operation) => Promise<void> {
  const replacedAt = new Map<string, number>()
  return async (operation) => {
    const { name, shown } = operation.reach
    const last = replacedAt.get(name)
    if (last !== undefined && performance.now() - last < everyMs) {
      const retry = { afterMs: Math.ceil(everyMs - (performance.now() - last)) }
      throw new AppError('GitUnreachable', `${shown}: the local mirror is damaged again; cloned anew in some minutes`, {
        retry,
      })
    }
    options.log.warn({ repository: shown }, 'the local mirror is damaged and is cloned anew')
    await clone(operation, options)
    // Only now: where the remote could not be reached, the next try may not wait.
    replacedAt.set(name, performance.now())
  }
}
