import type { Cluster } from '../../adapters/cluster/index.ts'
import { AppError } from '../../domain/error.ts'
import { hasHealthRule, healthOf } from '../../domain/health/check.ts'
import { gcMarkLabel } from '../../domain/manifest/annotations.ts'
import { idOf, type KubeObject, keyOf, type ObjectRef, refOf } from '../../domain/manifest/object.ts'
import type { SourceUnhealthy } from '../../domain/source/status.ts'
import type { OwnedObjects } from '../owned-objects.ts'
import type { DesiredObject } from './desired.ts'
import type { SourceMemory } from './memory.ts'

/** Up to this many objects of a kind are read one by one; beyond it one paged list is cheaper. */
const readOneByOne = 10

export type HealthDeps = {
  cluster: Pick<Cluster, 'get' | 'list'>
  owned: Pick<OwnedObjects, 'get'>
  /** The right to list all namespaces at once may be missing. */
  byNamespace: boolean
}

/**
 * The objects of a source that are not healthy. Only objects that changed since they were looked at last are read, so that asking
 * again costs nothing while nothing moves.
 */
export async function readHealth(
  objects: readonly DesiredObject[],
  memory: SourceMemory,
  deps: HealthDeps,
  signal: AbortSignal,
): Promise<SourceUnhealthy[]> {
  const watched = objects.filter(({ ref, ignored }) => !ignored && hasHealthRule(ref.apiVersion, ref.kind))
  forgetOthers(memory, watched)
  const stale = watched.filter(({ key }) => {
    const live = deps.owned.get(key)
    return !live || memory.health.get(key)?.resourceVersion !== live.resourceVersion
  })
  const place = ({ namespace = '' }: ObjectRef) => (deps.byNamespace ? namespace : '')
  const byKind = Map.groupBy(stale, ({ ref }) => `${ref.apiVersion} ${ref.kind} ${place(ref)}`)
  await Promise.all([...byKind.values()].map(async (kind) => await readKind(kind, memory, deps, signal)))
  return watched.flatMap(({ key, id }) => {
    const known = memory.health.get(key)
    if (!known) return [{ id, state: 'progressing' as const, message: 'it is not in the cluster yet' }]
    return known.unhealthy ? [known.unhealthy] : []
  })
}

async function readKind(
  objects: readonly DesiredObject[],
  memory: SourceMemory,
  deps: HealthDeps,
  signal: AbortSignal,
): Promise<void> {
  const wanted = new Set(objects.map(({ key }) => key))
  for (const key of wanted) memory.health.delete(key)
  const found = await readObjects(objects, deps, signal)
  if (found instanceof AppError) {
    for (const { key, id } of objects)
      memory.health.set(key, { resourceVersion: '', unhealthy: { id, state: 'progressing', message: found.message } })
    return
  }
  for (const object of found) {
    const key = keyOf(refOf(object))
    if (!wanted.has(key)) continue
    const { state, why } = healthOf(object)
    const unhealthy = state === 'healthy' ? undefined : { id: idOf(refOf(object)), state, message: why }
    memory.health.set(key, { resourceVersion: object.metadata.resourceVersion ?? '', unhealthy })
  }
}

/** What must not be read is not known to be healthy: it waits, and fails nothing. */
async function readObjects(
  objects: readonly DesiredObject[],
  { cluster, byNamespace }: HealthDeps,
  signal: AbortSignal,
): Promise<KubeObject[] | AppError> {
  const [first] = objects
  if (!first) return []
  try {
    if (objects.length <= readOneByOne) {
      const found = await Promise.all(objects.map(({ ref }) => cluster.get(ref, { signal })))
      return found.filter((object) => object !== undefined)
    }
    const { apiVersion, kind, namespace } = first.ref
    const scope = byNamespace && namespace ? { namespace } : {}
    return await cluster.list({ apiVersion, kind, ...scope, labelSelector: gcMarkLabel }, signal)
  } catch (error) {
    if (!(error instanceof AppError) || error.reason !== 'Forbidden') throw error
    return error
  }
}

function forgetOthers({ health }: SourceMemory, objects: readonly DesiredObject[]): void {
  const wanted = new Set(objects.map(({ key }) => key))
  for (const key of health.keys()) if (!wanted.has(key)) health.delete(key)
}
