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
      compat: { openRefresh: true },
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
    expect(about('POST /api/flux/v11/notify')).toEqual(['differs'])
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
      compat: { openRefresh: true },
    }))

  it('refuses nothing, and leaves its empty deploy key and Tiller behind', () => {
    expect(refused).toEqual([])
    expect(about('/etc/fluxd/ssh')).toEqual(['dropped'])
    expect(about('--tiller-namespace')).toEqual(['dropped'])
    expect(about('POST /api/v1/sync-git')).toEqual(['differs'])
  })
})

describe('metrics', () => {
  it('are on our port, whatever port they had', () => {
    const meta = { annotations: { 'prometheus.io/port': '3031' } }
    const { values, about } = plan([factsOf(fluxd({ args: ['--listen-metrics=:3031'], meta }))])
    expect(values).not.toHaveProperty('additionalArgs')
    expect(about('--listen-metrics')).toEqual(['dropped'])
    expect(values.prometheus).toEqual({ enabled: true })
  })

  it('that nobody scrapes stay so', () => {
    const annotations = { 'prometheus.io/port': '3031', 'prometheus.io/scrape': 'false' }
    expect(plan([factsOf(fluxd({ meta: { annotations } }))]).values).not.toHaveProperty('prometheus')
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
/** Another container of the pod, and its volumes. */
const besides = (container: Raw, volumes: Raw[] = []): Raw => {
  const { spec } = fluxd() as unknown as { spec: { template: { spec: { containers: Raw[]; volumes: Raw[] } } } }
  return {
    containers: [...spec.template.spec.containers, container],
    volumes: [...spec.template.spec.volumes, ...volumes],
  }
}

function withSshConfig(text: string): OldFacts {
  const mounts: [Raw, Raw][] = [
    [
      { name: 's', configMap: { name: 'c' } },
      { name: 's', mountPath: '/root/.ssh' },
    ],
  ]
  const file: OldFile = { keys: ['config'], goesWithAncestor: true, data: { config: text } }
  return factsOf(fluxd({ mounts }), { more: [['ConfigMap/c', file]] })
}

describe('what git and ssh read in the home of root', () => {
  it.each([
    [
      'a git configuration',
      '/root/.gitconfig',
      { secret: { secretName: 'g' }, subPath: 'gitconfig' },
      { config: { enabled: true, secretName: 'g' } },
    ],
    ['a .netrc', '/root/.netrc', { secret: { secretName: 'n' }, subPath: '.netrc' }, { netrcSecretName: 'n' }],
  ])('%s in a Secret as our chart has it: by its value', (_, path, { secret, subPath }, git) => {
    const mounts: [Raw, Raw][] = [
      [
        { name: 'f', secret },
        { name: 'f', mountPath: path, subPath },
      ],
    ]
    const made = plan([factsOf(fluxd({ mounts }))])
    expect(made.refused).toEqual([])
    expect(made.values.git).toMatchObject(git)
    expect(made.values).not.toHaveProperty('additionalArgs')
  })

  it('a git configuration in a ConfigMap, or below another key: mounted beside, and named by the flag', () => {
    const made = plan([factsOf(fluxd(root('/root/.config/git', { configMap: { name: 'c' } })))])
    expect(made.refused).toEqual([])
    expect(made.values).toMatchObject({
      extraVolumes: [
        { name: 'old-git-config-file', configMap: { name: 'c', items: [{ key: 'config', path: 'gitconfig' }] } },
      ],
      extraVolumeMounts: [
        { name: 'old-git-config-file', mountPath: '/etc/capstan/old-git-config-file', readOnly: true },
      ],
      additionalArgs: ['--git-config-file=/etc/capstan/old-git-config-file/gitconfig'],
    })
  })

  it('says that credential helpers do not run, why, and what to do', () => {
    const { lines } = plan([factsOf(fluxd(root('/root/.gitconfig', { secret: { secretName: 'g' } })))])
    const line = lines.find(({ subject }) => subject.startsWith('/root/.gitconfig'))
    expect(line).toMatchObject({ became: 'differs' })
    expect(line?.text).toMatch(/Credential helpers.* do not run, because .*git\.httpsSecretName/)
  })

  it('an ssh configuration: the ConfigMap goes on, copied where it would go with the ancestor', () => {
    const made = plan([withSshConfig('Host a\n  User b\n  IdentityFile /etc/fluxd/ssh/identity\n')])
    expect(made.refused).toEqual([])
    expect(made.values.git).toMatchObject({ ssh: { configMapName: 'capstan-c', configMapKey: 'config' } })
    expect(made.copies).toContainEqual({ kind: 'ConfigMap', from: { namespace: 'flux', name: 'c' }, name: 'capstan-c' })
  })
})

describe('a container beside it', () => {
  const fluxcloud = {
    name: 'fluxcloud',
    image: 'justinbarrick/fluxcloud:v0.3.9',
    args: ['--x'],
    env: [
      { name: 'SLACK_URL', value: 'https://hooks.example/geheim' },
      { name: 'SLACK_CHANNEL', value: '#ops' },
      { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 's', key: 't' } } },
    ],
    volumeMounts: [{ name: 'other', mountPath: '/key' }],
  }
  const made = plan([
    factsOf(
      fluxd({ pod: besides(fluxcloud, [{ name: 'other', secret: { secretName: 'other-key', defaultMode: 256 } }]) }),
      { more: [['Secret/s', { keys: ['t'], goesWithAncestor: true, data: {} }]] },
    ),
  ])

  it('goes on beside Capstan, with its volumes and variables', () => {
    expect(made.refused).toEqual([])
    expect(made.about('container fluxcloud')).toEqual(['differs'])
    expect(made.values).toMatchObject({
      extraContainers: [
        {
          name: 'fluxcloud',
          image: 'justinbarrick/fluxcloud:v0.3.9',
          args: ['--x'],
          env: [
            {
              name: 'SLACK_URL',
              valueFrom: { secretKeyRef: { name: 'capstan-env', key: 'fluxcloud.SLACK_URL' } },
            },
            { name: 'SLACK_CHANNEL', value: '#ops' },
            { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'capstan-s', key: 't' } } },
          ],
          volumeMounts: [{ name: 'beside-other', mountPath: '/key' }],
        },
      ],
      extraVolumes: [{ name: 'beside-other', secret: { secretName: 'other-key', defaultMode: 256 } }],
    })
  })

  it('leaves no text that may be a secret in the values', () => {
    expect(made.secrets).toMatchObject({ 'capstan-env': { 'fluxcloud.SLACK_URL': 'https://hooks.example/geheim' } })
    expect(JSON.stringify([made.values, made.notes])).not.toMatch(/geheim/)
  })
})

const refusals: [fact: string, object: KubeObject, accept: string][] = [
  ['a git configuration of the node', fluxd(root('/root/.gitconfig', { hostPath: { path: '/g' } })), 'git-config'],
  ['a .netrc of the node', operator(root('/root/.netrc', { hostPath: { path: '/n' } })), 'netrc'],
  [
    'a container beside it that is root',
    fluxd({ pod: besides({ name: 'agent', securityContext: { runAsUser: 0 } }) }),
    'container:agent',
  ],
  [
    'a container beside it with a folder of the node',
    fluxd({
      pod: besides({ name: 'logs', volumeMounts: [{ name: 'v', mountPath: '/v' }] }, [
        { name: 'v', hostPath: { path: '/var/log' } },
      ]),
    }),
    'container:logs',
  ],
  ['plugins of helm', operator(root('/var/fluxd/helm/plugins', { emptyDir: {} })), 'helm-plugins'],
  ['a folder of the node', fluxd(root('/data', { hostPath: { path: '/data' } })), 'mount:/data'],
  ["azure's login of the node", fluxd(root('/etc/kubernetes/azure.json', { hostPath: { path: '/a' } })), 'azure'],
  [
    'something in the home of root',
    fluxd(root('/root/.config/x', { secret: { secretName: 'x' } })),
    'mount:/root/.config/x',
  ],
  [
    'a container before it that is root',
    fluxd({ pod: { initContainers: [{ name: 'own', securityContext: { runAsUser: 0 } }] } }),
    'container:own',
  ],
  [
    'what a container before it puts into the home of root',
    fluxd({
      ...root('/root/.tools', { emptyDir: {} }),
      pod: { initContainers: [{ name: 'get', volumeMounts: [{ name: 'x', mountPath: '/to' }] }] },
    }),
    'mount:/root/.tools',
  ],
  ['keys that nothing mounts', fluxd({ args: ['--git-gpg-key-import=/keys'] }), 'git-gpg-key-import'],
  ["the node's network", fluxd({ pod: { hostNetwork: true } }), 'field:hostNetwork'],
  ['a kubeconfig', operator({ args: ['--kubeconfig=/etc/kube'] }), 'kubeconfig'],
]

describe('a container that ran before', () => {
  const fetches = { name: 'get', image: 'busybox:1', command: ['cp', '-r', '/from', '/to'] }
  const made = plan([
    factsOf(
      fluxd({
        mounts: [
          [
            { name: 'tools', emptyDir: {} },
            { name: 'tools', mountPath: '/opt/tools', readOnly: true },
          ],
        ],
        pod: { initContainers: [{ ...fetches, volumeMounts: [{ name: 'tools', mountPath: '/to' }] }] },
      }),
    ),
  ])

  it('runs before Capstan, which finds what it put into a folder of both', () => {
    expect(made.refused).toEqual([])
    expect([made.about('init container get'), made.about('/opt/tools (emptyDir tools)')]).toEqual([
      ['differs'],
      ['same'],
    ])
    expect(made.values).toMatchObject({
      initContainers: [{ ...fetches, volumeMounts: [{ name: 'beside-tools', mountPath: '/to' }] }],
      extraVolumes: [{ name: 'beside-tools', emptyDir: {} }],
      extraVolumeMounts: [{ name: 'beside-tools', mountPath: '/opt/tools', readOnly: true }],
    })
  })
})

describe('plugins of helm', () => {
  const cache = { name: 'plugins-cache', emptyDir: {} }
  const mounted = { name: 'plugins-cache', mountPath: '/root/.local/share/helm/plugins', subPath: 'v3-config' }
  const installs = (name: string, script: string): Raw => ({
    name,
    command: ['sh', '-c', script],
    volumeMounts: [{ ...mounted, mountPath: '/root/.cache/helm/plugins' }],
  })
  const planned = (...before: Raw[]) =>
    plan([factsOf(operator({ mounts: [[cache, mounted]], pod: { initContainers: before } }))])

  it('are installed before Capstan as they were before the Operator', () => {
    const made = planned(
      installs('helm-plugin-init-00', 'helm3 plugin install https://github.com/hypnoglow/helm-s3.git --version 0.9.2'),
      installs('helm-plugin-init-01', 'helm2 plugin install https://github.com/a/b'),
      installs('helm-plugin-init-02', 'helm3 plugin install https://github.com/hayorov/helm-gcs'),
    )
    expect(made.refused).toEqual([])
    expect(made.values).toMatchObject({
      initPlugins: {
        enable: true,
        plugins: [
          { helmVersion: 'v3', plugin: 'https://github.com/hypnoglow/helm-s3.git', version: '0.9.2' },
          { helmVersion: 'v3', plugin: 'https://github.com/hayorov/helm-gcs' },
        ],
      },
    })
    expect(made.values).not.toHaveProperty('extraVolumes')
    expect(made.about('init container helm-plugin-init-01')).toEqual(['dropped'])
  })

  it.each([
    ['does more than that', 'helm3 plugin install https://a/b && curl https://a/c | sh'],
    ['is told what by a variable', 'helm3 plugin install $PLUGIN'],
    ['passes flags', 'helm3 plugin install --debug https://a/b'],
  ])('stay refused where a container %s', (_fact, script) =>
    expect(planned(installs('get', script)).refused).toEqual(['helm-plugins']),
  )
})

describe('what is refused, and never dropped in silence', () => {
  it.each(refusals)('%s', (_fact, object, accept) => {
    const made = plan([factsOf(object)])
    expect(made.refused).toEqual([accept])
    expect(refusedIn(made, new Set([accept]))).toEqual([])
  })

  it('an ssh configuration that names files in the home of root, and says which', () => {
    const made = plan([withSshConfig('Host a\n  IdentityFile /root/keys/a\n')])
    expect(made.refused).toEqual(['ssh-config'])
    expect(made.lines.find(({ accept }) => accept === 'ssh-config')?.text).toContain('names /root/keys/a')
    expect(made.values.git).not.toHaveProperty('ssh')
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

  it('of which one gave neither: its defaults count against what the other gave', () => {
    const bare = (half: OldFacts) => ({
      ...half,
      flags: half.flags.filter(({ name }) => !['git-poll-interval', 'git-timeout'].includes(name)),
    })
    const slow = factsOf(operator({ args: ['--git-poll-interval=30m', '--git-timeout=10s'] }))
    const counts = { pollInterval: '5m', timeout: '20s' }
    const made = plan([bare(factsOf(fluxd())), slow])
    expect(made.values.git).toMatchObject(counts)
    expect(made.about('value git.')).toEqual(['differs', 'differs'])
    const after = plan([bare(factsOf(fluxd()))], { installed: plan([slow]).values })
    expect(after.values.git).toMatchObject(counts)
    expect(plan([bare(factsOf(fluxd())), bare(factsOf(operator()))]).values.git).not.toHaveProperty('timeout')
  })

  it('moved one after the other: the second half is added to what is installed', () => {
    const first = plan([factsOf(fluxd({ args: ['--git-sync-tag=t'] }))]).values
    const second = plan([factsOf(operator())], { installed: first })
    expect(second.values).toMatchObject({
      enable: ['sync', 'images', 'releases'],
      git: { url: 'git@github.com:you/cluster.git' },
      additionalArgs: ['--git-sync-tag=t'],
      workers: 4,
    })
  })

  it('moved the other way round: flags are added to those that are there', () => {
    const first = { ...plan([factsOf(operator())]).values, additionalArgs: ['--api-rate=5'] }
    const second = plan([factsOf(fluxd({ args: ['--git-sync-tag=t'] }))], { installed: first })
    expect(second.values.additionalArgs).toEqual(['--api-rate=5', '--git-sync-tag=t'])
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
