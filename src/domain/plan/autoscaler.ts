import { groupOf, idOf, type KubeObject, keyOf, type ObjectRef } from '../manifest/object.ts'
import { type FieldPath, isMap, valueAt } from './field-path.ts'
import { textOf } from '../../lib/raw.ts'

/** The kinds that say what is scaled: Kubernetes' own, and KEDA's. */
export const autoscalerKinds = [
  { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler' },
  { apiVersion: 'keda.sh/v1alpha1', kind: 'ScaledObject' },
] as const

const replicas: FieldPath = [{ key: 'spec' }, { key: 'replicas' }]
const scalable = new Set(['apps/Deployment', 'apps/StatefulSet', 'apps/ReplicaSet', '/ReplicationController'])

/** False for the built-in kinds that no autoscaler can scale; a kind of somebody's own may have a scale. */
export function isScalable({ apiVersion, kind }: Pick<ObjectRef, 'apiVersion' | 'kind'>): boolean {
  const group = groupOf(apiVersion)
  const builtIn = !group.includes('.') || group.endsWith('.k8s.io')
  return !builtIn || scalable.has(`${group}/${kind}`)
}

/**
 * Ruling 18: the fields of an object that one of the autoscalers moves, so that git leaves them alone: `.spec.replicas`, or none.
 * Reads HorizontalPodAutoscalers of all versions and KEDA's ScaledObjects, live or from git; other objects are passed over.
 */
export function autoscaledFields(autoscalers: readonly KubeObject[], ref: ObjectRef): FieldPath[] {
  return scalerOf(autoscalers, ref) ? [replicas] : []
}

/** What people are told where git's object gives a number that is not applied; undefined where there is nothing to tell. */
export function autoscalerWarning(
  autoscalers: readonly KubeObject[],
  ref: ObjectRef,
  object: KubeObject,
): string | undefined {
  const scaler = scalerOf(autoscalers, ref)
  if (!scaler || valueAt(object, replicas) === undefined) return undefined
  const by = idOf({ kind: scaler.kind, ...scaler.metadata })
  return `.spec.replicas of ${idOf(ref)} is left to ${by}. Take it out of git, or let git win with --overrule-autoscalers.`
}

function scalerOf(autoscalers: readonly KubeObject[], ref: ObjectRef): KubeObject | undefined {
  const key = keyOf(ref)
  return autoscalers.find((autoscaler) => {
    const target = targetOf(autoscaler)
    return target !== undefined && keyOf(target) === key
  })
}

/** What an autoscaler scales; undefined for any other object and for one that names nothing. */
function targetOf({ apiVersion, kind, metadata, spec }: KubeObject): ObjectRef | undefined {
  const type = `${groupOf(apiVersion)}/${kind}`
  const keda = type === 'keda.sh/ScaledObject'
  if (!keda && type !== 'autoscaling/HorizontalPodAutoscaler') return undefined
  const target = isMap(spec) && isMap(spec.scaleTargetRef) ? spec.scaleTargetRef : {}
  const { name } = target
  if (typeof name !== 'string' || name === '') return undefined
  const { namespace } = metadata
  return {
    // KEDA's defaults
    apiVersion: textOf(target.apiVersion) || (keda ? 'apps/v1' : ''),
    kind: textOf(target.kind) || (keda ? 'Deployment' : ''),
    ...(namespace ? { namespace } : {}),
    name,
  }
}
