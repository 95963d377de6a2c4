import { expect } from 'vitest'
import { readOldDeployment } from '../../src/domain/migrate/old-deployment.ts'
import type { OldFacts, OldFile } from '../../src/domain/migrate/old-facts.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import type { ReleaseFacts } from '../../src/domain/migrate/releases.ts'
import { fluxd, operator } from './shapes.ts'

/** What our tables say of a flag; here only of those that they say something else of than "same". */
const became: Record<string, string> = {
  'memcached-hostname': 'replaced by `--redis-url`',
  'memcached-service': 'replaced by `--redis-url`',
  'status-update-interval': 'not applicable',
  'tiller-namespace': 'not applicable',
  'k8s-unsafe-exclude-resource': 'differs',
  workers: 'differs',
}

/** A cluster without HelmReleases. */
export const noReleases: ReleaseFacts = { helmReleases: [], legacy: 0, stored: new Map(), definition: undefined }
const kubeConfig = 'contexts:\n- context:\n    cluster: ""\n    namespace: default\n    user: ""\n  name: default\n'
const usualFiles: [string, OldFile][] = [
  ['Secret/flux-git-deploy', { keys: ['identity'], goesWithAncestor: true, data: {} }],
  ['Secret/helm-operator-git-deploy', { keys: [], goesWithAncestor: true, data: {} }],
  ['ConfigMap/flux-kube-config', { keys: ['config'], goesWithAncestor: true, data: { config: kubeConfig } }],
]

/** What is read of a Deployment, with the files that its chart makes beside it. */
export function factsOf(object: KubeObject, more: Partial<OldFacts> & { more?: [string, OldFile][] } = {}): OldFacts {
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

type Row = [fact: string, object: KubeObject, path: string, value: unknown]

/** A Deployment that somebody's values changed, and the value of our chart that it comes to. */
export const rows: Row[] = [
  ['folders', fluxd({ args: ['--git-path=base,live/eu'] }), 'git.path', ['base', 'live/eu']],
  [
    'a container that ran before',
    fluxd({ pod: { initContainers: [{ name: 'wait', image: 'busybox:1' }] } }),
    'initContainers',
    [{ name: 'wait', image: 'busybox:1' }],
  ],
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
    'a user and a password that are in variables',
    fluxd({ args: ['--git-url=https://$(GIT_AUTHUSER):$(GIT_AUTHKEY)@git.example/a.git'] }),
    'git.url',
    'https://$(GIT_AUTHUSER):$(GIT_AUTHKEY)@git.example/a.git',
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
    'a git configuration',
    fluxd({
      mounts: [
        [
          { name: 'git-config', secret: { secretName: 'flux-git-config' } },
          { name: 'git-config', mountPath: '/root/.gitconfig', subPath: 'gitconfig' },
        ],
      ],
    }),
    'git.config',
    { enabled: true, secretName: 'flux-git-config' },
  ],
  [
    'a git configuration below another key',
    operator({
      mounts: [
        [
          { name: 'git-config', secret: { secretName: 'mine' } },
          { name: 'git-config', mountPath: '/root/.gitconfig', subPath: '.gitconfig' },
        ],
      ],
    }),
    'additionalArgs',
    ['--git-config-file=/etc/capstan/old-git-config-file/gitconfig'],
  ],
  [
    'logins by host',
    fluxd({
      mounts: [
        [
          { name: 'netrc', secret: { secretName: 'flux-netrc' } },
          { name: 'netrc', mountPath: '/root/.netrc', subPath: '.netrc' },
        ],
      ],
    }),
    'git.netrcSecretName',
    'flux-netrc',
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
  ['a format of the log that is none', operator({ args: ['--log-format=logfmt'] }), 'logFormat', 'logfmt'],
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

/** The ConfigMap of one of them. */
export const hostKeys: [string, OldFile] = [
  'ConfigMap/flux-ssh-config',
  {
    keys: ['known_hosts', 'config'],
    goesWithAncestor: true,
    data: { known_hosts: 'git.example ssh-ed25519 AAAA\n', config: '# none\n' },
  },
]
