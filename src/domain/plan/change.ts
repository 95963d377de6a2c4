import type { Reason } from '../status/reason.ts'

/** What happened, or would happen, to one object. */
export type Action = 'created' | 'configured' | 'unchanged' | 'deleted' | 'skipped' | 'failed'

/** The one currency from plan to UI: one object and what became of it. */
export type Change = {
  /** `namespace:kind/name`. */
  id: string
  action: Action
  /** Where it is defined in git; empty for deletions. */
  file: string
  line: number
  /** Set for `failed` and `skipped`. */
  reason?: Reason
  message?: string
  /** Managers whose fields git overruled, as `manager: field, field`. */
  overruled?: string[]
  /** Managers to whom fields were left, as the object asks (`capstan.dev/conflict: yield`); written as `overruled`. */
  yielded?: string[]
}

/** It stays as it is for as long as git has it, neither applied nor deleted. */
export function isHeldBack(reason: Reason | undefined): boolean {
  return reason === 'AncestorInSource' || reason === 'OlderDefinition'
}

export type ChangeSet = readonly Change[]
