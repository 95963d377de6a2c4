import { type Right, type RightResource, rightsToSeeWhole } from '../../domain/access/right.ts'
import { requestIdOf } from '../../domain/work/request.ts'
import type { AppOptions } from '../app-options.ts'
import type { Found } from './rule.ts'

/**
 * Where a thing is that an id names, what it counts as, and who asked for it; empty where nobody did. `besides`: what else it takes to see
 * it.
 */
export type Owned = { resource: RightResource; namespace: string; by: string; besides: readonly Right[] }

/** What an id names; undefined when it is not there. Throws RedisUnavailable. */
export async function ownedBy(
  kind: Found,
  id: string,
  { views, requests }: Pick<AppOptions, 'views' | 'requests'>,
): Promise<Owned | undefined> {
  if (kind === 'plans' || kind === 'images') return await requestAt(id, kind, requests)
  const request = kind === 'fluxJob' ? await requestAt(id, 'jobs', requests) : undefined
  if (request) return request
  const job = await views.job(id)
  if (!job) return undefined
  const asked = await requestAt(requestIdOf(job.name) ?? '', 'jobs', requests)
  return asked ?? { resource: 'jobs', namespace: job.namespace, by: '', besides: [] }
}

async function requestAt(
  id: string,
  resource: RightResource,
  requests: AppOptions['requests'],
): Promise<Owned | undefined> {
  const request = await requests.find(id)
  if (!request) return undefined
  const { namespace, by, ask } = request
  // a plan shows no more to others than they could have asked for
  const seen = resource === 'plans' && ask.kind === 'plan-source' ? ask.seen : undefined
  return { resource, namespace, by, besides: seen === undefined ? [] : rightsToSeeWhole(seen) }
}
