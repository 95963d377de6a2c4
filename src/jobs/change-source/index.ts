import type { Cluster } from '../../adapters/cluster/index.ts'
import { AppError } from '../../domain/error.ts'
import type { Fence } from '../../domain/work/fence.ts'
import type { Enqueue, JobPayload, Outcome } from '../../domain/work/job.ts'
import type { Request } from '../../domain/work/request.ts'
import type { History } from '../history.ts'
import { tellRequest } from '../tell-request.ts'
import type { Sources } from '../sources.ts'
import type { Requests } from '../requests.ts'
import { writeChange } from './write-change.ts'

export type ChangeSourceDeps = {
  sources: Pick<Sources, 'get'>
  requests: Pick<Requests, 'read' | 'end'>
  cluster: Pick<Cluster, 'get' | 'create' | 'patch'>
  fence: Pick<Fence, 'check'>
  enqueue: Enqueue
  /** Where people and sinks are told; left out where nobody is. */
  history?: History
}

/**
 * Answers a request to approve a held deletion, to suspend or to resume a source: notes it in the cluster, where the sync reads it, and
 * asks for a sync. The newest request wins, in whatever order they are run, and one that was signed by nobody does nothing (B7).
 */
export async function changeSource(payload: JobPayload, deps: ChangeSourceDeps, signal: AbortSignal): Promise<Outcome> {
  const { request, problem } = await deps.requests.read(payload)
  if (request?.ask.kind !== 'change-source') return { end: 'done', summary: problem ?? 'it is not for this job' }
  const { namespace, name, by } = request
  const spec = deps.sources.get(namespace, name)
  if (!spec) {
    await deps.requests.end(request)
    throw new AppError('Unconfigured', `There is no source ${namespace}/${name} (any more).`, { retry: 'never' })
  }
  const written = await writeChange(spec, { request, ask: request.ask }, deps, signal)
  if (written === 'overtaken') {
    await deps.requests.end(request)
    return { end: 'done', summary: 'a later request was answered before; nothing to do' }
  }
  const reason = `requested by ${by} (${request.ask.change})`
  const { jobId } = await deps.enqueue({ kind: 'sync-source', namespace, name, reason, lane: 'person' })
  await deps.requests.end(request)
  await tellRequest(request, { kind: 'source', words: wordsOf(request.ask) }, deps)
  return { end: 'done', summary: `${wordsOf(request.ask)} → ${jobId}` }
}

function wordsOf(ask: Extract<Request['ask'], { kind: 'change-source' }>): string {
  if (ask.change === 'approve') return `deletions of ${ask.commit.slice(0, 12)} approved`
  return ask.change === 'suspend' ? 'suspended' : 'resumed'
}
