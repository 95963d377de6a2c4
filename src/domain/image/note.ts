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

/**
 * The job that a note is about, and its result; undefined for what is no such note (complaint #2933: notes are best-effort). `spec`:
 * what was asked for, where it is what we know.
 */
export function readNote(
  text: string,
): (Pick<UpdateNote, 'jobID' | 'result'> & { spec?: UpdateNote['spec'] }) | undefined {
  try {
    const { jobID, result, spec } = JSON.parse(text) as Partial<UpdateNote>
    if (typeof jobID !== 'string' || typeof result !== 'object' || result === null) return undefined
    return { jobID, result, ...(isSpec(spec) ? { spec } : {}) }
  } catch {
    return undefined
  }
}

const types = ['image', 'containers', 'policy', 'auto']

function isSpec(spec: Partial<UpdateNote['spec']> | undefined): spec is UpdateNote['spec'] {
  const { type = '', cause, spec: inner } = spec ?? {}
  return types.includes(type) && typeof cause?.User === 'string' && typeof inner === 'object' && inner !== null
}
