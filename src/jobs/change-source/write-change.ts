import type { Cluster } from '../../adapters/cluster/index.ts'
import { toAppError } from '../../domain/error.ts'
import type { ObjectRef } from '../../domain/manifest/object.ts'
import { sourceKind } from '../../domain/source/resource.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { Suspension } from '../../domain/status/suspension.ts'
import { statusRef } from '../../domain/source/status.ts'
import type { Fence } from '../../domain/work/fence.ts'
import type { Request } from '../../domain/work/request.ts'
import { approveAnnotation, suspendAnnotation } from '../sync-source/ledger.ts'

type Ask = Extract<Request['ask'], { kind: 'change-source' }>
type Deps = { cluster: Pick<Cluster, 'get' | 'create' | 'patch'>; fence: Pick<Fence, 'check'> }

/** Time of the newest request that was answered: an older one comes too late, and a copy of an old one does nothing. */
const answeredAnnotation = 'capstan.dev/answered-request'
/** Others write to the same object; who loses reads it again. */
const tries = 5

/** What is written where; `null` takes a field away. */
type Write = { ref: ObjectRef; annotations: Record<string, string | null>; spec?: Record<string, unknown> }

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
  const write = writeOf(spec, ask, request)
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryWrite(write, { spec, at: request.at }, deps, signal)
    } catch (error) {
      if (toAppError(error).reason !== 'OtherWriter' || attempt === tries) throw error
    }
  }
}

function writeOf(spec: SourceSpec, ask: Ask, { at, by }: Pick<Request, 'at' | 'by'>): Write {
  const { namespace, name } = spec
  if (ask.change === 'approve') return { ref: statusRef(spec), annotations: { [approveAnnotation]: ask.commit } }
  const suspension: Suspension | null = ask.change === 'suspend' ? { by, why: ask.why, since: at } : null
  if (spec.origin === 'resource')
    return { ref: { ...sourceKind, namespace, name }, annotations: {}, spec: { suspend: suspension } }
  return { ref: statusRef(spec), annotations: { [suspendAnnotation]: suspension && JSON.stringify(suspension) } }
}

async function tryWrite(
  { ref, annotations, spec: change }: Write,
  { spec, at }: { spec: SourceSpec; at: string },
  { cluster, fence }: Deps,
  signal: AbortSignal,
): Promise<'written' | 'overtaken'> {
  const found = await cluster.get(ref, { metadataOnly: true, signal })
  const last = found?.metadata.annotations?.[answeredAnnotation] ?? ''
  if (last > at) return 'overtaken'
  const noted = { ...annotations, [answeredAnnotation]: at }
  fence.check()
  if (found || change) {
    const { resourceVersion } = found?.metadata ?? {}
    const metadata = { annotations: noted, ...(resourceVersion ? { resourceVersion } : {}) }
    await cluster.patch(ref, { metadata, ...(change ? { spec: change } : {}) }, { signal })
    return 'written'
  }
  const set = Object.entries(noted).filter((entry): entry is [string, string] => entry[1] !== null)
  const labels = { 'app.kubernetes.io/managed-by': 'capstan', 'capstan.dev/source': spec.name }
  const { apiVersion, kind, namespace = '', name } = ref
  await cluster.create(
    { apiVersion, kind, metadata: { name, namespace, labels, annotations: Object.fromEntries(set) } },
    signal,
  )
  return 'written'
}
