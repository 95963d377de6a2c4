import { describe, expect, it } from 'vitest'
import { factsOf, hostKeys, noReleases, rows } from '../../../test/migrate/rows.ts'
import { type Changes, fluxd, operator, type Raw } from '../../../test/migrate/shapes.ts'
import type { KubeObject } from '../manifest/object.ts'
import { readOldDeployment } from './old-deployment.ts'
import type { OldFacts, OldFile } from './old-facts.ts'
import { type MoveFacts, planMove, refusedIn } from './plan-move.ts'

function plan(halves: OldFacts[], more: Partial<MoveFacts> = {}) {
  const made = planMove({ halves, releases: noReleases, installed: undefined, goOn: new Set(), ...more })
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
