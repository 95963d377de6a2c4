/** An image repository at its registry; see domain/image/ref.ts for how names are canonical. */
export type RegistryAuth = { username: string; password: string }

/** OCI distribution API. Errors are AppError: RegistryUnreachable, RegistryAuthFailed, RateLimited. */
export type Registry = {
  /** All tags of a repository (`host[:port]/path`), paged on the same host only. */
  tags(repository: string, options: { auth?: RegistryAuth; insecure: boolean }, signal?: AbortSignal): Promise<string[]>
}
