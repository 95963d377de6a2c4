import type { Reviews, User } from '../api/access/caller.ts'
import { rememberReviews } from '../api/access/reviews.ts'
import type { AppOptions } from '../api/app-options.ts'
import { rightsGroup } from '../domain/access/right.ts'
import { listAt, mapAt } from '../domain/health/fields.ts'
import type { Parts } from './wire.ts'

/** Asks the cluster who somebody is and what they may do: TokenReview and SubjectAccessReview, remembered for ten seconds. */
export function clusterAccess({
  cluster,
  config,
}: Pick<Parts, 'cluster' | 'config'>): NonNullable<AppOptions['access']> {
  const reviews = createReviews(cluster, config.apiAuth.audiences)
  return { home: config.namespace, ...rememberReviews(reviews, () => performance.now()) }
}

/** Unremembered. What the answer does not say plainly is a no. */
export function createReviews(cluster: Pick<Parts['cluster'], 'review'>, audiences: readonly string[]): Reviews {
  return {
    async whose(token) {
      const spec = { token, ...(audiences.length > 0 ? { audiences } : {}) }
      const status = await cluster.review({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec })
      if (status.authenticated !== true || !isMeantFor(status, audiences)) return undefined
      return userOf(status)
    },
    async may({ username, uid, groups, extra }, { verb, resource, namespace, name }) {
      const resourceAttributes = {
        group: rightsGroup,
        resource,
        verb,
        ...(namespace === '' ? {} : { namespace }),
        ...(name ? { name } : {}),
      }
      const spec = { user: username, groups, resourceAttributes, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) }
      const status = await cluster.review({ apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec })
      return status.allowed === true && status.denied !== true
    },
  }
}

/** A server that does not look at audiences says none: its answer counts for none of ours (hazard L1). */
function isMeantFor(status: Record<string, unknown>, audiences: readonly string[]): boolean {
  const named = listAt(status, 'audiences')
  return audiences.length === 0 || audiences.some((audience) => named.includes(audience))
}

function userOf(status: Record<string, unknown>): User | undefined {
  const user = mapAt(status, 'user')
  const { username, uid } = user
  if (typeof username !== 'string' || username === '') return undefined
  const extra = Object.entries(mapAt(user, 'extra')).map(([key, values]) => [key, textsOf(values)] as const)
  return {
    username,
    groups: textsOf(user.groups),
    ...(typeof uid === 'string' ? { uid } : {}),
    ...(extra.length > 0 ? { extra: Object.fromEntries(extra) } : {}),
  }
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}
