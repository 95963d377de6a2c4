import { createGuard, type GuardOptions } from '../adapters/egress/index.ts'
import type { GitOptions } from '../adapters/git/index.ts'

/**
 * Where git may go (ruling 15): never to link-local addresses; to private ones with `--tenants` for the operator's own repository alone,
 * which is often inside.
 */
export function addressesFor(
  { areTenants }: { areTenants: boolean },
  resolve?: GuardOptions['resolve'],
): NonNullable<GitOptions['addressesOf']> {
  const dns = resolve ? { resolve } : {}
  const [own, foreign] = [createGuard(dns), createGuard({ allowPrivate: !areTenants, ...dns })]
  return async (host, { isForeign }) => await (isForeign ? foreign : own).addresses(host)
}
