import { describe, expect, it } from 'vitest'
import { type Changes, fluxd, operator, type Raw } from '../../../test/migrate/shapes.ts'
import type { KubeObject } from '../manifest/object.ts'
import { readOldDeployment } from './old-deployment.ts'
import type { OldFacts, OldFile } from './old-facts.ts'
import { type MoveFacts, planMove, refusedIn } from './plan-move.ts'
import type { ReleaseFacts } from './releases.ts'

/** What our tables say of a flag; here only of those that they say something else of than "same". */
const became: Record<string, string> = {
  'memcached-hostname': 'replaced by `--redis-url`',
  'memcached-service': 'replaced by `--redis-url`',
  'status-update-interval': 'not applicable',
  'tiller-namespace': 'not applicable',
  'k8s-unsafe-exclude-resource': 'differs',
  workers: 'differs',
}

const none: ReleaseFacts = { helmReleases: [], legacy: 0, stored: new Map(), definition: undefined }
const kubeConfig = 'contexts:\n- context:\n    cluster: ""\n    namespace: default\n    user: ""\n  name: default\n'
const usualFiles: [string, OldFile][] = [
  ['Secret/flux-git-deploy', { keys: ['identity'], goesWithAncestor: true, data: {} }],
  ['Secret/helm-operator-git-deploy', { keys: [], goesWithAncestor: true, data: {} }],
  ['ConfigMap/flux-kube-config', { keys: ['config'], goesWithAncestor: true, data: { config: kubeConfig } }],
]

function factsOf(object: KubeObject, more: Partial<OldFacts> & { more?: [string, OldFile][] } = {}): OldFacts {
  const old = readOldDeployment(object) ?? expect.fail('no ancestor')
  const given = new Map<string, string[]>()
  for (const arg of old.argv) {
    const [, name = '', value = 'true'] = /^--([^=]+)(?:=(.*))?$/.exec(arg) ?? []
    given.set(name, [...(given.get(name) ?? []), value])
  }
  const flags = [...given].map(([name, values]) => ({ name, values, became: became[name] ?? 'same', saying: '' }))
  const { more: files = [], ...rest } = more
  return {
    old,
    flags,
    problems: [],
    files: new Map([...usualFiles, ...files]),
    accountAnnotations: {},
    isClusterWide: true,
    services: [],
    namespace: 'flux',
    ...rest,
  }
}

function plan(halves: OldFacts[], more: Partial<MoveFacts> = {}) {
  const made = planMove({ halves, releases: none, installed: undefined, goOn: new Set(), ...more })
  const lines = made.notes.flatMap(({ notes }) => notes)
  const about = (subject: string) => lines.filter((note) => note.subject.startsWith(subject)).map((note) => note.became)
  return { ...made, lines, about, refused: refusedIn(made, new Set()).map(({ accept }) => accept) }
}

describe('a fluxd of its chart, with a repository and nothing else', () => {
  const { values, copies, refused, about } = plan([factsOf(fluxd())])

  it('comes to values that do the same, and every default that differs is written', () => {
    expect(values).toEqual({
      logFormat: 'fmt',
      enable: ['sync', 'images'],
      git: {
        url: 'git@github.com:you/cluster.git',
        branch: 'master',
        readonly: false,
        user: 'Weave Flux',
        email: 'support@weave.works',
        verifySignatures: false,
        setAuthor: false,
        pollInterval: '5m',
        timeout: '20s',
        ciSkip: false,
        secretName: 'capstan-flux-git-deploy',
      },
      ssh: { keygen: { format: 'RFC4716' } },
      sync: { interval: '5m', state: 'git' },
      registry: { automationInterval: '5m', rps: 200, burst: 125, trace: false },
      defaultNamespace: 'default',
      clusterRole: { create: true },
    })
  })

  it('copies the Secret that fluxd filled, since helm uninstall takes it along', () =>
    expect(copies).toEqual([
      { kind: 'Secret', from: { namespace: 'flux', name: 'flux-git-deploy' }, name: 'capstan-flux-git-deploy' },
    ]))

  it('refuses nothing, and says what has no more work', () => {
    expect(refused).toEqual([])
    expect(about('--memcached-hostname')).toEqual(['replaced'])
    expect(about('--ssh-keygen-dir')).toEqual(['dropped'])
  })

  it('says that what is ours to choose is ours', () => {
    const pod = { securityContext: { fsGroup: 101 }, imagePullSecrets: [{ name: 'x' }], hostNetwork: false }
    const { about: lineOf } = plan([factsOf(fluxd({ pod }))])
    expect(lineOf('pod field')).toEqual(['replaced', 'replaced'])
  })

  it('has a line for every flag, mount and variable', () => {
    for (const arg of readOldDeployment(fluxd())?.argv ?? [])
      if (!arg.startsWith('--k8s-secret-name')) expect(about(arg.replace(/=.*/, '')), arg).toHaveLength(1)
    for (const path of ['/root/.kubectl', '/etc/fluxd/ssh', '/var/fluxd/keygen', 'variable KUBECONFIG'])
      expect(about(path), path).toHaveLength(1)
  })
})

describe('a Helm Operator of its chart, with its defaults', () => {
  const { values, refused, about } = plan([factsOf(operator())])

  it('comes to values that do the same, for releases alone', () =>
    expect(values).toEqual({
      logFormat: 'fmt',
      enable: ['releases'],
      git: { timeout: '20s', pollInterval: '5m' },
      chartsSyncInterval: '3m',
      updateChartDeps: true,
      logReleaseDiffs: false,
      workers: 4,
      clusterRole: { create: true },
    }))

  it('refuses nothing, and leaves its empty deploy key and Tiller behind', () => {
    expect(refused).toEqual([])
    expect(about('/etc/fluxd/ssh')).toEqual(['dropped'])
    expect(about('--tiller-namespace')).toEqual(['dropped'])
  })
})

type Row = [fact: string, object: KubeObject, path: string, value: unknown]

const rows: Row[] = [
  ['folders', fluxd({ args: ['--git-path=base,live/eu'] }), 'git.path', ['base', 'live/eu']],
  ['folders given twice', fluxd({ args: ['--git-path=a', '--git-path=b'] }), 'git.path', ['a', 'b']],
  ['a label', fluxd({ args: ['--git-label=flux-eu'] }), 'git.label', 'flux-eu'],
  ['a tag, for which there is no value', fluxd({ args: ['--git-sync-tag=t'] }), 'additionalArgs', ['--git-sync-tag=t']],
  ['deleting', fluxd({ args: ['--sync-garbage-collection'] }), 'syncGarbageCollection.enabled', true],
  [
    'a list that was emptied',
    fluxd({ args: ['--registry-exclude-image='] }),
    'additionalArgs',
    ['--registry-exclude-image='],
  ],
  ['the state in a Secret', fluxd({ args: ['--sync-state=secret'] }), 'sync.state', 'secret'],
  ['generators', fluxd({ args: ['--manifest-generation=true'] }), 'manifestGeneration', true],
  [
    'namespaces',
    fluxd({ args: ['--k8s-allow-namespace=a,b', '--k8s-namespace-whitelist=c'] }),
    'allowedNamespaces',
    ['a', 'b', 'c'],
  ],
  [
    'excluded kinds',
    fluxd({ args: ['--k8s-unsafe-exclude-resource=v1/Event,apps/*'] }),
    'additionalArgs',
    ['--k8s-unsafe-exclude-resource=v1/Event,apps/*'],
  ],
  [
    'an interval under its old name',
    fluxd({ args: ['--registry-poll-interval=9m'] }),
    'registry.automationInterval',
    '5m',
  ],
  [
    'a user whose password is in a variable',
    fluxd({ args: ['--git-url=https://$(GIT_AUTHUSER):$(GIT_AUTHKEY)@git.example/a.git'] }),
    'git.url',
    'https://$(GIT_AUTHUSER)@git.example/a.git',
  ],
  [
    'a proxy',
    fluxd({ env: [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }] }),
    'extraEnvs',
    [{ name: 'HTTPS_PROXY', value: 'http://proxy:3128' }],
  ],
  [
    'a text that is a secret',
    fluxd({ env: [{ name: 'GIT_AUTHKEY', value: 'geheim' }] }),
    'extraEnvs',
    [{ name: 'GIT_AUTHKEY', valueFrom: { secretKeyRef: { name: 'capstan-env', key: 'GIT_AUTHKEY' } } }],
  ],
  [
    'tolerations',
    fluxd({ pod: { tolerations: [{ key: 'ops', operator: 'Exists' }] } }),
    'tolerations',
    [{ key: 'ops', operator: 'Exists' }],
  ],
  [
    'a label of the pod',
    fluxd({ meta: { labels: { app: 'flux', release: 'flux', team: 'blue' } } }),
    'podLabels',
    { team: 'blue' },
  ],
  ['a scraped pod', fluxd({ meta: { annotations: { 'prometheus.io/scrape': 'true' } } }), 'prometheus.enabled', true],
  [
    'keys for signatures',
    fluxd({
      args: ['--git-gpg-key-import=/root/gpg-import/private'],
      mounts: [
        [
          { name: 'gpg', secret: { secretName: 'signing' } },
          { name: 'gpg', mountPath: '/root/gpg-import/private' },
        ],
      ],
    }),
    'gpgKeys.secretName',
    'signing',
  ],
  [
    'logins of registries below another key',
    fluxd({
      args: ['--docker-config=/dockercfg/config.json'],
      mounts: [
        [
          { name: 'd', secret: { secretName: 'regcred', items: [{ key: '.dockerconfigjson', path: 'config.json' }] } },
          { name: 'd', mountPath: '/dockercfg/' },
        ],
      ],
    }),
    'registry.dockercfg',
    { enabled: true, secretName: 'regcred', configFileName: '/dockercfg/.dockerconfigjson' },
  ],
  [
    'host keys',
    fluxd({
      mounts: [
        [
          { name: 'sshdir', configMap: { name: 'flux-ssh-config' } },
          { name: 'sshdir', mountPath: '/root/.ssh' },
        ],
      ],
    }),
    'git.knownHosts',
    'git.example ssh-ed25519 AAAA',
  ],
  [
    'any other Secret',
    fluxd({
      mounts: [
        [
          { name: 'x', secret: { secretName: 'sops-age' } },
          { name: 'x', mountPath: '/etc/age' },
        ],
      ],
    }),
    'extraVolumes',
    [{ name: 'x', secret: { secretName: 'sops-age' } }],
  ],
  ['one namespace of HelmReleases', operator({ args: ['--allow-namespace=apps'] }), 'allowNamespace', 'apps'],
  ['another default ref', operator({ args: ['--git-default-ref=main'] }), 'git.defaultRef', 'main'],
  [
    'logins of chart repositories',
    operator({
      args: [
        '--helm-repository-import=v2:/root/.helm/repository/repositories.yaml',
        '--helm-repository-import=v3:/root/.helm/repository/repositories.yaml',
      ],
      mounts: [
        [
          { name: 'r', secret: { secretName: 'flux-helm-repositories' } },
          { name: 'r', mountPath: '/root/.helm/repository/repositories.yaml', subPath: 'repositories.yaml' },
        ],
      ],
    }),
    'configureRepositories',
    { enable: true, secretName: 'flux-helm-repositories' },
  ],
]

const hostKeys: [string, OldFile] = [
  'ConfigMap/flux-ssh-config',
  {
    keys: ['known_hosts', 'config'],
    goesWithAncestor: true,
    data: { known_hosts: 'git.example ssh-ed25519 AAAA\n', config: '# none\n' },
  },
]

describe('what comes to a value', () => {
  it.each(rows)('%s', (_fact, object, path, value) => {
    const { values, refused } = plan([factsOf(object, { more: [hostKeys] })])
    expect(path.split('.').reduce<unknown>((at, key) => (at as Raw | undefined)?.[key], values)).toEqual(value)
    expect(refused).toEqual([])
  })

  it('holds no secret: a password in a URL and in a variable go into Secrets of ours', () => {
    const made = plan([
      factsOf(
        fluxd({
          args: ['--git-url=https://me:gehe%40im@git.example/a.git'],
          env: [{ name: 'PROXY', value: 'http://u:geheim2@proxy' }],
        }),
      ),
    ])
    expect(made.values.git).toMatchObject({
      url: 'https://me@git.example/a.git',
      httpsUsername: 'me',
      httpsSecretName: 'capstan-git-login',
    })
    expect(made.secrets).toEqual({
      'capstan-git-login': { token: 'gehe@im' },
      'capstan-env': { PROXY: 'http://u:geheim2@proxy' },
    })
    expect(JSON.stringify([made.values, made.notes])).not.toMatch(/gehe/)
  })
})

const root = (path: string, volume: Raw): Changes => ({
  mounts: [
    [
      { name: 'x', ...volume },
      { name: 'x', mountPath: path },
    ],
  ],
})
const refusals: [fact: string, object: KubeObject, accept: string][] = [
  ['a git configuration', fluxd(root('/root/.gitconfig', { secret: { secretName: 'g' } })), 'git-config'],
  ['a .netrc', fluxd(root('/root/.netrc', { secret: { secretName: 'n' } })), 'netrc'],
  ['plugins of helm', operator(root('/var/fluxd/helm/plugins', { emptyDir: {} })), 'helm-plugins'],
  ['a folder of the node', fluxd(root('/data', { hostPath: { path: '/data' } })), 'mount:/data'],
  ["azure's login of the node", fluxd(root('/etc/kubernetes/azure.json', { hostPath: { path: '/a' } })), 'azure'],
  [
    'something in the home of root',
    fluxd(root('/root/.config/x', { secret: { secretName: 'x' } })),
    'mount:/root/.config/x',
  ],
  ['a container beside it', fluxd({ pod: { initContainers: [{ name: 'wait' }] } }), 'container:wait'],
  ['keys that nothing mounts', fluxd({ args: ['--git-gpg-key-import=/keys'] }), 'git-gpg-key-import'],
  ["the node's network", fluxd({ pod: { hostNetwork: true } }), 'field:hostNetwork'],
  ['a kubeconfig', operator({ args: ['--kubeconfig=/etc/kube'] }), 'kubeconfig'],
]

describe('what is refused, and never dropped in silence', () => {
  it.each(refusals)('%s', (_fact, object, accept) => {
    const made = plan([factsOf(object)])
    expect(made.refused).toEqual([accept])
    expect(refusedIn(made, new Set([accept]))).toEqual([])
  })

  it('an ssh configuration with lines in it', () => {
    const mounts: [Raw, Raw][] = [
      [
        { name: 's', configMap: { name: 'c' } },
        { name: 's', mountPath: '/root/.ssh' },
      ],
    ]
    const file: OldFile = { keys: ['config'], goesWithAncestor: false, data: { config: 'Host a\n  User b\n' } }
    expect(plan([factsOf(fluxd({ mounts }), { more: [['ConfigMap/c', file]] })]).refused).toEqual(['ssh-config'])
  })

  it('an argument that nobody knows', () =>
    expect(plan([factsOf(fluxd(), { problems: ['unknown flag --x'] })]).refused).toEqual(['arguments']))
})

describe('rights', () => {
  it('stay those of some namespaces', () => {
    const made = plan([factsOf(fluxd({ args: ['--k8s-allow-namespace=a'] }), { isClusterWide: false })])
    expect(made.values.clusterRole).toEqual({ create: false })
  })

  it('keep the identity of a cloud', () => {
    const role = { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::1:role/flux' }
    expect(plan([factsOf(fluxd(), { accountAnnotations: { ...role, other: 'x' } })]).values.serviceAccount).toEqual({
      annotations: role,
    })
  })
})

describe('both ancestors', () => {
  it('come to one list of values, with the shorter interval and the longer timeout', () => {
    const made = plan([
      factsOf(fluxd({ args: ['--git-timeout=1m'] })),
      factsOf(operator({ args: ['--git-poll-interval=1m'] })),
    ])
    expect(made.values).toMatchObject({
      enable: ['sync', 'images', 'releases'],
      git: { pollInterval: '1m', timeout: '1m' },
      clusterRole: { create: true },
    })
    expect(made.about('value git.')).toEqual(['differs', 'differs'])
  })

  it('moved one after the other: the second half is added to what is installed', () => {
    const first = plan([factsOf(fluxd({ args: ['--git-sync-tag=t'] }))]).values
    const second = plan([factsOf(operator({ args: ['--listen-metrics=:3031'] }))], { installed: first })
    expect(second.values).toMatchObject({
      enable: ['sync', 'images', 'releases'],
      git: { url: 'git@github.com:you/cluster.git' },
      additionalArgs: ['--git-sync-tag=t', '--listen-metrics=:3031'],
      workers: 4,
    })
  })

  it('moved again: what is read now counts, not what is installed', () => {
    const installed = plan([factsOf(fluxd())]).values
    const again = plan([factsOf(fluxd({ args: ['--git-branch=main'] }))], { installed })
    expect(again.values).toMatchObject({ git: { branch: 'main' }, enable: ['sync', 'images'] })
  })

  it('with a deploy key each are refused, since one would be lost', () => {
    const files: [string, OldFile][] = [
      ['Secret/helm-operator-git-deploy', { keys: ['identity'], goesWithAncestor: false, data: {} }],
    ]
    expect(plan([factsOf(fluxd()), factsOf(operator(), { more: files })]).refused).toEqual(['git.secretName'])
  })

  it('in another namespace than ours: its Secrets are copied', () => {
    const files: [string, OldFile][] = [
      ['Secret/helm-operator-git-deploy', { keys: ['identity'], goesWithAncestor: false, data: {} }],
    ]
    const made = plan([factsOf(operator({ namespace: 'helm' }), { more: files })])
    expect(made.copies).toEqual([
      {
        kind: 'Secret',
        from: { namespace: 'helm', name: 'helm-operator-git-deploy' },
        name: 'capstan-helm-operator-git-deploy',
      },
    ])
  })
})
