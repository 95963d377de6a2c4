import { createHash } from 'node:crypto'
import type { RegistryAccess } from '../../adapters/registry/index.ts'
import type { Store } from '../../adapters/store/index.ts'
import { type AppError, toAppError } from '../../domain/error.ts'
import { scopeKey, scopeKeptMs } from '../../domain/image/facts.ts'
import { repositoryOf } from '../../domain/image/ref.ts'
import { type AccessDeps, accessesTo, type UsedBy } from './access.ts'
import type { Accesses } from './ways.ts'

/** Those who see the same of a repository, and how they reach it. */
export type Reading = { scope: string; usedBy: UsedBy[]; accesses: Accesses }

/**
 * Who reads a repository together. Without `--tenants` all do, with all their logins. With it only those whose best login is the same: what
 * was read with one is never shown to who has another, nor is it lost by one that is wrong.
 */
export async function readingsOf(
  repository: string,
  usedBy: readonly UsedBy[],
  deps: AccessDeps,
  signal: AbortSignal,
): Promise<Reading[]> {
  if (!deps.areTenants)
    return [{ scope: '', usedBy: [...usedBy], accesses: accessesTo(repository, usedBy, deps, signal) }]
  const found = new Map<string, Reading>()
  for (const one of usedBy) {
    const { scope, accesses } = await readingOf(accessesTo(repository, [one], deps, signal), deps)
    const known = found.get(scope)
    if (known) known.usedBy.push(one)
    else found.set(scope, { scope, usedBy: [one], accesses })
  }
  return [...found.values()]
}

async function readingOf(
  accesses: AsyncGenerator<RegistryAccess>,
  deps: AccessDeps,
): Promise<Pick<Reading, 'scope' | 'accesses'>> {
  try {
    const { value: first } = await accesses.next()
    return { scope: scopeOf(first, deps), accesses: before(first, accesses) }
  } catch (error) {
    // its own trouble, and nobody else's
    const failure = toAppError(error)
    if (failure.reason !== 'RegistryAuthFailed') throw failure
    return { scope: 'no-login', accesses: failing(failure) }
  }
}

/** Lets views find what was read for the workloads of a namespace. A stranger's source speaks for its own namespace alone. */
export async function keepScope(
  repository: string,
  { scope, usedBy }: Pick<Reading, 'scope' | 'usedBy'>,
  { store }: { store: Pick<Store, 'set'> },
): Promise<void> {
  if (scope === '') return
  const namespaces = usedBy.flatMap(({ spec, workloads }) =>
    workloads
      .filter(({ containers }) => containers.some(({ image }) => repositoryOf(image) === repository))
      .map(({ ref }) => ref.namespace ?? '')
      .filter((namespace) => !spec?.namespacedOnly || namespace === spec.namespace),
  )
  for (const namespace of new Set(namespaces))
    await store.set(scopeKey(namespace, repository), scope, { ttlMs: scopeKeptMs })
}

/** Names what may be seen with a login, and tells nobody the login. Empty without `--tenants`. */
export function scopeOf({ auth }: RegistryAccess, { areTenants }: Pick<AccessDeps, 'areTenants'>): string {
  if (!areTenants) return ''
  if (!auth) return 'public'
  const login = JSON.stringify([auth.username, auth.password, auth.identityToken ?? ''])
  return createHash('sha256').update(login).digest('hex').slice(0, 32)
}

async function* before(first: RegistryAccess, rest: AsyncIterable<RegistryAccess>): AsyncGenerator<RegistryAccess> {
  yield first
  yield* rest
}

function failing(failure: AppError): AsyncIterable<RegistryAccess> {
  return { [Symbol.asyncIterator]: () => ({ next: async () => await Promise.reject(failure) }) }
}
