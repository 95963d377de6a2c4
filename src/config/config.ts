import type { SourceSpec } from '../domain/source/spec.ts'
import type { FlagValues } from './flags.ts'
import type { GitFiles, GitLogin } from './git-login.ts'

export type Role = FlagValues['roles'][number]
export type Feature = FlagValues['enable'][number]
export type ListenAddress = { host: string; port: number }

/** All settings, with every default filled in. Times are milliseconds; empty lists mean "all" where the flag says so. */
export type Config = {
  roles: readonly Role[]
  enable: readonly Feature[]
  /** Releases of images and changes of policies are done for who asks; also where registries are not scanned. */
  takesUpdates: boolean
  /** Namespace of our own records. */
  namespace: string
  /** A kubeconfig file; undefined: the usual places. */
  kubeconfig?: string
  installCrds: boolean
  log: { format: 'fmt' | 'json'; level: 'debug' | 'info' | 'warn' | 'error' }
  listen: ListenAddress
  /** Whom the API serves besides who has its token: nobody, or whom the cluster knows by a token for these audiences. */
  apiAuth: { byCluster: boolean; audiences: readonly string[] }
  /** Calls a second of one caller. */
  apiRate: number
  /** Refreshes need no token, on any address (ruling 3). */
  openRefresh: boolean
  /** In a cluster: 127.0.0.1 and ::1 are listeners of their own, without a token for fluxctl (ruling 3). */
  opensLoopback: boolean
  /** How long the API still answers when the process is told to end; 0 where there is no API. */
  drainTimeMs: number
  /** The API speaks TLS with this certificate wherever it does not listen for its own pod alone; undefined: it does not. */
  tls?: { certFile: string; keyFile: string }
  /** Where /metrics are served; undefined: with the API. */
  listenMetrics?: ListenAddress
  /** `url` undefined: start a private redis-server. The URL may hold a password. */
  redis: { url?: string; prefix: string }
  stateDir: string
  cacheDir: string
  /** Undefined: make one in the state folder. */
  tokenFile?: string
  webhookSecretFile?: string
  shutdownGraceMs: number
  memoryWatch: boolean
  /** The one source of the flags; undefined without --git-url. The URL may hold a password; `defaultNamespace` may be empty. */
  source?: Omit<SourceSpec, 'namespace'>
  git: {
    login?: GitLogin
    /** Where fluxd's deploy key lies when its Secret is mounted. */
    deployKeyFile: string
    /** Of the operator's own, for git (ruling 15). */
    files: GitFiles
    timeoutMs: number
    /** How often the repositories of charts are asked for new commits; without --git-url too. */
    pollIntervalMs: number
    readonly: boolean
    author: { name: string; email: string }
    /** Who asks for a commit becomes its author. */
    setAuthor: boolean
    /** Appended to commit messages; empty for nothing. */
    ciSkip: string
    /** Files or folders with GPG keys to import at the start. */
    gpgKeyImport: readonly string[]
    /** Key that signs commits and the sync tag; empty: nothing is signed. */
    signingKey: string
    /**
     * The Secret that holds the deploy key, in our own namespace, and how a new key is made. `isKept`: in a cluster, or where that Secret
     * was named; else git's own keys are used.
     */
    deployKey: {
      isKept: boolean
      secretName: string
      dataKey: string
      type: string
      bits: string
      format: string
      directory: string
    }
  }
  /** Commands that a repository may make us run (rulings 8, 14). */
  generators: { strict: boolean; remoteBases: boolean; kustomizeBinary: string; sopsBinary: string }
  /** Nothing is written, neither to the cluster nor to git. */
  readOnly: boolean
  /** What holds for Source objects. */
  sources: {
    /** Where they are looked for; empty for everywhere. */
    namespaces: readonly string[]
    /** Of those that name none; empty for our own rights. */
    serviceAccount: string
    /** Whether they may run generators, which are commands from git. */
    mayGenerate: boolean
    /** They are strangers to each other and to us (`--tenants`). */
    areTenants: boolean
    /** How much one of them may hold. */
    maxBytes: number
    maxObjects: number
  }
  /** Where events are sent. `connect`: empty for nowhere. */
  events: { sinksFile?: string; connect: string; token: string; rpcTimeoutMs: number }
  releases: {
    workers: number
    /** Log what an upgrade changed. */
    logDiffs: boolean
    resyncIntervalMs: number
    /** The one namespace to look in; empty for all. */
    namespace: string
    updateChartDependencies: boolean
    defaultGitRef: string
    helmBinary: string
    upgradeLimit: number
    adoptFailed: 'hold' | 'upgrade'
    failedInstall: 'keep' | 'remove'
    /** Keep a deleted HelmRelease until its release is uninstalled. */
    finalizer: boolean
    /** repositories.yaml files of the operator. */
    repositoryFiles: readonly string[]
    /** Folder of helm's downloader plugins; empty: none are run. */
    pluginsDir: string
    /** HelmReleases of the Operator before 1.0 are served (ruling 9). */
    legacy: boolean
  }
  images: {
    scanIntervalMs: number
    insecureHosts: readonly string[]
    /** Glob patterns of canonical image names. */
    exclude: readonly string[]
    include: readonly string[]
    /** The same, of those whose labels give the time they were made. */
    useLabels: readonly string[]
    /** A docker config file with logins; empty for none. */
    dockerConfig: string
    /** Regions and accounts of ECR; no regions: the one that we run in. */
    ecr: { regions: readonly string[]; include: readonly string[]; exclude: readonly string[] }
    /** Tags of a repository that are looked at for people. */
    listDepth: number
    /** Of each registry host. */
    rps: number
    burst: number
    trace: boolean
    /** Registries without which this process does not start. */
    require: readonly 'ecr'[]
  }
  /** Sentences for the log at the start. */
  warnings: readonly string[]
}
