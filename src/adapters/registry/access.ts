export type RegistryAuth = { username: string; password: string }

/** How to reach one registry. */
export type RegistryAccess = {
  auth?: RegistryAuth
  /** Certificates are not checked, and plain HTTP will do where there is no TLS. */
  insecure: boolean
}
