import { AppError, toAppError } from '../domain/error.ts'
import { emptyPlan, fitPlan, type Plan } from '../domain/plan/plan.ts'
import type { JobPayload, Outcome } from '../domain/work/job.ts'
import type { Request } from '../domain/work/request.ts'
import type { Redactor } from '../lib/redactor.ts'
import type { Requests } from './requests.ts'

type Deps = { requests: Requests; redactor: Redactor; now: () => Date }

/** What a plan says once it is made; masked. */
export type MadePlan = Pick<Plan, 'revision' | 'changes' | 'counts' | 'held' | 'warnings' | 'values'>

/** What Redis keeps of one plan at most (W7). */
const mostBytes = 5 * 1024 * 1024

/**
 * Answers a request for a plan, which lies in Redis for an hour. A plan that cannot be made says why and is not tried again: whoever
 * asked decides.
 */
export async function answerPlan(
  payload: JobPayload,
  make: (request: Request) => Promise<MadePlan>,
  deps: Deps,
  signal: AbortSignal,
): Promise<Outcome> {
  const { request, problem } = await deps.requests.read(payload)
  if (!request) return { end: 'done', summary: problem }
  const begun = emptyPlan(request, 'running')
  await deps.requests.putPlan(begun)
  try {
    const plan: Plan = { ...begun, ...(await make(request)), state: 'done', finishedAt: deps.now().toISOString() }
    await deps.requests.putPlan(fitPlan(plan, mostBytes))
    await deps.requests.end(request)
    return { end: 'done', summary: summaryOf(plan) }
  } catch (error) {
    if (signal.aborted) {
      await deps.requests.dropPlan(request.id)
      throw error
    }
    throw await endWithFailure(begun, { request, error }, deps)
  }
}

async function endWithFailure(
  begun: Plan,
  { request, error }: { request: Request; error: unknown },
  { requests, redactor, now }: Deps,
): Promise<AppError> {
  const { reason, message, details } = toAppError(error)
  // the text of a bug may hold anything; the log has it, as the cause
  const told = reason === 'InternalError' ? 'Something went wrong; the log says what.' : redactor.redact(message)
  await requests.putPlan({ ...begun, state: 'failed', reason, message: told, finishedAt: now().toISOString() })
  await requests.end(request)
  return new AppError(reason, told, { retry: 'never', details, cause: error })
}

function summaryOf({ revision, counts }: Plan): string {
  const words = Object.entries(counts).filter(([action, count]) => count > 0 || action === 'unchanged')
  return `${revision}: ${words.map(([action, count]) => `${count} ${action}`).join(', ')}`
}
