import type { Queue } from '../adapters/queue/index.ts'
import { emptyAnswer } from '../domain/image/answer.ts'
import { emptyPlan } from '../domain/plan/plan.ts'
import { type Request, requestIdOf } from '../domain/work/request.ts'
import type { Requests } from './requests.ts'

type Deps = {
  queue: Pick<Queue, 'cancel' | 'get'>
  requests: Pick<Requests, 'find' | 'end' | 'putAnswer' | 'putPlan'>
  now: () => Date
}

/**
 * As `Queue.cancel`; a request whose job had not begun ends with it, since nothing else would ever answer who asked. One that is
 * stopped while it runs stays, so that its job can be tried again.
 */
export async function cancelJob(jobId: string, who: string, deps: Deps): Promise<boolean> {
  const { queue, requests } = deps
  const id = requestIdOf((await queue.get(jobId))?.name ?? '')
  if (!(await queue.cancel(jobId, who))) return false
  const request = id === undefined || (await queue.get(jobId)) ? undefined : await requests.find(id)
  if (request && request.endedAt === '') await endAsCancelled(request, who, deps)
  return true
}

async function endAsCancelled(request: Request, who: string, { requests, now }: Deps): Promise<void> {
  const end = { reason: 'Cancelled', message: `cancelled by ${who}`, finishedAt: now().toISOString() } as const
  const { kind } = request.ask
  if (kind === 'update-images') await requests.putAnswer({ ...emptyAnswer(request, 'failed'), ...end })
  if (kind === 'plan-source' || kind === 'plan-release')
    await requests.putPlan({ ...emptyPlan(request, 'failed'), ...end })
  await requests.end(request)
}
