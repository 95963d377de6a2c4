import type { SourceStatus } from '../../src/domain/source/status.ts'

/** Of a source that follows `main` and has applied three objects of this commit; nothing is wrong. */
export function appliedStatus(commit: string, more: Partial<SourceStatus> = {}): SourceStatus {
  return {
    version: 1,
    revision: `main@${commit}`,
    attempted: `main@${commit}`,
    ready: true,
    reason: '',
    message: '3 objects applied',
    objects: 3,
    failed: [],
    failedCount: 0,
    held: [],
    drifted: [],
    inventory: { parts: [], digest: '', count: 3 },
    holder: '',
    changedAt: '',
    ...more,
  }
}
