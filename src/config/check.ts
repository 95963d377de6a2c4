import { readAddress } from './make-config.ts'
import type { FlagName, FlagValues } from './flags.ts'
import { hasPassword, isHttpUrl } from './git-login.ts'

/** What is known besides the values. */
export type Situation = { isGiven: (name: FlagName) => boolean; env: Readonly<Record<string, string | undefined>> }

const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
const subdomain = /^[a-z0-9](?:[a-z0-9.-]{0,200}[a-z0-9])?$/

/** Everything that is wrong with the values or contradicts, as sentences. */
export function checkValues(values: FlagValues, situation: Situation): string[] {
  return [
    ...checkNames(values),
    ...checkAddresses(values),
    ...checkTimes(values),
    ...checkGit(values),
    ...checkGitLogin(values, situation),
    ...checkGithubApp(values, situation),
    ...checkWork(values, situation),
  ]
}

/** fluxd ends with exit code 1 for these, not 2 (flux-v1 §3). */
export function checkGitPaths(paths: readonly string[]): string[] {
  return paths
    .filter((path) => path.startsWith('/'))
    .map((path) => `--git-path must not begin with a slash: "${path}" is taken from the root of the repository`)
}

function when(condition: boolean, problem: string): string[] {
  return condition ? [problem] : []
}

function checkNames(values: FlagValues): string[] {
  const namespaces = ['namespace', 'allow-namespace', 'k8s-default-namespace'] as const
  const lists = ['k8s-allow-namespace', 'k8s-namespace-whitelist', 'source-namespaces'] as const
  const named = [
    ...namespaces.map((name) => [name, values[name]] as const),
    ...lists.flatMap((name) => values[name].map((value) => [name, value] as const)),
  ]
  return [
    ...named
      .filter(([name, value]) => (value !== '' || name === 'namespace') && !label.test(value))
      .map(([name, value]) => `--${name} is no name of a namespace: "${value}"`),
    ...when(!subdomain.test(values['source-name']), `--source-name is no name: "${values['source-name']}"`),
    ...when(
      values['default-service-account'] !== '' && !subdomain.test(values['default-service-account']),
      `--default-service-account is no name: "${values['default-service-account']}"`,
    ),
  ]
}

function checkAddresses(values: FlagValues): string[] {
  const { listen, 'listen-metrics': metrics, 'redis-url': redisUrl, 'redis-prefix': prefix } = values
  return [
    ...when(!readAddress(listen), `--listen must be :port or host:port: "${listen}"`),
    ...when(metrics !== '' && !readAddress(metrics), `--listen-metrics must be :port or host:port: "${metrics}"`),
    ...when(
      metrics !== '' && metrics === listen && !metrics.endsWith(':0'),
      '--listen-metrics and --listen are the same address; leave --listen-metrics out to serve both there',
    ),
    ...when(
      (values['tls-cert-file'] === '') !== (values['tls-key-file'] === ''),
      '--tls-cert-file and --tls-key-file go together; give both or neither',
    ),
    ...when(
      values.connect !== '' && !/^(?:https?|wss?):\/\/[^\s/]/.test(values.connect),
      '--connect must begin with http://, https://, ws:// or wss://',
    ),
    // the URL may hold a password and is not repeated
    ...when(
      redisUrl !== '' && !/^rediss?:\/\/[^\s/]/.test(redisUrl),
      '--redis-url must begin with redis:// or rediss://',
    ),
    ...when(
      !/^[\w.:-]*\{[\w.:-]+\}[\w.:-]*$/.test(prefix),
      `--redis-prefix needs a part in braces, as in {capstan}: "${prefix}"`,
    ),
  ]
}

function checkTimes(values: FlagValues): string[] {
  const names = [
    'git-poll-interval',
    'git-timeout',
    'sync-interval',
    'sync-timeout',
    'charts-sync-interval',
    'automation-interval',
    'registry-poll-interval',
  ] as const
  return [
    ...names.filter((name) => values[name] < 1).map((name) => `--${name} must be longer than nothing`),
    ...(['registry-rps', 'registry-burst'] as const)
      .filter((name) => values[name] < 1)
      .map((name) => `--${name} must be at least 1`),
    ...when(values.workers < 1, '--workers must be at least 1'),
    ...when(
      values.tenants && values['helm-plugins-dir'] !== '',
      '--helm-plugins-dir and --tenants contradict each other: a URL of a tenant would start a program with your rights',
    ),
  ]
}

function checkGit(values: FlagValues): string[] {
  const { 'git-url': url, 'git-branch': branch, 'git-path': paths } = values
  const unsafe = /[\s\p{Cc}]/u
  return [
    ...when(url.startsWith('-') || unsafe.test(url), '--git-url is no URL: it begins with a dash or holds blanks'),
    ...when(
      branch === '' || branch.startsWith('-') || unsafe.test(branch) || branch.includes('..'),
      `--git-branch is no name of a branch: "${branch}"`,
    ),
    ...paths
      .filter((path) => path.split('/').includes('..'))
      .map((path) => `--git-path must stay inside the repository: "${path}"`),
    ...when(
      values['git-verify-signatures'] && values['git-verify-signatures-mode'] === 'none',
      '--git-verify-signatures and --git-verify-signatures-mode=none contradict each other',
    ),
  ]
}

/** All of a GitHub App or nothing of it, and nothing else beside it. */
function checkGithubApp(values: FlagValues, { env }: Situation): string[] {
  const names = ['git-github-app-id', 'git-github-app-installation-id', 'git-github-app-key-file'] as const
  const missing = names.filter((name) => !values[name])
  if (missing.length === names.length)
    return when(values['git-github-app-url'] !== '', '--git-github-app-url needs --git-github-app-id')
  const hasToken = Boolean(values['git-https-token-file'] || env.GIT_AUTHKEY || env.CAPSTAN_GIT_TOKEN)
  return [
    ...missing.map((name) => `--${name} is missing: a GitHub App is its id, the id of its installation and its key`),
    ...when(
      values['git-url'] !== '' && !isHttpUrl(values['git-url']),
      '--git-github-app-id has no meaning for a --git-url with ssh; use an https URL',
    ),
    ...when(hasToken, 'a token and --git-github-app-id contradict each other: leave one of the two out'),
    ...when(
      values['git-github-app-url'] !== '' && !values['git-github-app-url'].startsWith('https://'),
      '--git-github-app-url must be an https URL',
    ),
  ]
}

function checkGitLogin(values: FlagValues, { isGiven, env }: Situation): string[] {
  const { 'git-url': url, 'git-https-token-file': tokenFile } = values
  const hasOwn = hasPassword(url)
  const hasToken = Boolean(hasOwn || tokenFile || env.GIT_AUTHKEY || env.CAPSTAN_GIT_TOKEN)
  const hasKey = values['git-ssh-key-file'] !== ''
  const both = hasKey && tokenFile !== ''
  const httpsFlags = (['git-https-username', 'git-https-token-file'] as const).filter((name) => isGiven(name))
  return [
    ...when(
      both,
      '--git-ssh-key-file and --git-https-token-file contradict each other: give the one that fits --git-url',
    ),
    ...when(
      !both && hasKey && isHttpUrl(url),
      '--git-ssh-key-file has no meaning for a --git-url with http; use --git-https-token-file or an ssh URL',
    ),
    ...when(
      !both && httpsFlags.length > 0 && url !== '' && !isHttpUrl(url),
      `--${httpsFlags[0]} has no meaning for a --git-url with ssh; use --git-ssh-key-file or an https URL`,
    ),
    ...when(
      isGiven('git-https-username') && !hasToken,
      '--git-https-username needs a password: give --git-https-token-file, GIT_AUTHKEY or CAPSTAN_GIT_TOKEN',
    ),
    // those of the environment are what fluxd's users make the URL of (flux-v1 §27)
    ...when(
      hasOwn && tokenFile !== '',
      '--git-url holds a password and --git-https-token-file another one: leave one of the two out',
    ),
  ]
}

function checkWork(values: FlagValues, { isGiven }: Situation): string[] {
  const { roles, enable } = values
  return [
    ...when(roles.length === 0, '--roles must name at least one of controller, worker, api'),
    ...when(enable.length === 0, '--enable must name at least one of sync, releases, images'),
    ...when(
      roles.length > 0 && new Set(roles).size < 3 && values['redis-url'] === '',
      '--roles splits the work over processes, which must share a Redis: give --redis-url',
    ),
    ...when(
      isGiven('enable') &&
        !enable.includes('sync') &&
        isGiven('sync-garbage-collection') &&
        values['sync-garbage-collection'],
      '--sync-garbage-collection has no meaning without sync in --enable',
    ),
    ...when(
      !values['enabled-helm-versions'].some((version) => version === 'v2' || version === 'v3'),
      `--enabled-helm-versions names neither v2 nor v3: "${values['enabled-helm-versions'].join(',')}"`,
    ),
  ]
}
