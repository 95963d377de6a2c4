import { createHash } from 'node:crypto'
import type { JobKind } from './job.ts'

/**
 * One key per object and kind of work: two requests with the same key share one waiting job (law 4).
 * 32 hex digits, so that it holds no colon, which BullMQ gives a meaning in its keys.
 */
export function dedupeKey(work: { kind: JobKind; namespace: string; name: string }): string {
  return createHash('sha256').update(`${work.kind}\n${work.namespace}\n${work.name}`).digest('hex').slice(0, 32)
}
