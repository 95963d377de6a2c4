import { type Reason, reasons } from '../status/reason.ts'

/** What the queue says of the job of one object; times are RFC 3339. */
export type JobFact = {
  id: string
  state: 'waiting' | 'active' | 'delayed' | 'completed' | 'failed'
  requestedAt: string
  startedAt?: string
  finishedAt?: string
  nextRunAt?: string
  waitsFor?: string
  failure?: string
  result?: string
}

/** A word of the closed list. */
export function isReason(word: string): word is Reason {
  return Object.hasOwn(reasons, word)
}

/** `Word: sentence` → both; a text without a word of the list gets `otherwise`. */
export function splitReason(text: string, otherwise: Reason): { reason: Reason; message: string } {
  const [, word = '', rest = ''] = /^([A-Za-z0-9]+): (.*)$/s.exec(text) ?? []
  return isReason(word) ? { reason: word, message: rest } : { reason: otherwise, message: text }
}

/** Why the last run of a job failed, as long as that is so; undefined for a job that runs or ended well. */
export function failureOf(job: JobFact | undefined): { reason: Reason; message: string } | undefined {
  if (!job?.failure || job.state === 'completed') return undefined
  return splitReason(job.failure, 'NotReady')
}

/** When a job runs next; empty when it runs or is over. */
export function nextRunOf(job: JobFact | undefined): string {
  return job?.state === 'delayed' ? (job.nextRunAt ?? '') : ''
}

/** In words for people: where a job is that has not ended. */
export function placeOf({ id, state, waitsFor = '', failure = '' }: JobFact): string {
  if (state === 'active') return `${id} runs`
  if (state === 'waiting') return `${id} waits for its turn`
  const why = waitsFor || failure
  return `${id} waits${why === '' ? '' : `: ${why}`}`
}
