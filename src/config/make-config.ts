import { fluxdSource, type SourceSpec } from '../domain/source/spec.ts'
import type { Config, ListenAddress } from './config.ts'
import { defined } from './defined.ts'
import type { FlagValues } from './flags.ts'
import { makeGitFiles, makeLogin } from './git-login.ts'
import { readImports } from './repository-import.ts'

/** Settings out of read flags that have no contradictions. */
export function makeConfig(values: FlagValues, facts: ConfigFacts): Config {
  const metrics = readAddress(values['listen-metrics'])
  const source = makeSource(values, facts)
  const login = makeLogin(values, facts.env)
  return {
    roles: values.roles,
    enable: makeEnabled(values),
    takesUpdates: values.enable.includes('images') && !values['read-only'],
    namespace: values.namespace,
    ...defined('kubeconfig', values.kubeconfig || values['kube-config']),
    installCrds: facts.isGiven('install-crds') ? values['install-crds'] : !facts.env.KUBERNETES_SERVICE_HOST,
    log: { format: values['log-format'] === 'json' ? 'json' : 'fmt', level: values['log-level'] },
    listen: readAddress(values.listen) ?? { host: '', port: 3030 },
    ...makeAccess(values, facts),
    ...(values['tls-cert-file'] ? { tls: { certFile: values['tls-cert-file'], keyFile: values['tls-key-file'] } } : {}),
    ...(metrics ? { listenMetrics: metrics } : {}),
    redis: { ...defined('url', values['redis-url']), prefix: makePrefix(values) },
    ...makeFolders(values, facts.env),
    ...defined('tokenFile', values['token-file']),
    ...defined('webhookSecretFile', values['webhook-secret-file']),
    shutdownGraceMs: values['shutdown-grace'],
    memoryWatch: values['memory-watch'],
    ...(source ? { source } : {}),
    git: {
      ...(login ? { login } : {}),
      deployKeyFile: `${values['k8s-secret-volume-mount-path']}/${values['k8s-secret-data-key']}`,
      files: makeGitFiles(values),
      timeoutMs: values['git-timeout'],
      pollIntervalMs: values['git-poll-interval'],
      readonly: values['git-readonly'],
      author: { name: values['git-user'], email: values['git-email'] },
      setAuthor: values['git-set-author'],
      ciSkip: values['git-ci-skip-message'] || (values['git-ci-skip'] ? '\n\n[ci skip]' : ''),
      gpgKeyImport: values['git-gpg-key-import'],
      signingKey: values['git-signing-key'],
      deployKey: {
        isKept: Boolean(facts.env.KUBERNETES_SERVICE_HOST) || facts.isGiven('k8s-secret-name'),
        secretName: values['k8s-secret-name'],
        dataKey: values['k8s-secret-data-key'],
        type: values['ssh-keygen-type'],
        bits: values['ssh-keygen-bits'],
        format: values['ssh-keygen-format'],
        directory: values['ssh-keygen-dir'],
      },
    },
    generators: {
      strict: values['generator-strict'],
      remoteBases: values['kustomize-remote-bases'],
      kustomizeBinary: values['kustomize-binary'],
      sopsBinary: values['sops-binary'],
    },
    readOnly: values['read-only'],
    sources: {
      namespaces: [...new Set(values['source-namespaces'])],
      serviceAccount: values['default-service-account'],
      mayGenerate: values['manifest-generation'] && !values.tenants,
      areTenants: values.tenants,
      maxBytes: values['max-source-size'] * 1_000_000,
      maxObjects: values['max-source-objects'],
    },
    events: makeEvents(values),
    releases: makeReleases(values),
    images: makeImages(values, facts),
    warnings: facts.warnings,
  }
}

/** The cluster is asked who calls, and loopback is a pod's own, in a cluster alone. */
function makeAccess(
  values: FlagValues,
  { env, isGiven }: Pick<ConfigFacts, 'env' | 'isGiven'>,
): Pick<Config, 'apiAuth' | 'apiRate' | 'openRefresh' | 'opensLoopback' | 'drainTimeMs'> {
  const isPod = Boolean(env.KUBERNETES_SERVICE_HOST)
  const byCluster = isGiven('api-auth') ? values['api-auth'] === 'kubernetes' : isPod
  return {
    apiAuth: { byCluster, audiences: values['api-audience'] },
    apiRate: Math.max(1, values['api-rate']),
    openRefresh: values['open-refresh'],
    opensLoopback: values['fluxctl-loopback'] === 'open' && !values.tenants && isPod,
    drainTimeMs: values.roles.includes('api') ? values['drain-time'] : 0,
  }
}

function makeReleases(values: FlagValues): Config['releases'] {
  return {
    workers: values.workers,
    logDiffs: values['log-release-diffs'],
    resyncIntervalMs: values['charts-sync-interval'],
    namespace: values['allow-namespace'],
    updateChartDependencies: values['update-chart-deps'],
    defaultGitRef: values['git-default-ref'],
    helmBinary: values['helm-binary'],
    upgradeLimit: values['release-upgrade-limit'],
    adoptFailed: values['adopt-failed'] as Config['releases']['adoptFailed'],
    failedInstall: values['failed-install'] as Config['releases']['failedInstall'],
    finalizer: values['release-finalizer'],
    repositoryFiles: readImports(values['helm-repository-import']).files,
    pluginsDir: values['helm-plugins-dir'],
    legacy: values['legacy-helmreleases'],
  }
}

function makeImages(values: FlagValues, facts: ConfigFacts): Config['images'] {
  return {
    // the old name counts only where the new one is absent (flux-v1 §26)
    scanIntervalMs:
      facts.isGiven('registry-poll-interval') && !facts.isGiven('automation-interval')
        ? values['registry-poll-interval']
        : values['automation-interval'],
    insecureHosts: values['registry-insecure-host'],
    exclude: values['registry-disable-scanning'] ? ['*'] : values['registry-exclude-image'],
    include: values['registry-include-image'],
    useLabels: values['registry-use-labels'],
    dockerConfig: values['docker-config'],
    ecr: {
      regions: values['registry-ecr-region'],
      include: values['registry-ecr-include-id'],
      exclude: values['registry-ecr-exclude-id'],
    },
    listDepth: values['registry-list-depth'],
    rps: values['registry-rps'],
    burst: values['registry-burst'],
    trace: values['registry-trace'],
    require: values['registry-require'],
  }
}

export type ConfigFacts = {
  env: Readonly<Record<string, string | undefined>>
  isGiven: (name: keyof FlagValues) => boolean
  warnings: readonly string[]
}

/** Who only looks works on sources alone: releases and images are nothing but writes. */
function makeEnabled(values: FlagValues): Config['enable'] {
  return values.enable.filter(
    (one) =>
      (one !== 'images' || !values['registry-disable-scanning']) && (one === 'sync' || values['read-only'] === false),
  )
}

/** Who only looks must not take the jobs of a Capstan that works in the same Redis. */
function makePrefix(values: FlagValues): string {
  return values['read-only'] ? `${values['redis-prefix']}:read-only` : values['redis-prefix']
}

function makeSource(values: FlagValues, { isGiven }: ConfigFacts): Config['source'] {
  if (!values['git-url']) return undefined
  const readonly = values['git-readonly']
  const state = values['sync-state'] as SourceSpec['syncState']
  return {
    ...fluxdSource,
    name: values['source-name'],
    url: values['git-url'],
    ref: { kind: 'branch', value: values['git-branch'] },
    branch: values['git-branch'],
    paths: values['git-path'],
    maxBytes: values['max-source-size'] * 1_000_000,
    maxObjects: values['max-source-objects'],
    pollIntervalMs: values['git-poll-interval'],
    syncIntervalMs: values['sync-interval'],
    syncTimeoutMs: values['sync-timeout'],
    prune: values['sync-garbage-collection'],
    pruneDry: values['sync-garbage-collection-dry'],
    allowedNamespaces: [...new Set([...values['k8s-allow-namespace'], ...values['k8s-namespace-whitelist']])],
    defaultNamespace: values['k8s-default-namespace'],
    excludeResources: values['k8s-unsafe-exclude-resource'],
    generate: values['manifest-generation'],
    render: values.kustomize && !values['manifest-generation'] ? 'auto' : 'plain',
    sops: values.sops,
    gitSecret: values['git-secret'],
    verify: verifyMode(values, isGiven),
    // fluxd: a read-only repository cannot hold the tag (flux-v1 §12)
    syncState: readonly && state === 'git' ? 'secret' : state,
    syncTag: values['git-label'] || values['git-sync-tag'],
    notesRef: values['git-label'] || values['git-notes-ref'],
    readonly,
    drift: values.drift as SourceSpec['drift'],
    overruleAutoscalers: values['overrule-autoscalers'],
  }
}

/** The old switch means `all` unless the mode itself is given (flux-v1 §13). */
function verifyMode(values: FlagValues, isGiven: ConfigFacts['isGiven']): SourceSpec['verify'] {
  const mode = values['git-verify-signatures-mode'] as SourceSpec['verify'] | ''
  if (isGiven('git-verify-signatures-mode')) return mode || 'none'
  return values['git-verify-signatures'] ? 'all' : 'none'
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

function makeEvents(values: FlagValues): Config['events'] {
  const { connect, token } = values
  return { ...defined('sinksFile', values['sinks-file']), connect, token, rpcTimeoutMs: values['rpc-timeout'] }
}
