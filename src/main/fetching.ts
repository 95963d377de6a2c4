import type { Processor } from '../adapters/queue/index.ts'
import { toAppError } from '../domain/error.ts'
import type { Parts } from './wire.ts'

/** A fetch; a deploy key that the git server did not take is read again for the next one. */
export function fetching({ deployKeys }: Pick<Parts, 'deployKeys'>, run: Processor): Processor {
  return async (payload, context) => {
    try {
      return await run(payload, context)
    } catch (error) {
      if (toAppError(error).reason === 'GitAuthFailed') deployKeys.forget()
      throw error
    }
  }
}
