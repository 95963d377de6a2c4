import type { Cluster } from '../../adapters/cluster/index.ts'
import { AppError, toAppError } from '../../domain/error.ts'
import { definitionName, readDefinition } from '../../domain/release/definition.ts'
import { suspendAnnotation } from '../../domain/release/own-fields.ts'
import { printRollback, rollbackAnnotation } from '../../domain/release/rollback-request.ts'
import { rollbackTarget } from '../../domain/release/rollback-target.ts'
import { helmReleaseKind, type ReleaseSpec, readSpec } from '../../domain/release/spec.ts'
import type { Suspension } from '../../domain/status/suspension.ts'
import type { Enqueue, JobPayload, Outcome } from '../../domain/work/job.ts'
import type { Request } from '../../domain/work/request.ts'
import type { Requests } from '../requests.ts'
import type { SyncReleaseDeps } from '../sync-release/deps.ts'
import { tellRequest } from '../tell-request.ts'
import { readRecord } from '../sync-release/observe.ts'
import { readRevisions } from '../sync-release/revisions.ts'
import { withRights } from '../sync-release/rights.ts'
import { type Answer, writeAnswer } from '../write-answer.ts'

export type ChangeReleaseDeps = SyncReleaseDeps & { requests: Pick<Requests, 'read' | 'end'>; enqueue: Enqueue }

type Ask = Extract<Request['ask'], { kind: 'change-release' }>
type Asked = { request: Request; ask: Ask }

/**
 * Answers a request to roll a release back, to suspend or to resume it: notes it on the HelmRelease, where the sync reads it, and asks
 * for a sync. The newest request wins, in whatever order they are run, and one that was signed by nobody does nothing (B7).
 */
export async function changeRelease(
  payload: JobPayload,
  deps: ChangeReleaseDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  const { request, problem } = await deps.requests.read(payload)
  if (request?.ask.kind !== 'change-release') return { end: 'done', summary: problem ?? 'it is not for this job' }
  try {
    const summary = await answer({ request, ask: request.ask }, deps, signal)
    await deps.requests.end(request)
    return { end: 'done', summary }
  } catch (error) {
    // whoever asked is told and asks again; what may pass by itself is tried again
    if (toAppError(error).retry === 'never') await deps.requests.end(request)
    throw error
  }
}

async function answer({ request, ask }: Asked, deps: ChangeReleaseDeps, signal: AbortSignal): Promise<string> {
  const { namespace, name, by, at } = request
  const { write, words } = await answerOf({ request, ask }, deps, signal)
  if ((await writeAnswer(write, at, deps, signal)) === 'overtaken')
    return 'a later request was answered before; nothing to do'
  const reason = `requested by ${by} (${ask.change})`
  const { jobId } = await deps.enqueue({ kind: 'sync-release', namespace, name, reason, lane: 'person' })
  await tellRequest(request, { kind: 'release', words }, deps)
  return `${words} → ${jobId}`
}

type Made = { write: Answer; words: string }

async function answerOf(asked: Asked, deps: ChangeReleaseDeps, signal: AbortSignal): Promise<Made> {
  const { namespace, name } = asked.request
  const ref = { ...helmReleaseKind, namespace, name }
  const object = await deps.cluster.get(ref, { signal })
  if (!object)
    throw new AppError('ReleaseNotFound', `There is no HelmRelease ${namespace}/${name} (any more).`, {
      retry: 'never',
    })
  const { request, ask } = asked
  if (ask.change === 'rollback') {
    const revision = await findRevision(readSpec(object, deps.defaults), ask.revision, deps, signal)
    const text = printRollback({ revision, by: request.by, at: request.at })
    return { write: { ref, annotations: { [rollbackAnnotation]: text } }, words: `back to revision ${revision}` }
  }
  const suspension = ask.change === 'suspend' ? { by: request.by, why: ask.why, since: request.at } : null
  const isField = await takesSuspend(deps, signal)
  return { write: { ref, ...suspensionOf(suspension, isField) }, words: suspension ? 'suspended' : 'resumed' }
}

/** Going on takes away whatever stops it, the field and the annotation. */
function suspensionOf(suspension: Suspension | null, isField: boolean): Pick<Answer, 'annotations' | 'spec'> {
  if (!isField) return { annotations: { [suspendAnnotation]: suspension && JSON.stringify(suspension) } }
  return { annotations: { [suspendAnnotation]: null }, spec: { suspend: suspension } }
}

async function takesSuspend({ cluster }: { cluster: Pick<Cluster, 'get'> }, signal: AbortSignal): Promise<boolean> {
  const ref = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: definitionName }
  const definition = await cluster.get(ref, { signal }).catch(() => undefined)
  signal.throwIfAborted()
  return definition !== undefined && readDefinition(definition).takesField('suspend')
}

/** The one that was named, or see {@link rollbackTarget}; never one that helm does not have. */
async function findRevision(
  spec: ReleaseSpec,
  wanted: number,
  deps: ChangeReleaseDeps,
  signal: AbortSignal,
): Promise<number> {
  const theirs = withRights(spec, deps)
  const [revisions, { record }] = await Promise.all([
    readRevisions(spec, theirs, signal),
    readRecord(spec, theirs, signal),
  ])
  const own = record?.owner.uid === spec.uid ? record : undefined
  const found = wanted === 0 ? rollbackTarget(revisions, { wish: spec.rollbackRequest, record: own }) : wanted
  if (found !== undefined && revisions.some(({ revision }) => revision === found)) return found
  const which = wanted === 0 ? 'an earlier good revision' : `a revision ${wanted}`
  const message = `helm does not have ${which} of release ${spec.release} in ${spec.targetNamespace}.`
  throw new AppError('NoRevision', message, { retry: 'never' })
}
