import type { RateBudget } from '../../domain/image/rate-budget.ts'
import type { Logger } from '../../lib/logger.ts'
import type { RegistryAccess } from './access.ts'
import { type Artifact, type ArtifactRequest, readArtifact } from './artifact.ts'
import { createConnections, type RegistryGuard } from './connections.ts'
import { describeImage, digestOfTag, type ImageDescription } from './manifest.ts'
import { createKnownImages, type RegistryMemory } from './memory.ts'
import { createPace } from './pace.ts'
import { createRequests } from './request.ts'
import { listTags } from './tags.ts'

export type { RegistryAccess, RegistryAuth } from './access.ts'
export type { Artifact, ArtifactRequest } from './artifact.ts'
export { createLogins, type Logins, type LoginsOptions } from './logins/index.ts'
export type { ImageDescription } from './manifest.ts'
export type { RegistryMemory } from './memory.ts'

/**
 * The OCI distribution API. Repositories go by their canonical name, `host[:port]/path` (domain/image/ref.ts). Errors are AppError:
 * RegistryUnreachable (also for answers that make no sense), RegistryAuthFailed, RateLimited (the host is left alone until the time
 * it gave). Could-not-read is never absent: undefined means that the registry says there is no such thing.
 */
export type Registry = {
  /** All tags, in no order, at most 100 pages. Empty for a repository that the registry does not know. */
  tags(repository: string, access: RegistryAccess, signal?: AbortSignal): Promise<string[]>
  /** Digest of the manifest that a tag (or digest) names now; undefined when there is no such tag. Costs no pull where pulls are counted. */
  digest(repository: string, tag: string, access: RegistryAccess, signal?: AbortSignal): Promise<string | undefined>
  /** What the image of a tag says of itself (of a list of images: linux/amd64, else another); undefined when there is no such tag. */
  describe(
    repository: string,
    tag: string,
    access: RegistryAccess,
    signal?: AbortSignal,
  ): Promise<ImageDescription | undefined>
  /**
   * The one layer of an artifact that has one of the given media types, its digest checked; undefined when there is no such tag or
   * digest. RegistryUnreachable, not retried, when the artifact is of another kind or larger.
   */
  artifact(
    repository: string,
    wanted: ArtifactRequest,
    access: RegistryAccess,
    signal?: AbortSignal,
  ): Promise<Artifact | undefined>
  /** How fast the repository's host is asked and what it said about that, by any process that shares the memory; sends nothing. */
  budget(repository: string, access: RegistryAccess): Promise<RateBudget>
  close(): Promise<void>
}

export type RegistryOptions = {
  log: Logger
  /** Requests a second to each host, at most (`--registry-rps`). Default 50. */
  rps?: number
  /** Requests at once to each host (`--registry-burst`). Default 10. */
  burst?: number
  /** Tell of each request (`--registry-trace`). */
  trace?: boolean
  /** For one request, with its body. */
  timeoutMs?: number
  /** Variables that the operator set for the network: `https_proxy`, `http_proxy`, `no_proxy`, also in capitals. */
  environment?: Readonly<Record<string, string>>
  /** Outlives the process: what images say of themselves, by digest, and hosts that want to be left alone. Without it the process remembers. */
  memory?: RegistryMemory
  /** Milliseconds since 1970. */
  now?: () => number
  /** Keeps requests from addresses that the name of a repository must not lead to. */
  guard?: RegistryGuard
}

/** Registries over HTTP. Nothing is sent before the first call; tokens and back-off of each host are kept in memory. */
export function createRegistry(options: RegistryOptions): Registry {
  const {
    log,
    rps = 50,
    burst = 10,
    trace = false,
    timeoutMs = 30_000,
    environment = {},
    memory,
    now = Date.now,
    guard,
  } = options
  const connections = createConnections({ inFlight: burst, timeoutMs, environment, guard })
  const requests = createRequests({
    connections,
    log,
    trace,
    images: createKnownImages(memory),
    paceOf: (host) => createPace(host, { rps, burst, memory, now }),
  })
  return {
    tags: async (repository, access, signal) => await listTags(requests.open(repository, access, signal)),
    digest: async (repository, tag, access, signal) =>
      await digestOfTag(requests.open(repository, access, signal), tag),
    describe: async (repository, tag, access, signal) =>
      await describeImage(requests.open(repository, access, signal), tag),
    artifact: async (repository, wanted, access, signal) =>
      await readArtifact(requests.open(repository, access, signal), wanted),
    budget: (repository, access) => requests.budget(repository, access),
    close: () => connections.close(),
  }
}
