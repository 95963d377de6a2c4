import type { Reason } from '../status/reason.ts'

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
}
