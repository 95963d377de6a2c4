import type { Cluster } from '../adapters/cluster/index.ts'
import { AppError } from '../domain/error.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import {
  type MirroredSource,
  type MirroredStatus,
  mirrorStatus,
  outcomeOf,
  type SeenSource,
} from '../domain/source/condition.ts'
import { sourceKind } from '../domain/source/resource.ts'
import { statusRef } from '../domain/source/status.ts'
import { readSourceStatus } from '../domain/source/stored-status.ts'
import { canonicalJson } from '../lib/canonical-json.ts'
import type { Logger } from '../lib/logger.ts'
import { announceOn } from './kube-event.ts'

export type SourceConditionsDeps = {
  cluster: Pick<Cluster, 'get' | 'patch' | 'create'>
  log: Logger
  now: () => Date
}

/**
 * Makes the status of a Source object say what was seen; the ConfigMap stays the truth. One read, and one patch only where something
 * differs; a Kubernetes Event where the outcome does. False when nothing was written, also because the object is gone or another one
 * of that name has come. A newer generation that somebody else has reported already is not overwritten by an older one.
 */
export async function writeSourceConditions(
  source: MirroredSource,
  seen: SeenSource,
  deps: SourceConditionsDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const ref = { ...sourceKind, namespace: source.namespace, name: source.name }
  const found = await deps.cluster.get(ref, { signal })
  if (!found || isOther(found, source)) return false
  const before = (found.status ?? {}) as Partial<MirroredStatus>
  if ((before.observedGeneration ?? 0) > (source.object?.generation ?? Number.MAX_SAFE_INTEGER)) return false
  const status = mirrorStatus(source, seen, { before, now: deps.now().toISOString() })
  const patch = differences(before, status)
  if (Object.keys(patch).length === 0) return false
  const { uid = '' } = found.metadata
  try {
    await deps.cluster.patch(ref, { metadata: { uid }, status: patch }, { subresource: 'status', signal })
  } catch (error) {
    // gone, or another one of that name, since it was read
    if (error instanceof AppError && error.reason === 'OtherWriter') return false
    throw error
  }
  if (outcomeOf(before) !== outcomeOf(status)) await tell({ ...ref, uid }, status, deps, signal)
  return true
}

/** The same with the status that the ConfigMap has now, and with a failure to get at the repository. */
export async function mirrorSource(
  source: MirroredSource,
  failure: AppError | undefined,
  deps: SourceConditionsDeps,
  signal: AbortSignal,
): Promise<boolean> {
  const status = readSourceStatus(await deps.cluster.get(statusRef(source), { signal }))
  return await writeSourceConditions(source, { status, fetch: failure }, deps, signal)
}

function isOther({ metadata }: KubeObject, { object }: MirroredSource): boolean {
  return object !== undefined && object.uid !== metadata.uid
}

/** The fields of the status that are not as they were. */
function differences(before: Partial<MirroredStatus>, after: MirroredStatus): Record<string, unknown> {
  const known: Record<string, unknown> = { ...before }
  return Object.fromEntries(
    Object.entries(after).filter(([field, value]) => canonicalJson(known[field]) !== canonicalJson(value)),
  )
}

async function tell(
  about: Parameters<typeof announceOn>[0],
  status: MirroredStatus,
  deps: SourceConditionsDeps,
  signal: AbortSignal,
): Promise<void> {
  const ready = status.conditions.find(({ type }) => type === 'Ready')
  if (!ready || ready.status === 'Unknown') return
  const { reason, message } = ready
  await announceOn(about, { type: ready.status === 'True' ? 'Normal' : 'Warning', reason, message }, deps, signal)
}
