/** How a tool can arrive, each tried in the order that its row says. */
export type Way = 'path' | 'official' | 'go' | 'apt'

export type ToolName =
  | 'git'
  | 'etcd'
  | 'redis-server'
  | 'docker-registry'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubectl'
  | 'helm'
  | 'helm4'
  | 'kwok'
  | 'kustomize'
  | 'git-secret'
  | 'gpg'
  | 'sops'
  | 'sshd'
  | 'fluxctl'

/** A release file, and where its publisher says what its SHA-256 is. */
export type OfficialFile = {
  url: string
  /** A text with the sum, alone or in a list of `<sum>  <file>` lines. */
  sums: string
  /** The program's path inside a `.tar.gz`; the file is the program itself when left out. */
  member?: string
}

/** A program built from the Go module proxy. */
export type GoSource = {
  module: string
  version: string
  package: string
  ldflags: readonly string[]
  /** The module requires siblings as `v0.0.0` and replaces them by folders; they are published under this version. */
  staging?: string
  /** The module is old and builds only with the versions that its go.mod replaces others by; a folder's published version is said here. */
  replaces?: Readonly<Record<string, string>>
  /** On two cores with nothing cached. */
  minutes: number
}

export type Platform = { os: 'linux' | 'darwin'; arch: 'amd64' | 'arm64' }

/** One pinned tool. */
export type Tool = {
  name: ToolName
  /** What is installed where nothing fitting is found. */
  version: string
  /** Names on PATH, the first that fits is taken. */
  commands: readonly string[]
  versionArgs: readonly string[]
  /** Versions found on PATH that will do: `from` included, `below` not. */
  fits: { from: string; below: string }
  ways: readonly Way[]
  official?: (platform: Platform) => OfficialFile | undefined
  go?: GoSource
  /** Name of the Debian package. */
  apt?: string
  /** What a person can do, as one sentence. */
  byHand: string
}

const kubernetes = '1.36.3'
const helm = '3.22.0'
const helm4 = '4.3.1'
const kwok = '0.8.0'
// 5.8.3 needs Go 1.27 where it has to be built.
const kustomize = '5.8.2'
const sops = '3.13.3'
const etcd = '3.6.15'
const distribution = '3.1.2'
const fluxctl = '1.25.4'

/** The one table of tools. Versions are changed here and nowhere else. */
export const tools: Readonly<Record<ToolName, Tool>> = {
  git: {
    name: 'git',
    version: '2.30.0 or newer',
    commands: ['git'],
    versionArgs: ['--version'],
    fits: { from: '2.30.0', below: '4.0.0' },
    ways: ['path', 'apt'],
    apt: 'git',
    byHand: 'Install git 2.30 or newer (https://git-scm.com).',
  },
  etcd: {
    name: 'etcd',
    version: etcd,
    commands: ['etcd'],
    versionArgs: ['--version'],
    // 3.4.23 serves kube-apiserver 1.36.3; the server then falls back from consistent reads on its own.
    fits: { from: '3.4.0', below: '4.0.0' },
    ways: ['path', 'apt', 'go'],
    apt: 'etcd-server',
    go: {
      module: 'go.etcd.io/etcd/server/v3',
      version: `v${etcd}`,
      package: 'go.etcd.io/etcd/server/v3',
      ldflags: [],
      minutes: 2,
    },
    byHand:
      'Put etcd 3.4 or newer on PATH (https://github.com/etcd-io/etcd/releases; Debian: apt install etcd-server).',
  },
  'redis-server': {
    name: 'redis-server',
    version: '6.2 or newer',
    commands: ['redis-server', 'valkey-server'],
    versionArgs: ['--version'],
    fits: { from: '6.2.0', below: '10.0.0' },
    ways: ['path', 'apt'],
    apt: 'redis-server',
    byHand:
      'Put redis-server 6.2 or newer, or valkey-server, on PATH (Debian: apt install redis-server; macOS: brew install redis).',
  },
  'docker-registry': {
    name: 'docker-registry',
    version: distribution,
    commands: ['docker-registry', 'registry'],
    versionArgs: ['--version'],
    fits: { from: '2.7.0', below: '4.0.0' },
    ways: ['path', 'apt', 'go'],
    apt: 'docker-registry',
    go: {
      module: 'github.com/distribution/distribution/v3',
      version: `v${distribution}`,
      package: 'github.com/distribution/distribution/v3/cmd/registry',
      ldflags: [],
      minutes: 3,
    },
    byHand:
      'Put docker-registry 2.7 or newer on PATH (Debian: apt install docker-registry; or https://github.com/distribution/distribution/releases).',
  },
  'kube-apiserver': kubernetesTool('kube-apiserver', 6),
  'kube-controller-manager': kubernetesTool('kube-controller-manager', 2),
  'kube-scheduler': kubernetesTool('kube-scheduler', 1),
  kubectl: {
    ...kubernetesTool('kubectl', 1),
    versionArgs: ['version', '--client'],
    fits: { from: '1.35.0', below: '1.38.0' },
  },
  helm: helmTool({
    name: 'helm',
    version: helm,
    commands: ['helm'],
    fits: { from: '3.14.0', below: '4.0.0' },
    module: 'helm.sh/helm/v3',
    ldflags: [
      `-X helm.sh/helm/v3/internal/version.version=v${helm}`,
      '-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1',
      '-X helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=36',
    ],
    byHand: 'Put helm 3.14 or newer (not 4) on PATH (https://helm.sh/docs/intro/install).',
  }),
  helm4: helmTool({
    name: 'helm4',
    version: helm4,
    commands: ['helm4', 'helm'],
    fits: { from: '4.0.0', below: '5.0.0' },
    module: 'helm.sh/helm/v4',
    ldflags: [`-X helm.sh/helm/v4/internal/version.version=v${helm4}`],
    byHand: 'Put helm 4 on PATH as helm4 (https://helm.sh/docs/intro/install).',
  }),
  kwok: {
    name: 'kwok',
    version: kwok,
    commands: ['kwok'],
    versionArgs: ['--version'],
    fits: { from: '0.7.0', below: '1.0.0' },
    ways: ['path', 'official', 'go'],
    official: ({ os, arch }) => {
      const release = `https://github.com/kubernetes-sigs/kwok/releases/download/v${kwok}`
      return { url: `${release}/kwok-${os}-${arch}`, sums: `${release}/checksums.txt` }
    },
    go: {
      module: 'sigs.k8s.io/kwok',
      version: `v${kwok}`,
      package: 'sigs.k8s.io/kwok/cmd/kwok',
      ldflags: [`-X sigs.k8s.io/kwok/pkg/consts.Version=v${kwok}`],
      minutes: 3,
    },
    byHand: `Put kwok 0.7 or newer on PATH (https://github.com/kubernetes-sigs/kwok/releases).`,
  },
  kustomize: {
    name: 'kustomize',
    version: kustomize,
    commands: ['kustomize'],
    versionArgs: ['version'],
    fits: { from: '5.0.0', below: '6.0.0' },
    ways: ['path', 'official', 'go'],
    official: ({ os, arch }) => {
      const release = `https://github.com/kubernetes-sigs/kustomize/releases/download/kustomize%2Fv${kustomize}`
      return {
        url: `${release}/kustomize_v${kustomize}_${os}_${arch}.tar.gz`,
        sums: `${release}/checksums.txt`,
        member: 'kustomize',
      }
    },
    go: {
      module: 'sigs.k8s.io/kustomize/kustomize/v5',
      version: `v${kustomize}`,
      package: 'sigs.k8s.io/kustomize/kustomize/v5',
      ldflags: [`-X sigs.k8s.io/kustomize/api/provenance.version=v${kustomize}`],
      minutes: 1,
    },
    byHand: 'Put kustomize 5 on PATH (https://github.com/kubernetes-sigs/kustomize/releases).',
  },
  'git-secret': {
    name: 'git-secret',
    version: '0.3.3 or newer',
    commands: ['git-secret'],
    versionArgs: ['--version'],
    fits: { from: '0.3.3', below: '1.0.0' },
    ways: ['path', 'apt'],
    apt: 'git-secret',
    byHand: 'Install git-secret (https://sobolevn.me/git-secret/installation; Debian: apt install git-secret).',
  },
  gpg: {
    name: 'gpg',
    version: '2.2 or newer',
    commands: ['gpg'],
    versionArgs: ['--version'],
    fits: { from: '2.2.0', below: '3.0.0' },
    ways: ['path', 'apt'],
    apt: 'gnupg',
    byHand: 'Install GnuPG 2.2 or newer (https://gnupg.org; Debian: apt install gnupg).',
  },
  sshd: {
    name: 'sshd',
    version: '9.2 or newer',
    commands: ['sshd'],
    versionArgs: ['-V'],
    // what it says reads as OpenSSL's version; before 9.2 it says nothing and fails
    fits: { from: '1.0.0', below: '100.0.0' },
    ways: ['path', 'apt'],
    apt: 'openssh-server',
    byHand: 'Install the server of OpenSSH 9.2 or newer (Debian: apt install openssh-server).',
  },
  fluxctl: {
    name: 'fluxctl',
    version: fluxctl,
    commands: ['fluxctl'],
    versionArgs: ['version'],
    fits: { from: '1.25.0', below: '2.0.0' },
    // its publisher gives no sums for its release files
    ways: ['path', 'go'],
    go: {
      module: 'github.com/fluxcd/flux',
      version: `v${fluxctl}`,
      package: 'github.com/fluxcd/flux/cmd/fluxctl',
      ldflags: [`-X main.version=${fluxctl}`],
      replaces: { 'github.com/fluxcd/flux/pkg/install': 'v0.0.0-20200206191601-8b676b003ab0' },
      minutes: 3,
    },
    byHand: 'Put fluxctl 1.25 on PATH (https://github.com/fluxcd/flux/releases).',
  },
  sops: {
    name: 'sops',
    version: sops,
    commands: ['sops'],
    versionArgs: ['--version', '--disable-version-check'],
    // From 3.10 on it reads standard input whatever that is.
    fits: { from: '3.10.0', below: '4.0.0' },
    ways: ['path', 'official', 'go'],
    official: ({ os, arch }) => {
      const release = `https://github.com/getsops/sops/releases/download/v${sops}`
      return { url: `${release}/sops-v${sops}.${os}.${arch}`, sums: `${release}/sops-v${sops}.checksums.txt` }
    },
    go: {
      module: 'github.com/getsops/sops/v3',
      version: `v${sops}`,
      package: 'github.com/getsops/sops/v3/cmd/sops',
      ldflags: [],
      minutes: 3,
    },
    byHand: 'Put sops 3.10 or newer on PATH (https://github.com/getsops/sops/releases).',
  },
}

function kubernetesTool(name: ToolName, minutes: number): Tool {
  const [major, minor] = kubernetes.split('.')
  // Without these the server calls itself v0.0.0-master, and charts with a kubeVersion fail.
  const ldflags = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((package_) => [
    `-X ${package_}.gitVersion=v${kubernetes}`,
    `-X ${package_}.gitMajor=${major}`,
    `-X ${package_}.gitMinor=${minor}`,
    `-X ${package_}.gitTreeState=clean`,
  ])
  return {
    name,
    version: kubernetes,
    commands: [name],
    versionArgs: ['--version'],
    fits: { from: '1.36.0', below: '1.37.0' },
    ways: ['path', 'official', 'go'],
    official: ({ os, arch }) => {
      if (os !== 'linux' && name !== 'kubectl') return undefined
      const url = `https://dl.k8s.io/v${kubernetes}/bin/${os}/${arch}/${name}`
      return { url, sums: `${url}.sha256` }
    },
    go: {
      module: 'k8s.io/kubernetes',
      version: `v${kubernetes}`,
      package: `k8s.io/kubernetes/cmd/${name}`,
      ldflags,
      staging: `v0.${minor}.${kubernetes.split('.')[2]}`,
      minutes,
    },
    byHand: `Put ${name} ${major}.${minor} on PATH (https://kubernetes.io/releases/download), or install Go 1.21 or newer so that it can be built (about 10 minutes).`,
  }
}

/** helm of one major version; its Go module stamps the versions in. */
function helmTool(
  given: Pick<Tool, 'name' | 'version' | 'commands' | 'fits' | 'byHand'> & Pick<GoSource, 'module' | 'ldflags'>,
): Tool {
  const { module, ldflags, ...tool } = given
  return {
    ...tool,
    versionArgs: ['version', '--short'],
    ways: ['path', 'official', 'go'],
    official: ({ os, arch }) => {
      const url = `https://get.helm.sh/helm-v${tool.version}-${os}-${arch}.tar.gz`
      return { url, sums: `${url}.sha256sum`, member: `${os}-${arch}/helm` }
    },
    go: { module, version: `v${tool.version}`, package: `${module}/cmd/helm`, ldflags, minutes: 3 },
  }
}
