import type { KubeObject } from '../../src/domain/manifest/object.ts'

export type Raw = Record<string, unknown>
/** What a values file changed in a Deployment of an ancestor's chart. */
export type Changes = { args?: string[]; env?: Raw[]; mounts?: [Raw, Raw][]; pod?: Raw; meta?: Raw; namespace?: string }

const key: [Raw, Raw] = [
  { name: 'git-key', secret: { secretName: 'flux-git-deploy', defaultMode: 256 } },
  { name: 'git-key', mountPath: '/etc/fluxd/ssh', readOnly: true },
]
const keygen: [Raw, Raw] = [
  { name: 'git-keygen', emptyDir: { medium: 'Memory' } },
  { name: 'git-keygen', mountPath: '/var/fluxd/keygen' },
]
const kubedir: [Raw, Raw] = [
  { name: 'kubedir', configMap: { name: 'flux-kube-config' } },
  { name: 'kubedir', mountPath: '/root/.kubectl' },
]
const operatorKey: [Raw, Raw] = [
  { name: 'git-key', secret: { secretName: 'helm-operator-git-deploy' } },
  { name: 'git-key', mountPath: '/etc/fluxd/ssh', readOnly: true },
]

function deployment(name: string, image: string, args: string[], changes: Changes): KubeObject {
  const mounts = changes.mounts ?? []
  const container = {
    name,
    image,
    args: [...args, ...(changes.args ?? [])],
    env: changes.env ?? [],
    volumeMounts: mounts.map(([, mount]) => mount),
  }
  const template = {
    metadata: { labels: { app: name, release: name }, ...changes.meta },
    spec: {
      serviceAccountName: name,
      nodeSelector: { 'beta.kubernetes.io/os': 'linux' },
      containers: [container],
      volumes: mounts.map(([volume]) => volume),
      ...changes.pod,
    },
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: changes.namespace ?? 'flux', labels: { app: name, heritage: 'Helm', release: name } },
    spec: { replicas: 1, strategy: { type: 'Recreate' }, selector: { matchLabels: { app: name } }, template },
  }
}

/** As the chart flux 1.14 renders it with a git.url and nothing else. */
export function fluxd(changes: Changes = {}): KubeObject {
  const args = [
    '--log-format=fmt',
    '--ssh-keygen-dir=/var/fluxd/keygen',
    '--ssh-keygen-format=RFC4716',
    '--k8s-secret-name=flux-git-deploy',
    '--memcached-hostname=flux-memcached',
    '--sync-state=git',
    '--memcached-service=',
    '--git-url=git@github.com:you/cluster.git',
    '--git-branch=master',
    '--git-path=',
    '--git-readonly=false',
    '--git-user=Weave Flux',
    '--git-email=support@weave.works',
    '--git-verify-signatures=false',
    '--git-set-author=false',
    '--git-poll-interval=5m',
    '--git-timeout=20s',
    '--sync-interval=5m',
    '--git-ci-skip=false',
    '--automation-interval=5m',
    '--registry-rps=200',
    '--registry-burst=125',
    '--registry-trace=false',
  ]
  const mounts = [kubedir, key, keygen, ...(changes.mounts ?? [])]
  const env = [{ name: 'KUBECONFIG', value: '/root/.kubectl/config' }, ...(changes.env ?? [])]
  return deployment('flux', 'docker.io/fluxcd/flux:1.25.4', args, { ...changes, mounts, env })
}

/** As the chart helm-operator 1.4 renders it with its defaults. */
export function operator(changes: Changes = {}): KubeObject {
  const args = [
    '--enabled-helm-versions=v2,v3',
    '--log-format=fmt',
    '--git-timeout=20s',
    '--git-poll-interval=5m',
    '--charts-sync-interval=3m',
    '--status-update-interval=30s',
    '--update-chart-deps=true',
    '--log-release-diffs=false',
    '--workers=4',
    '--tiller-namespace=kube-system',
  ]
  const mounts = [operatorKey, ...(changes.mounts ?? [])]
  return deployment('helm-operator', 'docker.io/fluxcd/helm-operator:1.4.4', args, { ...changes, mounts })
}
