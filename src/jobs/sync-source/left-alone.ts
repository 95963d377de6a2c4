import { AppError } from '../../domain/error.ts'
import type { KubeObject, ObjectRef } from '../../domain/manifest/object.ts'
import { autoscaledFields, autoscalerKinds, autoscalerWarning, isScalable } from '../../domain/plan/autoscaler.ts'
import type { FieldPath } from '../../domain/plan/field-path.ts'
import { contested } from '../../domain/plan/fights.ts'
import { ignoredFields } from '../../domain/plan/ignore.ts'
import { leftMark } from '../../domain/plan/left-alone.ts'
import type { DesiredObject } from './desired.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'

/** The fields of an object that are somebody else's business. */
export type LeftAlone = {
  leaveAlone: readonly FieldPath[]
  /** Some of them are fought over: looked at again with every sync, until the fight has rested. */
  contested: boolean
  /** What the inventory keeps of it: rules and autoscalers, no fights. */
  left: string
  /** What people should know about it. */
  warning?: string
}

type Reading = Pick<SyncSourceDeps, 'cluster' | 'log'>

/**
 * The autoscalers of the cluster, when one of them may scale one of these objects (ruling 18). Read with Capstan's own rights: they
 * only decide what is left alone, and a source's account need not see them.
 */
export async function readAutoscalers(
  refs: readonly ObjectRef[],
  sync: Pick<Sync, 'spec' | 'autoscalers'>,
  deps: Reading,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const { overruleAutoscalers, allowedNamespaces } = sync.spec
  if (sync.autoscalers) return sync.autoscalers
  if (overruleAutoscalers || !refs.some(isScalable)) return []
  const scopes = allowedNamespaces.length > 0 ? allowedNamespaces.map((namespace) => ({ namespace })) : [{}]
  const lists = await Promise.all(
    autoscalerKinds.flatMap((kind) => scopes.map(async (scope) => await listKind({ ...kind, ...scope }, deps, signal))),
  )
  sync.autoscalers = lists.flat()
  return sync.autoscalers
}

async function listKind(
  query: { apiVersion: string; kind: string; namespace?: string },
  { cluster, log }: Reading,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  try {
    if (!(await cluster.resource(query.apiVersion, query.kind, signal))) return []
    return await cluster.list(query, signal)
  } catch (error) {
    if (!(error instanceof AppError) || error.reason !== 'Forbidden') throw error
    log.debug({ kind: query.kind, why: error.message }, 'autoscalers may not be read, so none is respected')
    return []
  }
}

/** `now`: milliseconds since 1970; `object`: what git has, read where it is asked for. */
export function leftAlone(
  { key, ref }: DesiredObject,
  { spec, live, memory }: Pick<Sync, 'spec' | 'live' | 'memory'>,
  { autoscalers, now, object }: { autoscalers: readonly KubeObject[]; now: number; object: () => KubeObject },
): LeftAlone {
  const fought = contested(memory.fights, key, now)
  const ignored = ignoredFields(spec.ignore, ref)
  const scaled = autoscaledFields(autoscalers, ref)
  const warning = live.has(key) && scaled.length > 0 ? autoscalerWarning(autoscalers, ref, object()) : undefined
  return {
    leaveAlone: [...ignored, ...scaled, ...fought],
    left: leftMark({ ignored, scaled }),
    contested: fought.length > 0,
    ...(warning ? { warning } : {}),
  }
}
