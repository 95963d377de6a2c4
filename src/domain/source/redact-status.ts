import type { SourceStatus } from './status.ts'

/**
 * The status with every text of a server or a tool passed through `redact`, since such a text may quote a value that was decrypted
 * (law 10).
 */
export function redactStatus(status: SourceStatus, redact: (text: string) => string): SourceStatus {
  const cleaned = <T extends { message: string }>(one: T): T => ({ ...one, message: redact(one.message) })
  const { waiting, marker, refused } = status
  return {
    ...cleaned(status),
    failed: status.failed.map(cleaned),
    held: status.held.map(cleaned),
    ...(waiting ? { waiting: { ...waiting, unhealthy: waiting.unhealthy.map(cleaned) } } : {}),
    ...(marker ? { marker: { ...marker, problem: redact(marker.problem) } } : {}),
    ...(refused ? { refused: { ...refused, why: redact(refused.why) } } : {}),
  }
}
