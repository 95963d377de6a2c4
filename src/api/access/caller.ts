import type { Right } from '../../domain/access/right.ts'

/** Somebody whom the cluster knows, as its TokenReview names them. */
export type User = {
  username: string
  uid?: string
  groups: readonly string[]
  extra?: Readonly<Record<string, readonly string[]>>
}

/**
 * Who calls. `open`: by a listener or a route that asks for no token, or for a refresh that needs none; `browser`: with a session, which shows and changes nothing; `token`: with the token of the file, who may do everything; `user`:
 * proved by the cluster, whose rules say what they may do.
 */
export type Caller = { kind: 'open' } | { kind: 'browser' } | { kind: 'token' } | { kind: 'user'; user: User }

/** What the cluster says of callers; both throw AppError when it cannot be asked. */
export type Reviews = {
  /** Whose token it is; undefined for one that the cluster does not take. */
  whose(token: string): Promise<User | undefined>
  may(user: User, right: Right): Promise<boolean>
}
