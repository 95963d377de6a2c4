import type { ApiResource, Cluster } from '../adapters/cluster/index.ts'
import { AppError } from '../domain/error.ts'
import { gcMarkLabel } from '../domain/manifest/annotations.ts'
import { makePrunableKinds } from '../domain/manifest/exclude-resources.ts'
import type { KubeObject, ObjectRef } from '../domain/manifest/object.ts'
import { untilAborted } from '../lib/until-aborted.ts'

type Kind = Pick<ObjectRef, 'apiVersion' | 'kind'>
type Where = {
  /** Empty for all. */
  namespaces: readonly string[]
  /** Globs of kinds that are left alone. */
  excludeResources: readonly string[]
}

/**
 * Finds the kinds of which the cluster holds objects with a gc mark, whoever made them: one list of each kind that is served, metadata
 * only (flux-v1 §§10, 11). Kinds and namespaces that may not be listed are passed over; any other trouble is thrown.
 */
export type FindMarked = (where: Where, signal: AbortSignal) => Promise<readonly Kind[]>

type Look = { at: number; kinds: Promise<readonly Kind[]> }

/** What we mark ourselves is watched already, so what another program marked in the meantime may wait so long. */
const freshMs = 30_000
const lookDeadlineMs = 60_000
const needed = ['list', 'watch', 'delete']

/** Many sources that begin at once share what one of them found. */
export function createFindMarked(cluster: Pick<Cluster, 'resources' | 'list'>): FindMarked {
  const looks = new Map<string, Look>()
  return async (where, signal) => {
    const key = JSON.stringify([where.namespaces.toSorted(), where.excludeResources])
    const last = looks.get(key)
    if (last && performance.now() - last.at < freshMs) return await untilAborted(last.kinds, signal)
    const look = { at: performance.now(), kinds: find(where, cluster, AbortSignal.timeout(lookDeadlineMs)) }
    looks.set(key, look)
    look.kinds.catch(() => looks.delete(key))
    return await untilAborted(look.kinds, signal)
  }
}

async function find(
  { namespaces, excludeResources }: Where,
  cluster: Pick<Cluster, 'resources' | 'list'>,
  signal: AbortSignal,
): Promise<readonly Kind[]> {
  const isPrunable = makePrunableKinds(excludeResources)
  const resources = oneVersionEach(await cluster.resources(signal)).filter(
    (resource) => needed.every((verb) => resource.verbs.includes(verb)) && isPrunable(kindOf(resource)),
  )
  const found = await Promise.all(
    resources.map(async (resource) => {
      const scopes = resource.namespaced && namespaces.length > 0 ? namespaces : ['']
      const lists = await Promise.all(scopes.map((namespace) => marked(kindOf(resource), namespace, cluster, signal)))
      // what belongs to a controller has the labels of its owner, and is never deleted
      return lists.flat().some(({ metadata }) => !metadata.ownerReferences?.length) ? [kindOf(resource)] : []
    }),
  )
  return found.flat()
}

async function marked(
  kind: Kind,
  namespace: string,
  cluster: Pick<Cluster, 'list'>,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const scope = namespace === '' ? {} : { namespace }
  try {
    return await cluster.list({ ...kind, ...scope, labelSelector: gcMarkLabel, metadataOnly: true }, signal)
  } catch (error) {
    if (isOwnTrouble(error, kind)) return []
    throw error
  }
}

/** It concerns this kind alone; who is not known at all (401) sees nothing of anything. */
function isOwnTrouble(error: unknown, { apiVersion }: Kind): boolean {
  if (!(error instanceof AppError) || error.details.status === 401) return false
  if (error.reason === 'ClusterUnavailable') return apiVersion.includes('/') && typeof error.details.status === 'number'
  return error.reason === 'Forbidden' || error.reason === 'UnknownKind' || error.reason === 'InternalError'
}

/** Discovery tells the version that the server prefers first. */
function oneVersionEach(resources: readonly ApiResource[]): readonly ApiResource[] {
  const kinds = new Map<string, ApiResource>()
  for (const resource of resources) {
    const key = `${resource.group}/${resource.kind}`
    if (!kinds.has(key)) kinds.set(key, resource)
  }
  return [...kinds.values()]
}

function kindOf({ group, version, kind }: ApiResource): Kind {
  return { apiVersion: group === '' ? version : `${group}/${version}`, kind }
}
