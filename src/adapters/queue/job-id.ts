import { type JobKind, jobKinds } from '../../domain/work/job.ts'

/*
 * Ids that people see: `<kind>.<rest>`, no colon, the kind tells the queue. BullMQ names the jobs of its schedulers
 * itself (`repeat:<id>:<time>`); those are shown as `<kind>.repeat~<id>~<time>`.
 */

/** Makes ids that sort by time and differ over all processes; not a counter, which would start again after FLUSHALL. */
export function createJobIds(now: () => number, random: () => number): (kind: JobKind) => string {
  const process = digits(Math.floor(random() * 36 ** 4), 4)
  let count = 0
  return (kind) => {
    count = (count + 1) % 36 ** 3
    return `${kind}.${now().toString(36)}${digits(count, 3)}${process}`
  }
}

function digits(value: number, length: number): string {
  return value.toString(36).padStart(length, '0')
}

/** The id shown for a job that BullMQ knows under `id` in the queue of `kind`. */
export function shownId(kind: JobKind, id: string): string {
  return id.startsWith(`${kind}.`) ? id : `${kind}.${id.replaceAll(':', '~')}`
}

/** Queue and BullMQ's id of a shown id; undefined when no such job can exist. */
export function findQueue(shown: string): { kind: JobKind; id: string } | undefined {
  const kind = jobKinds.find((candidate) => shown.startsWith(`${candidate}.`))
  if (!kind || shown.length > 500 || shown.includes(':')) return undefined
  const rest = shown.slice(kind.length + 1)
  return { kind, id: rest.includes('~') ? rest.replaceAll('~', ':') : shown }
}
