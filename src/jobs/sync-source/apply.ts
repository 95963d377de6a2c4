import type { Cluster } from '../../adapters/cluster/index.ts'
import { type AppError, toAppError } from '../../domain/error.ts'
import { isEstablished } from '../../domain/health/kinds/custom-resource-definition.ts'
import { idOf, type KubeObject, type ObjectRef } from '../../domain/manifest/object.ts'
import type { Change } from '../../domain/plan/change.ts'
import type { LiveObject } from '../../domain/plan/live.ts'
import type { Fence } from '../../domain/work/fence.ts'
import type { OwnedObjects } from '../owned-objects.ts'

export type ApplyDeps = {
  cluster: Pick<Cluster, 'apply' | 'get' | 'forgetDiscovery'>
  fence: Fence
  owned: Pick<OwnedObjects, 'note'>
  /** Resolves after that many milliseconds or when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>
}

/** One object that must be written. */
export type Writing = {
  key: string
  ref: ObjectRef
  /** Of the manifest in git. */
  digest: string
  file: string
  line: number
  /** Exactly what is sent: final namespace, mark and checksum merged in. */
  object: KubeObject
  /** What the cluster held before; undefined when absent or not known. */
  live: LiveObject | undefined
}

export type Written = { writing: Writing; change: Change; owned: string }

const establishedWithinMs = 30_000

/**
 * Sends the objects of one stage, all at once (the cluster adapter limits what is in flight). One bad object fails alone;
 * only a lost cluster, a lost Lease or an abort end the stage, by throwing.
 */
export async function applyStage(stage: readonly Writing[], deps: ApplyDeps, signal: AbortSignal): Promise<Written[]> {
  const written = await Promise.all(stage.map((writing) => applyOne(writing, deps, signal)))
  const definitions = written.filter(
    ({ writing, change }) => writing.ref.kind === 'CustomResourceDefinition' && change.action !== 'failed',
  )
  if (definitions.length > 0) {
    await Promise.all(definitions.map(({ writing }) => waitEstablished(writing.ref, deps, signal)))
    deps.cluster.forgetDiscovery()
  }
  return written
}

async function applyOne(writing: Writing, deps: ApplyDeps, signal: AbortSignal): Promise<Written> {
  const { ref, file, line, live } = writing
  const about = { id: idOf(ref), file, line }
  try {
    signal.throwIfAborted()
    deps.fence.check()
    const applied = await deps.cluster.apply(writing.object, { force: true }, signal)
    const { owned } = deps.owned.note(applied.object)
    const same = live?.resourceVersion === applied.object.metadata.resourceVersion
    const action = applied.created ? 'created' : same ? 'unchanged' : 'configured'
    const change: Change = { ...about, action, ...(applied.overruled.length ? { overruled: applied.overruled } : {}) }
    return { writing, change, owned }
  } catch (error) {
    const failure = toAppError(error)
    if (signal.aborted || endsSync(failure)) throw failure
    return {
      writing,
      change: { ...about, action: 'failed', reason: failure.reason, message: failure.message },
      owned: '',
    }
  }
}

/** Reasons that concern every object, not this one. */
function endsSync(failure: AppError): boolean {
  return failure.reason === 'ClusterUnavailable' || failure.reason === 'FenceLost' || failure.reason === 'InternalError'
}

/** A definition serves its kind a moment after it was applied; objects of that kind come in a later stage. */
async function waitEstablished(ref: ObjectRef, deps: ApplyDeps, signal: AbortSignal): Promise<void> {
  for (let waited = 0; waited < establishedWithinMs; waited += 100) {
    const definition = await deps.cluster.get(ref, { signal })
    if (!definition || isEstablished(definition)) return
    await deps.pause(100, signal)
  }
}
