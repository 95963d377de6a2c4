import { createHash } from 'node:crypto'
import type { Right } from '../../domain/access/right.ts'
import type { Reviews, User } from './caller.ts'
import { createRecall } from './recall.ts'

/** How long what the cluster said counts, yes as well as no: who loses a right keeps it no longer than this (hazard L1). */
const forMs = 10_000
const mostTokens = 2_000
const mostRights = 20_000

/** Asks the cluster once in a while; tokens are kept as digests alone. What could not be asked is not remembered. */
export function rememberReviews(reviews: Reviews, now: () => number): Reviews {
  const tokens = createRecall<User | undefined>({ forMs, most: mostTokens, now })
  const rights = createRecall<boolean>({ forMs, most: mostRights, now })

  return {
    whose: async (token) => await tokens(digest(token), async () => await reviews.whose(token)),
    may: async (user, right) => await rights(keyOf(user, right), async () => await reviews.may(user, right)),
  }
}

function keyOf({ username, uid = '', groups, extra = {} }: User, right: Right): string {
  return digest(JSON.stringify([username, uid, groups, extra, right.verb, right.resource, right.namespace, right.name]))
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}
