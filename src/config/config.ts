import type { FlagValues } from './flags.ts'

export type Role = FlagValues['roles'][number]
export type Feature = FlagValues['enable'][number]
export type ListenAddress = { host: string; port: number }

/** A secret that is in a file, to be read when it is needed, or was in the environment. Never log it. */
export type SecretSource = { file: string } | { value: string }

/** How to log in to the git server, as far as flags and environment say. */
export type GitLogin =
  | { kind: 'basic'; username: string; password: SecretSource }
  | {
      kind: 'ssh'
      /** Undefined: use `deployKeyFile` where that file exists, else git's own keys. */
      privateKeyFile?: string
      knownHostsFile?: string
    }

/** All settings, with every default filled in. Times are milliseconds; empty lists mean "all" where the flag says so. */
export type Config = {
  roles: readonly Role[]
  enable: readonly Feature[]
  /** Namespace of our own records. */
  namespace: string
  /** A kubeconfig file; undefined: the usual places. */
  kubeconfig?: string
  installCrds: boolean
  log: { format: 'fmt' | 'json'; level: 'debug' | 'info' | 'warn' | 'error' }
  listen: ListenAddress
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
  /** The one source; undefined without --git-url. */
  source?: {
    name: string
    /** May hold a password. */
    url: string
    branch: string
    paths: readonly string[]
    pollIntervalMs: number
    syncIntervalMs: number
    syncTimeoutMs: number
    prune: boolean
    pruneDry: boolean
    allowedNamespaces: readonly string[]
    defaultNamespace: string
  }
  git: {
    login?: GitLogin
    /** Where fluxd's deploy key lies when its Secret is mounted. */
    deployKeyFile: string
    timeoutMs: number
    readonly: boolean
    author: { name: string; email: string }
    /** Appended to commit messages; empty for nothing. */
    ciSkip: string
  }
  releases: {
    workers: number
    resyncIntervalMs: number
    /** The one namespace to look in; empty for all. */
    namespace: string
    updateChartDependencies: boolean
    defaultGitRef: string
    helmBinary: string
  }
  images: {
    scanIntervalMs: number
    insecureHosts: readonly string[]
    /** Glob patterns of canonical image names. */
    exclude: readonly string[]
    include: readonly string[]
  }
  /** Sentences for the log at the start. */
  warnings: readonly string[]
}

/** Settings out of read flags that have no contradictions. */
export function makeConfig(values: FlagValues, facts: ConfigFacts): Config {
  const metrics = readAddress(values['listen-metrics'])
  const source = makeSource(values)
  const login = makeLogin(values, facts)
  return {
    roles: values.roles,
    enable: values['registry-disable-scanning'] ? values.enable.filter((one) => one !== 'images') : values.enable,
    namespace: values.namespace,
    ...defined('kubeconfig', values.kubeconfig || values['kube-config']),
    installCrds: facts.isGiven('install-crds') ? values['install-crds'] : !facts.env.KUBERNETES_SERVICE_HOST,
    log: { format: values['log-format'], level: values['log-level'] },
    listen: readAddress(values.listen) ?? { host: '', port: 3030 },
    ...(metrics ? { listenMetrics: metrics } : {}),
    redis: { ...defined('url', values['redis-url']), prefix: values['redis-prefix'] },
    ...makeFolders(values, facts.env),
    ...defined('tokenFile', values['token-file']),
    ...defined('webhookSecretFile', values['webhook-secret-file']),
    shutdownGraceMs: values['shutdown-grace'],
    ...(source ? { source } : {}),
    git: {
      ...(login ? { login } : {}),
      deployKeyFile: `${values['k8s-secret-volume-mount-path']}/${values['k8s-secret-data-key']}`,
      timeoutMs: values['git-timeout'],
      readonly: values['git-readonly'],
      author: { name: values['git-user'], email: values['git-email'] },
      ciSkip: values['git-ci-skip-message'] || (values['git-ci-skip'] ? '\n\n[ci skip]' : ''),
    },
    releases: {
      workers: values.workers,
      resyncIntervalMs: values['charts-sync-interval'],
      namespace: values['allow-namespace'],
      updateChartDependencies: values['update-chart-deps'],
      defaultGitRef: values['git-default-ref'],
      helmBinary: values['helm-binary'],
    },
    images: {
      // the old name counts only where the new one is absent (flux-v1 §26)
      scanIntervalMs:
        facts.isGiven('registry-poll-interval') && !facts.isGiven('automation-interval')
          ? values['registry-poll-interval']
          : values['automation-interval'],
      insecureHosts: values['registry-insecure-host'],
      exclude: values['registry-exclude-image'],
      include: values['registry-include-image'],
    },
    warnings: facts.warnings,
  }
}

export type ConfigFacts = {
  env: Readonly<Record<string, string | undefined>>
  isGiven: (name: keyof FlagValues) => boolean
  warnings: readonly string[]
}

/** The field, unless the text is empty. */
function defined<K extends string>(key: K, text: string): { [P in K]?: string } {
  return text === '' ? {} : ({ [key]: text } as { [P in K]: string })
}

function makeSource(values: FlagValues): Config['source'] {
  if (!values['git-url']) return undefined
  return {
    name: values['source-name'],
    url: values['git-url'],
    branch: values['git-branch'],
    paths: values['git-path'],
    pollIntervalMs: values['git-poll-interval'],
    syncIntervalMs: values['sync-interval'],
    syncTimeoutMs: values['sync-timeout'],
    // what a generator makes would look as if it had left git
    prune: values['sync-garbage-collection'] && !values['manifest-generation'],
    pruneDry: values['sync-garbage-collection-dry'],
    allowedNamespaces: [...new Set([...values['k8s-allow-namespace'], ...values['k8s-namespace-whitelist']])],
    defaultNamespace: values['k8s-default-namespace'] || 'default',
  }
}

/** True for a URL that git reaches by http or https. */
export function isHttpUrl(url: string): boolean {
  return /^https?:\/\//i.test(url)
}

function makeLogin(values: FlagValues, { env }: ConfigFacts): GitLogin | undefined {
  if (!isHttpUrl(values['git-url'])) return makeSshLogin(values)
  const value = env.GIT_AUTHKEY || env.CAPSTAN_GIT_TOKEN
  const file = values['git-https-token-file']
  if (!file && !value) return undefined
  const password: SecretSource = file ? { file } : { value: value as string }
  return { kind: 'basic', username: values['git-https-username'] || 'git', password }
}

function makeSshLogin(values: FlagValues): GitLogin | undefined {
  if (!values['git-url']) return undefined
  return {
    kind: 'ssh',
    ...defined('privateKeyFile', values['git-ssh-key-file']),
    ...defined('knownHostsFile', values['git-ssh-known-hosts-file']),
  }
}

function makeFolders(values: FlagValues, env: ConfigFacts['env']): { stateDir: string; cacheDir: string } {
  const home = env.XDG_STATE_HOME || `${env.HOME ?? ''}/.local/state`
  const stateDir = values['state-dir'] || `${home}/capstan`
  return { stateDir, cacheDir: values['cache-dir'] || `${stateDir}/cache` }
}

/** `:3030`, `host:port` or `[::1]:3030`; an empty host means every address. Undefined for anything else. */
export function readAddress(text: string): ListenAddress | undefined {
  const [, inBrackets, plain = '', digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text) ?? []
  if (digits === undefined || Number(digits) > 65_535) return undefined
  return { host: inBrackets ?? plain, port: Number(digits) }
}
