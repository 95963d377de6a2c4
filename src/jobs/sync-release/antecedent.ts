import { toAppError } from '../../domain/error.ts'
import type { ObjectRef } from '../../domain/manifest/object.ts'
import { markManifests } from '../../domain/release/mark.ts'
import { antecedentAnnotation, antecedentOf } from '../../domain/release/ownership.ts'
import type { ReleaseSpec } from '../../domain/release/spec.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { readStored } from './revisions.ts'
import type { Work } from './work.ts'

/** Has helm send its objects with the annotation on them, so that no write follows for it. `areWhole`: all of them have it. */
export function marking(spec: ReleaseSpec): { edit: (manifests: string) => string; areWhole: () => boolean } {
  const pair = { key: antecedentAnnotation, value: antecedentOf(spec) }
  let areWhole = false
  return {
    edit(manifests) {
      const { text, isWhole } = markManifests(manifests, pair)
      areWhole = isWhole
      return text
    },
    areWhole: () => areWhole,
  }
}

/**
 * Writes on every object of the release which HelmRelease made it (helm-operator §4.4), where
 * helm did not do it: a release that is adopted or rolled back, helm 4, manifests that are written oddly. An annotation that stands there
 * already makes no new version of the object. What cannot be marked is told and is no failure.
 */
export async function markObjects(work: Work, deps: SyncReleaseDeps): Promise<void> {
  const { spec, signal } = work
  const id = antecedentOf(spec)
  const release = await readStored(work, deps)
  const isNew = work.revisions.at(-1)?.revision === 1
  const problems = await Promise.all(
    (release?.objects ?? []).map((ref) =>
      mark({ namespace: spec.targetNamespace, ...ref }, { id, isNew }, deps, signal),
    ),
  )
  signal.throwIfAborted()
  const first = problems.find((problem) => problem !== undefined)
  if (first) deps.log.info({ release: spec.release }, `not all objects were marked with their HelmRelease: ${first}`)
}

async function mark(
  ref: ObjectRef,
  { id, isNew }: { id: string; isNew: boolean },
  { cluster, fence }: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    // most have it since the revision before, and to look costs less than a write that changes nothing
    const found = isNew ? undefined : await cluster.get(ref, { metadataOnly: true, signal })
    if (found?.metadata.annotations?.[antecedentAnnotation] === id) return undefined
    fence.check()
    await cluster.patch(ref, { metadata: { annotations: { [antecedentAnnotation]: id } } }, { signal })
    return undefined
  } catch (error) {
    return toAppError(error).message
  }
}
