import type { TlsSettings } from '../../lib/egress.ts'

export type RegistryAuth = {
  username: string
  password: string
  /** In place of both: what the registry's token server gives tokens for (OAuth 2 refresh token). */
  identityToken?: string
}

/** How to reach one registry. */
export type RegistryAccess = {
  auth?: RegistryAuth
  /** Certificates are not checked, and plain HTTP will do where there is no TLS. */
  insecure: boolean
  /** For the registry's own origin alone. */
  tls?: TlsSettings
}
