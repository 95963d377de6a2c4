import { AppError } from '../../domain/error.ts'
import type { Connection } from './connect.ts'

/** A ServiceAccount. */
export type Account = { namespace: string; serviceAccount: string }

/**
 * The same connection, on which every request carries the account's name, so that the API server checks the account's rights and not
 * ours. Groups are left to the server, which knows those of an account. Throws `Forbidden`, not retried, for what is no name of an
 * account: a request without the header would be sent with our own rights (hazard J3).
 */
export function impersonated(connection: Connection, { namespace, serviceAccount }: Account): Connection {
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace)) throw noAccount()
  if (!/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/.test(serviceAccount)) throw noAccount()
  const user = `system:serviceaccount:${namespace}:${serviceAccount}`
  return {
    ...connection,
    async line(use) {
      const { dispatcher, headers } = await connection.line(use)
      return { dispatcher, headers: { ...withoutOther(headers), 'Impersonate-User': user } }
    },
  }
}

/** A kubeconfig may impersonate, too; its groups must not be added to the account's. */
function withoutOther(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/^impersonate-/i.test(name)))
}

function noAccount(): AppError {
  return new AppError(
    'Forbidden',
    'The service account has no name that Kubernetes accepts, so nothing is sent with its rights.',
    { retry: 'never' },
  )
}
