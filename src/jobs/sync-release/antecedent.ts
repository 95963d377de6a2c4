import { toAppError } from '../../domain/error.ts'
import type { ObjectRef } from '../../domain/manifest/object.ts'
import { antecedentAnnotation, antecedentOf } from '../../domain/release/ownership.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { readStored } from './revisions.ts'
import type { Work } from './work.ts'

/**
 * Writes on every object of the release which HelmRelease made it (helm-operator §4.4). An annotation that stands there already makes
 * no new version of the object. What cannot be marked is told and is no failure.
 */
export async function markObjects(work: Work, deps: SyncReleaseDeps): Promise<void> {
  const { spec, signal } = work
  const id = antecedentOf(spec)
  const release = await readStored(work, deps)
  const problems = await Promise.all(
    (release?.objects ?? []).map((ref) => mark({ namespace: spec.targetNamespace, ...ref }, id, deps, signal)),
  )
  signal.throwIfAborted()
  const first = problems.find((problem) => problem !== undefined)
  if (first) deps.log.info({ release: spec.release }, `not all objects were marked with their HelmRelease: ${first}`)
}

async function mark(
  ref: ObjectRef,
  id: string,
  { cluster, fence }: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    fence.check()
    await cluster.patch(ref, { metadata: { annotations: { [antecedentAnnotation]: id } } }, { signal })
    return undefined
  } catch (error) {
    return toAppError(error).message
  }
}
