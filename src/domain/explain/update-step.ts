import { failureOf, type JobFact, nextRunOf, placeOf } from './job-fact.ts'
import { makeStep, type Step } from './step.ts'

/** The job that commits to a source, and what the last run of it ended with. */
export type Updates = { update: JobFact | undefined; updated: JobFact | undefined }

type Parts = Partial<Omit<Step, 'step' | 'of' | 'state'>>

/** How far the commit is that a workload waits for; `waits` says what for. */
export function updateState(
  { id, update, updated }: Updates & { id: string },
  waits: string,
): ['stopped' | 'waiting', Parts] {
  const trouble = troubleOf({ update, updated })
  if (trouble) return ['stopped', { ...trouble, message: `${waits}: ${trouble.message}` }]
  const refusal = update ? '' : refusalIn(updated?.result ?? '', id)
  if (refusal !== '') {
    return ['stopped', { at: updated?.finishedAt ?? '', reason: 'NotEditable', message: `${waits}: ${refusal}` }]
  }
  const message = `${waits}: ${update ? placeOf(update) : 'it is committed after the next scan'}`
  return ['waiting', { reason: 'NotReady', message, nextTryAt: nextRunOf(update) }]
}

/** The commits of a source as a whole; none where nobody has asked for one. */
export function commitsStep(of: string, { update, updated }: Updates): Step[] {
  const trouble = troubleOf({ update, updated })
  if (trouble) return [makeStep('commit', of, 'stopped', trouble)]
  if (update)
    return [
      makeStep('commit', of, 'waiting', { reason: 'NotReady', message: placeOf(update), nextTryAt: nextRunOf(update) }),
    ]
  return updated
    ? [makeStep('commit', of, 'done', { at: updated.finishedAt ?? '', message: updated.result ?? '' })]
    : []
}

function troubleOf({ update, updated }: Updates): (Parts & { message: string }) | undefined {
  const failed = failureOf(update) ? update : update ? undefined : updated
  const failure = failureOf(failed)
  return failure && { ...failure, at: failed?.startedAt ?? '', nextTryAt: nextRunOf(failed) }
}

/** Why the last run committed nothing for a workload, in its own words; empty where it did not say so. */
function refusalIn(result: string, id: string): string {
  const parts = result.split('; ')
  const own = parts.find((part) => part.startsWith(`${id} `) && part.includes(' NotEditable: '))
  if (own) return own.slice(own.indexOf(' NotEditable: ') + ' NotEditable: '.length)
  return parts[1] === 'not committed' ? (parts[0] ?? '') : ''
}
