import type { Flag } from '../flag.ts'

const noScanCache = 'images are scanned without memcached'

/** fluxd's flags with fluxd's defaults, to the letter (flux-v1 §26). */
export const fluxdFlags = {
  'log-format': {
    type: 'string',
    default: 'fmt',
    doc: 'Format of the log: `fmt` or `json`; what is neither counts as `fmt`.',
  },
  listen: { type: 'string', default: ':3030', short: 'l', doc: 'Address of API, probes, webhook and queue board.' },
  'listen-metrics': {
    type: 'string',
    default: '',
    doc: 'Another address for /metrics; without it they are served with the API.',
  },
  'kubernetes-kubectl': {
    type: 'string',
    default: '',
    state: 'ignored',
    why: 'no kubectl is run',
    doc: 'kubectl to use.',
  },
  version: { type: 'switch', default: false, doc: 'Print the version and exit.' },
  'k8s-verbosity': { type: 'number', default: 0, state: 'ignored', why: 'see --log-level', doc: 'klog verbosity.' },

  'git-url': {
    type: 'string',
    default: '',
    doc: 'Repository to keep applied; without it there is no source and releases still run.',
  },
  'git-branch': { type: 'string', default: 'master', doc: 'Branch to follow.' },
  'git-path': {
    type: 'list',
    default: [],
    doc: 'Folders or files inside the repository; the whole repository when none is given.',
  },
  'git-readonly': { type: 'switch', default: false, doc: 'Never push to the repository.' },
  'git-user': { type: 'string', default: 'Weave Flux', doc: 'Author of commits.' },
  'git-email': { type: 'string', default: 'support@weave.works', doc: 'E-mail address of the author of commits.' },
  'git-set-author': {
    type: 'switch',
    default: false,
    doc: 'Make the person who asks the author of the commit.',
  },
  'git-label': {
    type: 'string',
    default: '',
    doc: 'Names both the sync tag and the notes ref.',
  },
  'git-sync-tag': {
    type: 'string',
    default: 'flux-sync',
    doc: 'Tag that marks the synced commit.',
  },
  'git-notes-ref': {
    type: 'string',
    default: 'flux',
    doc: 'Ref of the notes on commits.',
  },
  'git-ci-skip': { type: 'switch', default: false, doc: 'Append "[ci skip]" to commit messages.' },
  'git-ci-skip-message': {
    type: 'string',
    default: '',
    doc: 'Text to append to commit messages so that CI skips them.',
  },
  'git-poll-interval': { type: 'duration', default: '5m', doc: 'How often the repository is asked for new commits.' },
  'git-timeout': { type: 'duration', default: '20s', doc: 'Time that one git operation may take.' },
  'git-secret': {
    type: 'switch',
    default: false,
    doc: 'Decrypt with git-secret before files are read.',
  },
  sops: {
    type: 'switch',
    default: false,
    doc: 'Decrypt files with sops before they are read.',
  },

  'git-gpg-key-import': {
    type: 'list',
    default: [],
    doc: 'Files, or folders of files, with GPG keys to import at the start.',
  },
  'git-signing-key': {
    type: 'string',
    default: '',
    doc: 'GPG key that signs commits and the sync tag; without a passphrase.',
  },
  'git-verify-signatures': {
    type: 'switch',
    default: false,
    doc: 'Deprecated: --git-verify-signatures-mode=all.',
  },
  'git-verify-signatures-mode': {
    type: 'choice',
    default: '',
    choices: ['', 'none', 'all', 'first-parent'],
    doc: 'Which commits must be signed by a known key.',
  },

  'sync-interval': {
    type: 'duration',
    default: '5m',
    doc: 'How often everything is compared again, also without a new commit.',
  },
  'sync-timeout': { type: 'duration', default: '1m', doc: 'Time that git and loading may take in one sync.' },
  'sync-garbage-collection': { type: 'switch', default: false, doc: 'Delete objects that left the repository.' },
  'sync-garbage-collection-dry': { type: 'switch', default: false, doc: 'Only log what would be deleted.' },
  'sync-state': {
    type: 'choice',
    default: 'git',
    choices: ['git', 'secret', 'cluster'],
    doc: 'Where the sync marker is kept.',
  },
  'manifest-generation': {
    type: 'switch',
    default: false,
    doc: 'Run the generators of .flux.yaml.',
  },

  'memcached-hostname': {
    type: 'string',
    default: 'memcached',
    state: 'ignored',
    why: noScanCache,
    doc: 'Host of memcached.',
  },
  'memcached-port': { type: 'number', default: 11211, state: 'ignored', why: noScanCache, doc: 'Port of memcached.' },
  'memcached-timeout': {
    type: 'duration',
    default: '1s',
    state: 'ignored',
    why: noScanCache,
    doc: 'Time for one request to memcached.',
  },
  'memcached-service': {
    type: 'string',
    default: 'memcached',
    state: 'ignored',
    why: noScanCache,
    doc: 'SRV service of memcached.',
  },
  'registry-disable-scanning': { type: 'switch', default: false, doc: 'Scan no image registry.' },
  'automation-interval': { type: 'duration', default: '5m', doc: 'How often image registries are asked for new tags.' },
  'registry-poll-interval': {
    type: 'duration',
    default: '5m',
    doc: 'Deprecated: --automation-interval, used when that one is not given.',
  },
  'registry-rps': {
    type: 'number',
    default: 50,
    doc: 'Requests a second to each registry host, until it asks for less.',
  },
  'registry-burst': {
    type: 'number',
    default: 10,
    doc: 'Requests at once to each registry host.',
  },
  'registry-trace': {
    type: 'switch',
    default: false,
    doc: 'Log each request to a registry.',
  },
  'registry-insecure-host': { type: 'list', default: [], doc: 'Registries that may be reached by plain HTTP.' },
  'registry-exclude-image': { type: 'list', default: ['k8s.gcr.io/*'], doc: 'Images not to scan, as glob patterns.' },
  'registry-include-image': {
    type: 'list',
    default: [],
    doc: 'Scan only these images, as glob patterns; all when none is given.',
  },
  'registry-use-labels': {
    type: 'list',
    default: ['index.docker.io/weaveworks/*', 'index.docker.io/fluxcd/*'],
    doc: 'Images whose labels give the time they were made, as glob patterns.',
  },
  'registry-ecr-region': {
    type: 'list',
    default: [],
    doc: 'Regions of ECR to scan; the one that Capstan runs in when none is given.',
  },
  'registry-ecr-include-id': {
    type: 'list',
    default: [],
    doc: 'ECR accounts to scan; all when none is given.',
  },
  'registry-ecr-exclude-id': {
    type: 'list',
    default: ['602401143452', '918309763551'],
    doc: 'ECR accounts not to scan.',
  },
  'registry-require': {
    type: 'list',
    default: [],
    choices: ['ecr'],
    doc: 'Exit at the start when this registry cannot be used.',
  },
  'docker-config': {
    type: 'string',
    default: '',
    doc: 'A docker config file with logins and credential helpers; image pull secrets go before it.',
  },
  'registry-cache-expiry': {
    type: 'duration',
    default: '1h',
    state: 'ignored',
    why: 'fluxd ignored it too',
    doc: 'Nothing.',
  },

  'k8s-secret-name': {
    type: 'string',
    default: 'flux-git-deploy',
    doc: 'Secret that holds the deploy key.',
  },
  'k8s-secret-volume-mount-path': {
    type: 'string',
    default: '/etc/fluxd/ssh',
    doc: 'Where the Secret with the deploy key is mounted.',
  },
  'k8s-secret-data-key': { type: 'string', default: 'identity', doc: 'File of the deploy key below that mount.' },
  'k8s-allow-namespace': { type: 'list', default: [], doc: 'Namespaces that may be touched; all when none is given.' },
  'k8s-namespace-whitelist': {
    type: 'list',
    default: [],
    doc: 'Deprecated: --k8s-allow-namespace; both together count.',
  },
  'k8s-default-namespace': {
    type: 'string',
    default: '',
    defaultDoc: "the namespace of the kubeconfig's context, else `default`",
    doc: 'Namespace of objects that name none.',
  },
  'k8s-unsafe-exclude-resource': {
    type: 'list',
    default: ['*metrics.k8s.io/*', 'webhook.certmanager.k8s.io/*', 'v1/Event'],
    doc: 'Kinds to leave alone, as glob patterns of `group/version/Kind`; objects of them in git are neither applied nor deleted.',
  },
  'k8s-in-cluster': { type: 'switch', default: true, state: 'ignored', why: 'fluxd ignored it too', doc: 'Nothing.' },
  'kube-config': { type: 'string', default: '', doc: 'Deprecated: --kubeconfig.' },

  'ssh-keygen-bits': {
    type: 'string',
    default: '',
    defaultDoc: '4096 for rsa',
    doc: 'Bits of a new deploy key.',
  },
  'ssh-keygen-type': {
    type: 'string',
    default: '',
    defaultDoc: '`ed25519`, or `rsa` for hosts that take nothing else',
    doc: 'Type of a new deploy key.',
  },
  'ssh-keygen-format': {
    type: 'string',
    default: '',
    doc: 'Format of a new deploy key.',
  },
  'ssh-keygen-dir': {
    type: 'string',
    default: '',
    doc: 'Folder for a new deploy key.',
  },

  connect: {
    type: 'string',
    default: '',
    doc: 'Service that events are sent to as fluxd sent them, such as Fluxcloud: http, https, ws or wss; posted to its `/v6/events`. It may call Capstan as it called fluxd, over a WebSocket at its `/v11/daemon`.',
  },
  token: { type: 'string', default: '', doc: 'Token for that service.' },
  'rpc-timeout': {
    type: 'duration',
    default: '10s',
    doc: 'Time for one call of that service.',
  },
} as const satisfies Record<string, Flag>
