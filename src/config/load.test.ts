import { describe, expect, it } from 'vitest'
import { fluxdSource } from '../domain/source/spec.ts'
import type { Config } from './config.ts'
import { configFileOf, loadConfig } from './load.ts'

const home = { HOME: '/home/me' }

function load(argv: string[], env: Record<string, string> = {}, file?: unknown): Config {
  const result = loadConfig({ argv, env: { ...home, ...env }, file })
  if (!('config' in result)) throw new Error(JSON.stringify(result))
  return result.config
}

function problems(argv: string[], env: Record<string, string> = {}, file?: unknown): string[] {
  const result = loadConfig({ argv, env: { ...home, ...env }, file })
  return 'problems' in result ? result.problems : []
}

const git = '--git-url=https://git.example/a.git'

describe('loadConfig: the ancestors’ defaults', () => {
  it('has no source without --git-url', () => {
    expect(load([])).toMatchObject({ listen: { host: '', port: 3030 }, namespace: 'capstan-system', warnings: [] })
    expect(load([])).not.toHaveProperty('source')
  })

  it('has fluxd’s for a source', () => {
    expect(load([git]).source).toEqual({
      ...fluxdSource,
      name: 'default',
      url: 'https://git.example/a.git',
      ref: { kind: 'branch', value: 'master' },
      branch: 'master',
      paths: [],
      pollIntervalMs: 300_000,
      syncIntervalMs: 300_000,
      syncTimeoutMs: 60_000,
      prune: false,
      pruneDry: false,
      allowedNamespaces: [],
      defaultNamespace: '',
      excludeResources: ['*metrics.k8s.io/*', 'webhook.certmanager.k8s.io/*', 'v1/Event'],
    })
  })

  it('looks for Source objects everywhere, and lets them run no commands', () => {
    expect(load([]).sources).toMatchObject({ namespaces: [], serviceAccount: '', mayGenerate: false })
    const given = load(['--source-namespaces=a,b,a', '--default-service-account=tenant', '--manifest-generation', git])
    expect(given.sources).toMatchObject({ namespaces: ['a', 'b'], serviceAccount: 'tenant', mayGenerate: true })
  })

  it('has the Operator’s for releases', () => {
    expect(load([]).releases).toMatchObject({ workers: 2, resyncIntervalMs: 180_000, updateChartDependencies: true })
  })
})

describe('loadConfig: how flags are written', () => {
  it.each<[string, string[], (config: Config) => unknown, unknown]>([
    ['--flag=value', ['--source-name=x', git], (c) => c.source?.name, 'x'],
    ['--flag value', ['--source-name', 'x', git], (c) => c.source?.name, 'x'],
    ['-flag=value', ['-source-name=x', git], (c) => c.source?.name, 'x'],
    ['-flag value', ['-source-name', 'x', git], (c) => c.source?.name, 'x'],
    ['the short form', ['-l', '127.0.0.1:8080'], (c) => c.listen, { host: '127.0.0.1', port: 8080 }],
    ['an IPv6 address', ['--listen=[::1]:80'], (c) => c.listen, { host: '::1', port: 80 }],
    ['a value with =', ['--git-branch=a=b', git], (c) => c.source?.branch, 'a=b'],
    ['a switch', ['--sync-garbage-collection', git], (c) => c.source?.prune, true],
    ['a switch turned off', ['--sync-garbage-collection=false', git], (c) => c.source?.prune, false],
    ['Go’s short words', ['--sync-garbage-collection=T', git], (c) => c.source?.prune, true],
    ['the last one wins', ['--git-branch=a', '--git-branch=b', git], (c) => c.source?.branch, 'b'],
    ['a list with commas', ['--git-path=a,b', git], (c) => c.source?.paths, ['a', 'b']],
    ['a list given again', ['--git-path=a', '--git-path', 'b', git], (c) => c.source?.paths, ['a', 'b']],
    ['a list with a quoted comma', ['--git-path="a,b",c', git], (c) => c.source?.paths, ['a,b', 'c']],
    [
      'the pace of registries',
      ['--registry-rps=5', '--registry-burst=2'],
      (c) => [c.images.rps, c.images.burst],
      [5, 2],
    ],
    ['a list replaces its default', ['--registry-exclude-image=x/*'], (c) => c.images.exclude, ['x/*']],
    ['an empty list', ['--registry-exclude-image='], (c) => c.images.exclude, []],
    ['a duration', ['--git-poll-interval=1m30s', git], (c) => c.source?.pollIntervalMs, 90_000],
    ['the same for charts alone', ['--git-poll-interval=30m'], (c) => c.git.pollIntervalMs, 1_800_000],
  ])('%s', (_how, argv, read, expected) => {
    expect(read(load(argv))).toEqual(expected)
  })
})

describe('loadConfig: old names', () => {
  it.each<[string, string[], (config: Config) => unknown, unknown]>([
    [
      'both allow lists count',
      ['--k8s-allow-namespace=a', '--k8s-namespace-whitelist=b,a', git],
      (c) => c.source?.allowedNamespaces,
      ['a', 'b'],
    ],
    ['--registry-poll-interval alone', ['--registry-poll-interval=1m'], (c) => c.images.scanIntervalMs, 60_000],
    [
      '--registry-poll-interval beside the new name',
      ['--registry-poll-interval=1m', '--automation-interval=2m'],
      (c) => c.images.scanIntervalMs,
      120_000,
    ],
    ['--kube-config', ['--kube-config=/a'], (c) => c.kubeconfig, '/a'],
    ['--kubeconfig goes before it', ['--kube-config=/a', '--kubeconfig=/b'], (c) => c.kubeconfig, '/b'],
    ['--registry-disable-scanning', ['--registry-disable-scanning'], (c) => c.enable, ['sync', 'releases']],
    [
      '… with requests of people',
      ['--registry-disable-scanning'],
      (c) => [c.takesUpdates, c.images.exclude],
      [true, ['*']],
    ],
    [
      '… beside images that are asked for by name',
      ['--enable=sync,images', '--registry-disable-scanning'],
      (c) => [c.enable, c.takesUpdates],
      [['sync'], true],
    ],
    ['--git-ci-skip', ['--git-ci-skip'], (c) => c.git.ciSkip, '\n\n[ci skip]'],
    ['--git-ci-skip-message', ['--git-ci-skip-message= [x]'], (c) => c.git.ciSkip, ' [x]'],
  ])('%s', (_what, argv, read, expected) => {
    expect(read(load(argv))).toEqual(expected)
  })
})

describe('loadConfig: login to git', () => {
  const ssh = '--git-url=git@git.example:a.git'
  it.each<[string, string[], Record<string, string>, unknown]>([
    ['none for an open repository', [git], {}, undefined],
    [
      'a token file',
      [git, '--git-https-token-file=/t'],
      {},
      { kind: 'basic', username: 'git', password: { file: '/t' } },
    ],
    [
      'fluxd’s variables',
      [git],
      { GIT_AUTHUSER: 'me', GIT_AUTHKEY: 'k' },
      { kind: 'basic', username: 'me', password: { value: 'k' } },
    ],
    ['our variable', [git], { CAPSTAN_GIT_TOKEN: 'k' }, { kind: 'basic', username: 'git', password: { value: 'k' } }],
    [
      'a GitHub App',
      [git, '--git-github-app-id=1', '--git-github-app-installation-id=2', '--git-github-app-key-file=/k'],
      {},
      { kind: 'githubApp', appId: '1', installationId: '2', privateKeyFile: '/k' },
    ],
    [
      'a file before variables',
      [git, '--git-https-token-file=/t'],
      { GIT_AUTHKEY: 'k' },
      { kind: 'basic', username: 'git', password: { file: '/t' } },
    ],
    [
      'fluxd’s own way: the URL’s password, which its variables were put into',
      ['--git-url=https://me:a%40b@h/a.git'],
      { GIT_AUTHUSER: 'me', GIT_AUTHKEY: 'a%40b' },
      undefined,
    ],
    ['a user alone beside the URL’s password', ['--git-url=https://me:pw@h/a.git'], { GIT_AUTHUSER: 'me' }, undefined],
    [
      'the URL’s user with our variable',
      ['--git-url=https://me%40corp@h/a.git'],
      { CAPSTAN_GIT_TOKEN: 'k' },
      { kind: 'basic', username: 'me@corp', password: { value: 'k' } },
    ],
    ['ssh with nothing given', [ssh], {}, { kind: 'ssh' }],
    [
      'ssh with key and hosts',
      [ssh, '--git-ssh-key-file=/k', '--git-ssh-known-hosts-file=/h'],
      {},
      { kind: 'ssh', privateKeyFile: '/k', knownHostsFile: '/h' },
    ],
    [
      'variables for https are no contradiction for ssh',
      [ssh],
      { GIT_AUTHUSER: 'me', GIT_AUTHKEY: 'k' },
      { kind: 'ssh' },
    ],
  ])('%s', (_what, argv, env, expected) => {
    expect(load(argv, env).git.login).toEqual(expected)
  })

  it('knows the given hosts whatever the key is, and for the repositories of charts too', () => {
    for (const url of [[ssh], [git], []])
      expect(load([...url, '--git-ssh-known-hosts-file=/h']).git.files).toEqual({ sshKnownHosts: '/h' })
  })
})

describe('loadConfig: where values come from', () => {
  it('takes flags before the environment before the file', () => {
    const file = {
      namespace: 'file',
      'source-name': 'file',
      'git-path': ['a,b', 'c'],
      'sync-garbage-collection': true,
      workers: 7,
    }
    const config = load([git, '--source-name=flag'], { CAPSTAN_NAMESPACE: 'env' }, file)
    expect(config).toMatchObject({
      namespace: 'env',
      source: { name: 'flag', paths: ['a,b', 'c'], prune: true },
      releases: { workers: 7 },
    })
  })

  it('keeps state where the user’s home says', () => {
    expect(load([])).toMatchObject({
      stateDir: '/home/me/.local/state/capstan',
      cacheDir: '/home/me/.local/state/capstan/cache',
    })
    expect(load([], { XDG_STATE_HOME: '/s' }).stateDir).toBe('/s/capstan')
    expect(load(['--state-dir=/d'])).toMatchObject({ stateDir: '/d', cacheDir: '/d/cache' })
  })

  it('installs definitions outside a cluster only, unless told', () => {
    expect(load([]).installCrds).toBe(true)
    expect(load([], { KUBERNETES_SERVICE_HOST: '10.0.0.1' }).installCrds).toBe(false)
    expect(load(['--install-crds'], { KUBERNETES_SERVICE_HOST: '10.0.0.1' }).installCrds).toBe(true)
    expect(load(['--install-crds=false']).installCrds).toBe(false)
  })

  it('finds the config file beside other problems', () => {
    expect(configFileOf({ argv: ['--nonsense', '--config-file=/a'], env: {} })).toBe('/a')
    expect(configFileOf({ argv: [], env: { CAPSTAN_CONFIG_FILE: '/b' } })).toBe('/b')
    expect(configFileOf({ argv: [], env: {} })).toBeUndefined()
  })
})

describe('loadConfig: problems', () => {
  it('finds all of them at once', () => {
    const found = problems([
      '--git-ulr=x',
      '--sync-interval=5',
      '--sync-garbage-collection=maybe',
      '--workers=many',
      '--log-level=loud',
      '--enable=sync,foo',
      '--listen=nowhere',
      'stray',
    ])
    expect(found).toEqual([
      'unknown flag --git-ulr; did you mean --git-url?',
      '"stray" is not a flag; arguments are not taken',
      '--enable must be sync, releases or images: "foo"',
      '--log-level must be debug, info, warn or error: "loud"',
      '--sync-interval is no duration such as 30s, 5m or 1m30s: "5"',
      '--sync-garbage-collection must be true or false: "maybe"',
      '--workers is no whole number: "many"',
      '--listen must be :port or host:port: "nowhere"',
    ])
  })

  it.each<[string, string[], RegExp]>([
    ['no value', ['--git-url'], /--git-url needs a value/],
    ['a quote that is not closed', ['--git-path="a'], /--git-path is no comma-separated list/],
    ['ssh key for https', [git, '--git-ssh-key-file=/k'], /has no meaning for a --git-url with http/],
    [
      'https token for ssh',
      ['--git-url=git@h:a.git', '--git-https-token-file=/t'],
      /has no meaning for a --git-url with ssh/,
    ],
    ['both logins', [git, '--git-ssh-key-file=/k', '--git-https-token-file=/t'], /contradict each other/],
    ['a user without password', [git, '--git-https-username=me'], /needs a password/],
    [
      'half of a GitHub App',
      [git, '--git-github-app-id=1', '--git-github-app-installation-id=2'],
      /--git-github-app-key-file is missing/,
    ],
    [
      'a GitHub App and a token',
      [
        git,
        '--git-github-app-id=1',
        '--git-github-app-installation-id=2',
        '--git-github-app-key-file=/k',
        '--git-https-token-file=/t',
      ],
      /contradict each other/,
    ],
    ['two passwords', ['--git-url=https://me:pw@h/a.git', '--git-https-token-file=/t'], /leave one of the two out/],
    ['split roles without Redis', ['--roles=worker'], /give --redis-url/],
    ['no role', ['--roles='], /at least one of controller/],
    ['plugins of helm for strangers', ['--tenants', '--helm-plugins-dir=/p'], /contradict each other/],
    ['no request at all to registries', ['--registry-rps=0'], /--registry-rps must be at least 1/],
    ['prune without sync', ['--enable=releases', '--sync-garbage-collection'], /no meaning without sync/],
    ['no version of helm', ['--enabled-helm-versions=3'], /names neither v2 nor v3: "3"/],
    ['a path out of the repository', ['--git-path=a/../../b'], /stay inside the repository/],
    ['a branch like an option', ['--git-branch=--upload-pack=x'], /no name of a branch/],
    ['a URL like an option', ['--git-url=--upload-pack=x'], /begins with a dash/],
    ['an interval of nothing', ['--sync-interval=0'], /longer than nothing/],
    ['a namespace that is no name', ['--namespace=Not_A_Name'], /no name of a namespace/],
    ['an empty namespace', ['--namespace='], /no name of a namespace/],
    ['a namespace of Sources that is no name', ['--source-namespaces=a,B'], /--source-namespaces is no name of/],
    ['an account in another namespace', ['--default-service-account=kube-system:x'], /no name: "kube-system:x"/],
    ['a prefix without braces', ['--redis-prefix=capstan'], /braces/],
    ['metrics on the same port', ['--listen=:80', '--listen-metrics=:80'], /same address/],
    ['verification on and off', ['--git-verify-signatures', '--git-verify-signatures-mode=none'], /contradict/],
  ])('%s', (_what, argv, problem) => {
    expect(problems(argv)).toEqual([expect.stringMatching(problem)])
  })

  it('never repeats a password', () => {
    const found = problems(['--redis-url=http://me:hunter2@h', '--git-url=https://me:hunter2@h/ a', '--git-branch='])
    expect(found).toHaveLength(3)
    expect(found.join()).not.toContain('hunter2')
  })

  it('looks into the config file too', () => {
    expect(problems([], {}, { 'git-ulr': 'x', workers: { a: 1 } })).toEqual([
      'config file: unknown flag --git-ulr; did you mean --git-url?',
      'config file: workers must be a text, number, boolean or list of texts',
    ])
    expect(problems([], {}, ['a'])).toEqual(['the config file must hold flags by name'])
  })
})

describe('loadConfig: exit codes', () => {
  it.each<[string, string[], unknown]>([
    ['a path from the root ends with 1, as fluxd', ['--git-path=/a'], { exitCode: 1 }],
    ['anything else with 2', ['--git-path=/a', '--nonsense'], { exitCode: 2 }],
    ['help goes before problems', ['--help', '--nonsense'], { show: 'help' }],
    ['help in short', ['-h'], { show: 'help' }],
    ['version', ['--version'], { show: 'version' }],
    ['version turned off', ['--version=false'], { config: {} }],
  ])('%s', (_what, argv, expected) => {
    expect(loadConfig({ argv, env: home })).toMatchObject(expected as object)
  })
})

describe('loadConfig: warnings', () => {
  it.each<[string, string[], RegExp[]]>([
    [
      'what has no effect, in one line',
      ['--k8s-in-cluster=false', '--tiller-ip=1'],
      [/without effect: --k8s-in-cluster \(.*\), --tiller-ip \(/],
    ],
    ['nothing for a flag that works', ['--sops'], []],
    ['flags for writing beside --git-readonly', ['--git-readonly', '--git-user=x'], [/--git-user/]],
    [
      '--git-readonly moves the marker, as in fluxd',
      ['--git-readonly', '--sync-state=git'],
      [/forcing to --sync-state=secret/],
    ],
    ['helm 2', ['--enabled-helm-versions=v2,v3'], [/helm 2 is not supported/]],
    ['helm 2 alone', ['--enabled-helm-versions=v2'], [/helm 2 is not supported/]],
    ['a format of the log that is none', ['--log-format=logfmt'], [/"logfmt" is neither fmt nor json: fmt counts/]],
    ['repositories of helm 2', ['--helm-repository-import=v2:/a,v3:/b'], [/=v2:\/a is passed over/]],
    ['that nothing is written with --read-only', ['--read-only'], [/nothing is written/]],
  ])('%s', (_what, argv, lines) => {
    expect(load(argv).warnings).toEqual(lines.map((line) => expect.stringMatching(line)))
  })
})

it('warns of helm 2 where the environment enables nothing else', () => {
  expect(load([], { HELM_VERSION: 'v2' }).warnings).toEqual([expect.stringMatching(/helm 2 is not supported/)])
  expect(load([], { HELM_VERSION: 'v2,v3' }).warnings).toEqual([])
})

it.each(['fmt', 'logfmt', ''])('takes --log-format=%s for fmt, as the ancestors did', (format) => {
  expect(load([`--log-format=${format}`]).log.format).toBe('fmt')
})

it('takes the files of helm 3 alone out of --helm-repository-import', () => {
  const argv = ['--helm-repository-import=v2:/a,v3:/b', '--helm-repository-import=v3:/c,/d,v3:e:f']
  expect(load(argv).releases.repositoryFiles).toEqual(['/b', '/c'])
})

describe('loadConfig: --read-only', () => {
  it('works on sources alone, and on jobs of its own', () => {
    expect(load(['--read-only'])).toMatchObject({
      readOnly: true,
      enable: ['sync'],
      takesUpdates: false,
      redis: { prefix: '{capstan}:read-only' },
    })
    expect(load([])).toMatchObject({ readOnly: false, enable: ['sync', 'releases', 'images'] })
  })
})

describe('loadConfig: the deploy key', () => {
  it.each<[string, string[], Record<string, string>, boolean]>([
    ["outside a cluster is git's own business", [], {}, false],
    ['inside a cluster is kept', [], { KUBERNETES_SERVICE_HOST: '10.0.0.1' }, true],
    ['is kept where its Secret is named', ['--k8s-secret-name=flux-git-deploy'], {}, true],
  ])('%s', (_what, argv, env, isKept) => {
    expect(load(argv, env).git.deployKey.isKept).toBe(isKept)
  })
})
