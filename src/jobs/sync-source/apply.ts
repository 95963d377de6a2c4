import type { Applied, ApplyOptions, Cluster } from '../../adapters/cluster/index.ts'
import { type AppError, toAppError } from '../../domain/error.ts'
import { isEstablished, servedKinds } from '../../domain/health/kinds/custom-resource-definition.ts'
import { conflictAnnotation } from '../../domain/manifest/annotations.ts'
import { withSyncMeta } from '../../domain/manifest/gc-mark.ts'
import { idOf, type KubeObject, type ObjectRef } from '../../domain/manifest/object.ts'
import type { Change } from '../../domain/plan/change.ts'
import type { Conflict } from '../../domain/plan/fights.ts'
import type { LiveObject } from '../../domain/plan/live.ts'
import { mayRecreate } from '../../domain/plan/recreate.ts'
import type { Fence } from '../../domain/work/fence.ts'
import { parseExactJson } from '../../lib/exact-json.ts'
import type { OwnedObjects } from '../owned-objects.ts'
import type { LeftAlone } from './left-alone.ts'

export type ApplyDeps = {
  cluster: Pick<Cluster, 'apply' | 'get' | 'resource' | 'takeOver' | 'recreate'>
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
  /** The manifest as JSON; it is made into an object only when it is sent, so that ten thousand of them stay small. */
  body: string
  mark: string
  /** What the cluster held before; undefined when absent or not known. */
  live: LiveObject | undefined
  /** Somebody else applied it last, or nobody of us yet: what kubectl, hence fluxd, put there is taken over. */
  takeOver: boolean
} & LeftAlone

export type Written = { writing: Writing; change: Change; owned: string; conflicts: readonly Conflict[] }

const servedWithinMs = 30_000

/**
 * Sends one object; a definition serves its kind when this ends. One bad object fails alone: only a lost cluster, a lost Lease or an
 * abort throws.
 */
export async function applyOne(writing: Writing, deps: ApplyDeps, signal: AbortSignal): Promise<Written> {
  const written = await tryOne(writing, deps, signal)
  if (writing.ref.kind === 'CustomResourceDefinition' && written.change.action !== 'failed')
    await waitServed(writing.ref, deps, signal)
  return written
}

async function tryOne(writing: Writing, deps: ApplyDeps, signal: AbortSignal): Promise<Written> {
  const { ref, file, line, live } = writing
  const about = { id: idOf(ref), file, line }
  try {
    signal.throwIfAborted()
    deps.fence.check()
    const applied = await send(writing, deps, signal)
    const { owned } = deps.owned.note(applied.object)
    const same = live?.resourceVersion === applied.object.metadata.resourceVersion
    const action = applied.created ? 'created' : same ? 'unchanged' : 'configured'
    const change: Change = {
      ...about,
      action,
      ...(applied.overruled.length ? { overruled: applied.overruled } : {}),
      ...(applied.yielded.length ? { yielded: applied.yielded } : {}),
      ...(writing.warning ? { message: writing.warning } : {}),
    }
    return { writing, change, owned, conflicts: applied.conflicts }
  } catch (error) {
    const failure = toAppError(error)
    if (signal.aborted || endsSync(failure)) throw failure
    return {
      writing,
      change: { ...about, action: 'failed', reason: failure.reason, message: failure.message },
      owned: '',
      conflicts: [],
    }
  }
}

/** First contact takes over what kubectl, hence fluxd, put there; the rest is one server-side apply (ruling 2). */
async function send(writing: Writing, { cluster }: ApplyDeps, signal: AbortSignal): Promise<Applied> {
  const { ref, live } = writing
  const object = bodyOf(writing)
  if (writing.takeOver) await cluster.takeOver(ref, signal)
  const options = { ...applyOptions(object, writing), metadataOnly: writing.leaveAlone.length === 0 }
  try {
    return await cluster.apply(object, options, signal)
  } catch (error) {
    if (toAppError(error).reason !== 'ImmutableField' || !live || !mayRecreate(object)) throw error
    return await cluster.recreate(object, live.uid, options, signal)
  }
}

/** Git wins, but for what is left alone and for objects that yield (ruling 2). */
export function applyOptions(object: KubeObject, { leaveAlone }: Pick<LeftAlone, 'leaveAlone'>): ApplyOptions {
  const yields = object.metadata.annotations?.[conflictAnnotation] === 'yield'
  return {
    force: true,
    ...(leaveAlone.length > 0 ? { leaveAlone } : {}),
    ...(yields ? { yieldTo: 'everybody' as const } : {}),
  }
}

/** Exactly what is sent: final namespace, mark and checksum merged in. */
export function bodyOf({ body, ref, mark, digest }: Pick<Writing, 'body' | 'ref' | 'mark' | 'digest'>): KubeObject {
  const object = parseExactJson(body) as KubeObject
  const { namespace: _, ...metadata } = object.metadata
  const placed = { ...object, metadata: { ...metadata, ...(ref.namespace ? { namespace: ref.namespace } : {}) } }
  return withSyncMeta(placed, { mark, checksum: digest })
}

/** Reasons that concern every object, not this one. */
function endsSync(failure: AppError): boolean {
  return failure.reason === 'ClusterUnavailable' || failure.reason === 'FenceLost' || failure.reason === 'InternalError'
}

/** A definition serves its kind a moment after it was applied; objects of that kind wait for it. */
async function waitServed(ref: ObjectRef, deps: ApplyDeps, signal: AbortSignal): Promise<void> {
  for (let waited = 0; waited < servedWithinMs; waited += 100) {
    const definition = await deps.cluster.get(ref, { signal })
    if (!definition || (isEstablished(definition) && (await isServed(definition, deps, signal)))) return
    await deps.pause(100, signal)
  }
}

/** The API server says Established before discovery has the kind. */
async function isServed(definition: KubeObject, { cluster }: ApplyDeps, signal: AbortSignal): Promise<boolean> {
  for (const { apiVersion, kind } of servedKinds(definition)) {
    try {
      if (!(await cluster.resource(apiVersion, kind, signal))) return false
    } catch (error) {
      // a group that is new may not answer yet
      if (signal.aborted || toAppError(error).reason !== 'ClusterUnavailable') throw error
      return false
    }
  }
  return true
}
