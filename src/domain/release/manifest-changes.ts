import { idOf, type KubeObject, keyOf, refOf } from '../manifest/object.ts'
import { parseManifests } from '../manifest/parse.ts'
import { canonicalJson } from '../../lib/canonical-json.ts'
import { antecedentAnnotation } from './ownership.ts'
import { diffObjects } from '../plan/diff.ts'
import type { Redact } from '../plan/masked.ts'
import type { PlannedChange } from '../plan/plan.ts'

/**
 * The objects of helm's text of manifests; those without a namespace get the one of the release. Without the annotation that says whose
 * they are: a release that another one made has none, and that is no change (rulings part 3).
 */
export function objectsOf(manifest: string, namespace: string): KubeObject[] {
  return parseManifests({ file: '', text: manifest }).objects.map(({ object }) => ({
    ...object,
    metadata: { ...withoutAntecedent(object.metadata), namespace: object.metadata.namespace ?? namespace },
  }))
}

function withoutAntecedent({ annotations, ...metadata }: KubeObject['metadata']): KubeObject['metadata'] {
  if (!annotations) return metadata
  const { [antecedentAnnotation]: _antecedent, ...rest } = annotations
  return Object.keys(rest).length > 0 ? { ...metadata, annotations: rest } : metadata
}

/**
 * What becomes of each object between two states of a release: those that differ, in the order of the later one, deletions last. Diffs
 * are masked; what `redact` must know of Secrets it has to know before.
 */
export function changesBetween(
  before: readonly KubeObject[],
  after: readonly KubeObject[],
  redact: Redact,
): { changes: PlannedChange[]; unchanged: number } {
  const old = byKey(before)
  const fresh = byKey(after)
  const made = [...fresh].flatMap(([key, object]) => changeOf(old.get(key), object, redact))
  const gone = [...old].filter(([key]) => !fresh.has(key)).flatMap(([, object]) => changeOf(object, undefined, redact))
  const kept = [...fresh.keys()].filter((key) => old.has(key)).length
  const configured = made.filter(({ action }) => action === 'configured').length
  return { changes: [...made, ...gone], unchanged: kept - configured }
}

function changeOf(before: KubeObject | undefined, after: KubeObject | undefined, redact: Redact): PlannedChange[] {
  const object = after ?? before
  if (!object || canonicalJson(before ?? null) === canonicalJson(after ?? null)) return []
  const action = before === undefined ? 'created' : after === undefined ? 'deleted' : 'configured'
  const diff = action === 'deleted' ? '' : diffObjects(before, after, redact)
  return [{ id: idOf(refOf(object)), file: '', line: 0, action, ...(diff ? { diff } : {}) }]
}

function byKey(objects: readonly KubeObject[]): Map<string, KubeObject> {
  return new Map(objects.map((object) => [keyOf(refOf(object)), object]))
}
