/** Annotation on a HelmRelease: the revision to which somebody rolled it back, as JSON or a plain number. */
export const rollbackAnnotation = 'capstan.dev/rollback'

/** A wish to go back to a revision. `text`: what stands in the annotation; another text is another wish. */
export type RollbackRequest = { revision: number; by: string; text: string }

/** How a wish was answered, in the record: it is not answered again, and holds as long as the same inputs are wanted. */
export type Pin = {
  /** What stood in the annotation. */
  request: string
  /** What was wanted at that time, and is not deployed since. */
  inputs: string
  /** helm's number of the revision that the rollback made; 0 when it failed. */
  revision: number
}

/** The record of a release, as far as wishes go. */
type Answered = { pinned?: Pin }

/** Undefined where there is no annotation, or one that names no revision. */
export function readRollback(text: string | undefined): RollbackRequest | undefined {
  if (!text) return undefined
  const { revision, by } = readFields(text)
  if (!Number.isInteger(revision) || Number(revision) < 1) return undefined
  return { revision: Number(revision), by: typeof by === 'string' ? by : '', text }
}

/** The annotation of a wish. `at`: RFC 3339; makes each wish a new one. */
export function printRollback(wish: { revision: number; by: string; at: string }): string {
  return JSON.stringify(wish)
}

/** The wish that was not answered yet. */
export function unanswered(
  wish: RollbackRequest | undefined,
  record: Answered | undefined,
): RollbackRequest | undefined {
  return wish && record?.pinned?.request !== wish.text ? wish : undefined
}

/** Whether what is deployed is there by a wish that still holds: nothing else is wanted since, and nobody deployed something else. */
export function isPinned(
  wish: RollbackRequest | undefined,
  { record, inputs, latest }: { record: Answered | undefined; inputs: string; latest: number },
): boolean {
  const pinned = record?.pinned
  return wish !== undefined && pinned?.request === wish.text && pinned.inputs === inputs && pinned.revision === latest
}

function readFields(text: string): { revision?: unknown; by?: unknown } {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : { revision: value }
  } catch {
    return {}
  }
}
