import type { KubeObject } from '../../domain/manifest/object.ts'
import { parseRest, type Rest } from '../../domain/release/rest.ts'
import type { SyncReleaseDeps } from './deps.ts'
import type { Reads } from './reads.ts'
import type { Work } from './work.ts'

/** A release that nobody touches for so long is looked at again. */
const keptForMs = 24 * 60 * 60 * 1000

/**
 * Keeps what a run read that found all in sync and wrote nothing, so that a resync need not run it again as long as all of that is the
 * same. Values from a URL, and what a rename left behind, can only be looked at.
 */
export async function noteRest(
  { object, spec, wanted, notes, left }: Work,
  reads: Reads,
  { rests }: Pick<SyncReleaseDeps, 'rests'>,
): Promise<void> {
  const read = reads.noted()
  const mustLook = notes.length > 0 || left.length > 0 || spec.valuesFrom.some(({ kind }) => kind === 'url')
  if (!rests || !read || !wanted || mustLook) return
  const rest: Rest = { settings: rests.settings, chart: wanted.chart.digest, ...read }
  await rests.store.set(keyOfRest(object), JSON.stringify(rest), { ttlMs: keptForMs })
}

/** What the last such run of each left; undefined where there is none, or when Redis is gone. */
export async function readRests(
  objects: readonly KubeObject[],
  { store }: Pick<NonNullable<SyncReleaseDeps['rests']>, 'store'>,
): Promise<(Rest | undefined)[]> {
  return (await store.getMany(objects.map(keyOfRest))).map(parseRest)
}

function keyOfRest({ metadata }: KubeObject): string {
  return `release-rest:${metadata.namespace ?? ''}/${metadata.name}/${metadata.uid ?? ''}`
}
