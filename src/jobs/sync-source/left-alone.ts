import type { KubeObject } from '../../domain/manifest/object.ts'
import { autoscaledFields, autoscalerKinds, autoscalerWarning, isScalable } from '../../domain/plan/autoscaler.ts'
import type { FieldPath } from '../../domain/plan/field-path.ts'
import { contested } from '../../domain/plan/fights.ts'
import { ignoredFields } from '../../domain/plan/ignore.ts'
import type { DesiredObject } from './desired.ts'
import type { Sync } from './sync.ts'

/** The fields of an object that are somebody else's business. */
export type LeftAlone = {
  leaveAlone: readonly FieldPath[]
  /** Some of them are fought over: looked at again with every sync, until the fight has rested. */
  contested: boolean
  /** What people should know about it. */
  warning?: string
}

/** The autoscalers of the cluster, when one of them may scale what is about to be written (ruling 18). */
export async function readAutoscalers(
  wanted: readonly DesiredObject[],
  { spec, cluster }: Pick<Sync, 'spec' | 'cluster'>,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  if (spec.overruleAutoscalers || !wanted.some(({ ref }) => isScalable(ref))) return []
  const namespaces = spec.serviceAccount === '' ? spec.allowedNamespaces : namespacesOf(wanted)
  const scopes = namespaces.length > 0 ? namespaces.map((namespace) => ({ namespace })) : [{}]
  const lists = await Promise.all(
    autoscalerKinds.map(async (kind) => {
      if (!(await cluster.resource(kind.apiVersion, kind.kind, signal))) return []
      return await Promise.all(scopes.map((scope) => cluster.list({ ...kind, ...scope }, signal)))
    }),
  )
  return lists.flat(2)
}

function namespacesOf(wanted: readonly DesiredObject[]): string[] {
  const scalable = wanted.filter(({ ref }) => isScalable(ref))
  return [...new Set(scalable.flatMap(({ ref }) => (ref.namespace ? [ref.namespace] : [])))]
}

/** `now`: milliseconds since 1970. */
export function leftAlone(
  { key, ref }: DesiredObject,
  { spec, live, memory }: Pick<Sync, 'spec' | 'live' | 'memory'>,
  { autoscalers, now }: { autoscalers: readonly KubeObject[]; now: number },
): LeftAlone {
  const fought = contested(memory.fights, key, now)
  const scaled = autoscaledFields(autoscalers, ref)
  const warning = live.has(key) && scaled.length > 0 ? autoscalerWarning(autoscalers, ref) : undefined
  return {
    leaveAlone: [...ignoredFields(spec.ignore, ref), ...scaled, ...fought],
    contested: fought.length > 0,
    ...(warning ? { warning } : {}),
  }
}
