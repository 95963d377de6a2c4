import type { Cluster } from '../../adapters/cluster/index.ts'
import { sourceKind } from '../../domain/source/resource.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { Suspension } from '../../domain/status/suspension.ts'
import { statusRef } from '../../domain/source/status.ts'
import type { Fence } from '../../domain/work/fence.ts'
import type { Request } from '../../domain/work/request.ts'
import { type Answer, writeAnswer } from '../write-answer.ts'
import { approveAnnotation, suspendAnnotation } from '../sync-source/ledger.ts'

type Ask = Extract<Request['ask'], { kind: 'change-source' }>
type Deps = { cluster: Pick<Cluster, 'get' | 'create' | 'patch'>; fence: Pick<Fence, 'check'> }

/**
 * Writes what was asked for onto the source: its Source object, or the ConfigMap with its status, which is made where it is missing.
 * Reads first and writes only what was read (resource version). `overtaken`: a later request was answered before.
 */
export async function writeChange(
  spec: SourceSpec,
  { request, ask }: { request: Pick<Request, 'at' | 'by'>; ask: Ask },
  deps: Deps,
  signal: AbortSignal,
): Promise<'written' | 'overtaken'> {
  return await writeAnswer(answerOf(spec, ask, request), request.at, deps, signal)
}

function answerOf(spec: SourceSpec, ask: Ask, { at, by }: Pick<Request, 'at' | 'by'>): Answer {
  const { namespace, name } = spec
  const labels = { 'app.kubernetes.io/managed-by': 'capstan', 'capstan.dev/source': name }
  if (ask.change === 'approve')
    return { ref: statusRef(spec), annotations: { [approveAnnotation]: ask.commit }, labels }
  const suspension: Suspension | null = ask.change === 'suspend' ? { by, why: ask.why, since: at } : null
  if (spec.origin === 'resource')
    return { ref: { ...sourceKind, namespace, name }, annotations: {}, spec: { suspend: suspension } }
  return {
    ref: statusRef(spec),
    annotations: { [suspendAnnotation]: suspension && JSON.stringify(suspension) },
    labels,
  }
}
