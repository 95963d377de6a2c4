import type { JobPayload, Outcome } from '../../domain/work/job.ts'
import { answerPlan } from '../answer-plan.ts'
import type { Requests } from '../requests.ts'
import { makePlan, type MakePlanDeps } from './make-plan.ts'

export type PlanSourceDeps = MakePlanDeps & { requests: Requests }

/** Answers a request for a plan of a source: what a sync of that revision would do, object by object, without doing it. */
export async function planSource(payload: JobPayload, deps: PlanSourceDeps, signal: AbortSignal): Promise<Outcome> {
  return await answerPlan(payload, (request) => makePlan(request, deps, signal), deps, signal)
}
