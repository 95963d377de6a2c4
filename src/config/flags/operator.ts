import type { Flag } from '../flag.ts'

const noTiller = 'helm 2 is not supported'

/** The Helm Operator's flags that fluxd does not have, with its defaults (helm-operator §8.1). */
export const operatorFlags = {
  workers: { type: 'number', default: 2, doc: 'How many releases are worked on at the same time.' },
  kubeconfig: {
    type: 'string',
    default: '',
    defaultDoc: '`$KUBECONFIG`, `~/.kube/config`, or the service account of the pod',
    doc: 'A kubeconfig file.',
  },
  master: {
    type: 'string',
    default: '',
    state: 'ignored',
    why: 'name the server in a kubeconfig',
    doc: 'Address of the API server.',
  },
  'allow-namespace': {
    type: 'string',
    default: '',
    doc: 'The one namespace in which HelmReleases are looked for; all when empty.',
  },
  'charts-sync-interval': { type: 'duration', default: '3m', doc: 'How often every release is looked at again.' },
  'status-update-interval': {
    type: 'duration',
    default: '10s',
    state: 'ignored',
    why: 'the status follows what helm stores at once',
    doc: 'How often the status of releases is updated.',
  },
  'log-release-diffs': {
    type: 'switch',
    default: false,
    doc: 'Log what an upgrade changed, one line an object, with secrets masked.',
  },
  'update-chart-deps': { type: 'switch', default: true, doc: 'Update the dependencies of charts from git.' },
  'git-default-ref': { type: 'string', default: 'master', doc: 'Ref of a chart from git that names none.' },
  'enabled-helm-versions': {
    type: 'list',
    default: ['v2', 'v3'],
    env: ['HELM_VERSION'],
    doc: 'Helm versions that releases may ask for. v2 is accepted, also alone, and not supported.',
  },
  'helm-repository-import': {
    type: 'list',
    default: [],
    doc: 'repositories.yaml files with the logins and certificates of chart repositories, as v3:/path; read again when they change.',
  },
  'tiller-ip': { type: 'string', default: '', state: 'ignored', why: noTiller, doc: 'Address of Tiller.' },
  'tiller-port': { type: 'string', default: '', state: 'ignored', why: noTiller, doc: 'Port of Tiller.' },
  'tiller-namespace': {
    type: 'string',
    default: 'kube-system',
    state: 'ignored',
    why: noTiller,
    doc: 'Namespace of Tiller.',
  },
  'tiller-tls-verify': { type: 'switch', default: false, state: 'ignored', why: noTiller, doc: 'Verify Tiller.' },
  'tiller-tls-enable': { type: 'switch', default: false, state: 'ignored', why: noTiller, doc: 'TLS to Tiller.' },
  'tiller-tls-key-path': {
    type: 'string',
    default: '/etc/fluxd/helm/tls.key',
    state: 'ignored',
    why: noTiller,
    doc: 'Key for Tiller.',
  },
  'tiller-tls-cert-path': {
    type: 'string',
    default: '/etc/fluxd/helm/tls.crt',
    state: 'ignored',
    why: noTiller,
    doc: 'Certificate for Tiller.',
  },
  'tiller-tls-ca-cert-path': { type: 'string', default: '', state: 'ignored', why: noTiller, doc: 'CA of Tiller.' },
  'tiller-tls-hostname': { type: 'string', default: '', state: 'ignored', why: noTiller, doc: 'Name of Tiller.' },
  'convert-tiller-out-cluster': {
    type: 'switch',
    default: false,
    state: 'ignored',
    why: noTiller,
    doc: 'Where Tiller ran.',
  },
  'convert-release-storage': {
    type: 'string',
    default: 'secrets',
    state: 'ignored',
    why: noTiller,
    doc: 'Storage of Tiller.',
  },
} as const satisfies Record<string, Flag>
