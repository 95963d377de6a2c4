import type { Reason } from '../status/reason.ts'
import type { ObjectRef } from './object.ts'

/** One thing that is wrong with the desired state. Collected, never thrown one at a time. */
export type Problem = {
  reason: Reason
  /** Path inside the repository. */
  file: string
  /** 1-based; 0 where no line is known. */
  line: number
  /** Plain words; safe to print. */
  message: string
  /** `namespace:kind/name` where an object is concerned. */
  id?: string
  /** The object that alone is at fault, as git names it; its name is empty where git leaves that to the API server. */
  object?: ObjectRef
}

/**
 * Whether it stands in the way of one object only, which then counts like one that failed to apply (decision 2): the rest was read
 * whole.
 */
export function isOfOneObject({ reason, object }: Pick<Problem, 'reason' | 'object'>): boolean {
  return reason === 'UnknownKind' || object !== undefined
}

/** The problem without the object that it is about: it stands for all of what it was found in. */
export function ofTheWhole(problem: Problem): Problem {
  const { object: _, ...rest } = problem
  return rest
}
