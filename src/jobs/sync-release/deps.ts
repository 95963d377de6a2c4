import type { Cluster } from '../../adapters/cluster/index.ts'
import type { Git, GitRemote } from '../../adapters/git/index.ts'
import type { Charts, Helm, StoredRelease } from '../../adapters/helm/index.ts'
import type { Store } from '../../adapters/store/index.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import type { SpecDefaults } from '../../domain/release/spec.ts'
import type { Fence } from '../../domain/work/fence.ts'
import type { Egress } from '../../lib/egress.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Redactor } from '../../lib/redactor.ts'
import type { CredentialDeps } from '../source-credentials.ts'
import type { History } from '../history.ts'
import type { ReleaseMemory } from './memory.ts'

export type SyncReleaseDeps = {
  cluster: Pick<
    Cluster,
    'get' | 'list' | 'create' | 'replace' | 'patch' | 'delete' | 'apply' | 'resource' | 'podLog' | 'as'
  >
  /** With Capstan's own rights, where `cluster` has those of a ServiceAccount. */
  ownCluster?: Pick<Cluster, 'get' | 'resource'>
  helm: Helm
  charts: Charts
  git: Pick<Git, 'fetch' | 'resolve' | 'export'>
  /** How to log in to a chart's repository when the HelmRelease names no Secret: the flag source's way where it is the same host. */
  chartRemote: (url: string) => Promise<GitRemote>
  /** HelmReleases are of strangers: none has our own rights, and their Secrets are those of their own namespace (`--tenants`). */
  areTenants?: boolean
  /** See {@link CredentialDeps}. */
  keep: CredentialDeps['keep']
  githubApp: CredentialDeps['githubApp']
  /** When the last fetch of a chart's repository began, by URL and login, in milliseconds since 1970; kept between runs. */
  fetchedAt: Map<string, number>
  /** A git chart's repository is fetched at most this often. */
  gitPollIntervalMs: number
  /** What was fetched before this time, in milliseconds since 1970, does not count: somebody asked for a look or named the place then. */
  freshAfter?: number
  egress: Egress
  decode: (secret: KubeObject) => StoredRelease | undefined
  fence: Fence
  redactor: Redactor
  defaults: SpecDefaults
  /** Old HelmReleases are served, too (ruling 9). */
  legacy?: boolean
  /** Log what an upgrade changed (`--log-release-diffs`). */
  logDiffs?: boolean
  /** Put a finalizer on, so that nothing is orphaned (ruling 12). */
  finalizer: boolean
  /** The one namespace with releases; empty for all (`--allow-namespace`). */
  releaseNamespace: string
  /** Where Capstan itself is and has its Leases (`--namespace`). */
  ownNamespace: string
  /** So many upgrades of a release for the same inputs; then it stands still. 0: never (helm-operator complaint 3). */
  upgradeLimit: number
  /** What is done with a release that is found in trouble at first contact (ruling 10). */
  adoptFailed: 'hold' | 'upgrade'
  /** What is done with a first install that failed (ruling 11). */
  failedInstall: 'keep' | 'remove'
  log: Logger
  now: () => Date
  random: () => number
  ended: (result: ReleaseEnded) => void
  /** Where people and sinks are told; left out where nobody is. */
  history?: History
  /** Made with the first run when it is left out. */
  memory?: ReleaseMemory
  /** Where a run that found nothing to do leaves what it read; left out: every resync runs all. */
  rests?: Rests
}

/** What is kept of runs that found nothing to do. */
export type Rests = {
  store: Pick<Store, 'getMany' | 'set'>
  /** A digest of all that is not the release's and that a decision hangs on. */
  settings: string
}

/** What is told to metrics of an action of helm, or of a whole run (`sync`), that is over. */
export type ReleaseEnded = {
  release: string
  targetNamespace: string
  action: 'sync' | 'install' | 'upgrade' | 'rollback' | 'uninstall' | 'test'
  success: boolean
  seconds: number
}
