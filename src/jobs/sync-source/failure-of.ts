import type { Change } from '../../domain/plan/change.ts'
import type { SourceFailure } from '../../domain/source/status.ts'
import type { Reason } from '../../domain/status/reason.ts'

/** A change that failed, as the status tells it. */
export function failureOf({ id, file, line, reason, message }: Change): Omit<SourceFailure, 'since'> {
  return { id, file, line, reason: reason ?? ('ApplyRefused' satisfies Reason), message: message ?? '' }
}
