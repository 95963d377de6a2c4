import type { UpdateResult, UpdateSpec } from '../work/update-spec.ts'

/** What fluxd and we write beside a commit of ours (flux-v1 §20). */
export type UpdateNote = {
  jobID: string
  spec: UpdateSpec | { type: 'auto'; cause: UpdateSpec['cause']; spec: { Changes: unknown[] } }
  result: UpdateResult
}

/** The text of a note, field for field as fluxd's. */
export function printNote({ jobID, spec: { type, cause, spec }, result }: UpdateNote): string {
  return JSON.stringify({ jobID, spec: { type, cause, spec }, result })
}

/** The job that a note is about, and its result; undefined for what is no such note (complaint #2933: notes are best-effort). */
export function readNote(text: string): Pick<UpdateNote, 'jobID' | 'result'> | undefined {
  try {
    const { jobID, result } = JSON.parse(text) as Partial<UpdateNote>
    return typeof jobID === 'string' && typeof result === 'object' && result !== null ? { jobID, result } : undefined
  } catch {
    return undefined
  }
}
