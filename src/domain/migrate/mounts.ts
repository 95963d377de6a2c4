import { isShared, sharedMount } from './beside.ts'
import { gitConfig, netrcFile, sshConfig } from './git-files.ts'
import { areFilledByInstallers } from './helm-plugins.ts'
import { keyOf, type Mount } from './old-deployment.ts'
import { listedIn, type OldFacts, takenOver, valueOf, valuesOf } from './old-facts.ts'
import { joined, nothing, type Part, refusal, told } from './part.ts'

/** What is mounted into an ancestor, and what each comes to. First that matches counts. */
type Kind = { is: (mount: Mount, facts: OldFacts) => boolean; part: (mount: Mount, facts: OldFacts) => Part }

const kinds: readonly Kind[] = [
  { is: ({ path }, facts) => path === keyFolder(facts), part: deployKey },
  {
    is: ({ path }) => /^\/etc\/fluxd\/helm(-ca)?$/.test(path),
    part: (mount) => told(subjectOf(mount), 'dropped', 'certificates for Tiller: helm 2 is not supported'),
  },
  { is: ({ path }) => path === '/root/.ssh' || path.startsWith('/root/.ssh/'), part: sshFolder },
  { is: (mount, facts) => filesOf(facts, 'git-gpg-key-import').some((file) => holds(mount, file)), part: gpgKeys },
  { is: (mount, facts) => holds(mount, valueOf(facts, 'docker-config')), part: dockerConfig },
  { is: (mount, facts) => importsOf(facts).some((file) => holds(mount, file)), part: repositories },
  { is: (mount) => holds(mount, '/etc/kubernetes/azure.json'), part: azure },
  { is: ({ path }) => path === '/root/.kubectl' || path === '/root/.kube', part: kubeConfig },
  {
    is: ({ path }) => /\/\.gitconfig$|^\/etc\/gitconfig$|\/\.config\/git(\/|$)/.test(path),
    part: gitConfig,
  },
  {
    is: ({ path }) => path.endsWith('/.netrc'),
    part: netrcFile,
  },
  {
    is: ({ path }) => /helm\/plugins|\/plugins(-cache)?(\/|$)/.test(path),
    part: helmPlugins,
  },
  {
    is: (mount, facts) => mount.kind === 'emptyDir' && !isOfRoot(mount) && isShared(mount, facts),
    part: (mount) =>
      told(
        subjectOf(mount),
        'same',
        'what another container puts there: values extraVolumes and extraVolumeMounts',
        sharedMount(mount),
      ),
  },
  {
    is: (mount, facts) => mount.kind === 'emptyDir' && !isShared(mount, facts),
    part: (mount) => told(subjectOf(mount), 'dropped', 'an empty folder; Capstan has its own'),
  },
  {
    is: ({ kind }) => kind === 'hostPath',
    part: (mount) =>
      refuse(
        mount,
        `mount:${mount.path}`,
        'a folder of the node: our pod may not have any; make a Secret of it, or set extraVolumes',
      ),
  },
  {
    is: isOfRoot,
    part: (mount) =>
      refuse(
        mount,
        `mount:${mount.path}`,
        'it lies in the home of root, which Capstan does not have; its home is /var/lib/capstan',
      ),
  },
  { is: () => true, part: carried },
]

/** What becomes of everything that is mounted. A flag that names a file which nothing mounts is refused. */
export function fromMounts(facts: OldFacts): Part {
  const { mounts } = facts.old
  const parts = mounts.map((mount) => kinds.find(({ is }) => is(mount, facts))?.part(mount, facts) ?? nothing)
  return joined([...parts, ...missing(facts)])
}

function missing(facts: OldFacts): Part[] {
  const named = [
    ...filesOf(facts, 'git-gpg-key-import').map((file) => ['git-gpg-key-import', file] as const),
    ...filesOf(facts, 'docker-config').map((file) => ['docker-config', file] as const),
    ...importsOf(facts).map((file) => ['helm-repository-import', file] as const),
  ]
  const lost = named.filter(([, file]) => !facts.old.mounts.some((mount) => holds(mount, file)))
  const key = facts.old.mounts.some(({ path }) => path === keyFolder(facts)) ? [] : keyByName(facts)
  return [...lost.map(([flag, file]) => refusal(`--${flag}`, flag, `nothing that is mounted holds ${file}`)), ...key]
}

/** Without a mount fluxd still had the Secret in which it kept its state. */
function keyByName(facts: OldFacts): Part[] {
  const name = valueOf(facts, 'k8s-secret-name')
  if (facts.old.ancestor !== 'fluxd' || name === '' || isHttp(facts)) return []
  const taken = takenOver(facts, 'Secret', name)
  return [told('--k8s-secret-name', 'same', 'value git.secretName', [['git.secretName', taken.name]]), taken.part]
}

function deployKey(mount: Mount, facts: OldFacts): Part {
  const subject = subjectOf(mount)
  const { ancestor } = facts.old
  const secret = facts.files.get(`Secret/${mount.name}`)
  const dataKey = keyOf(mount, valueOf(facts, 'k8s-secret-data-key', 'identity'))
  if (ancestor === 'fluxd' && isHttp(facts)) return told(subject, 'dropped', 'no deploy key is used with https')
  if (ancestor === 'helm-operator' && (secret?.keys.length ?? 0) === 0)
    return told(subject, 'dropped', 'it holds no deploy key')
  const taken = takenOver(facts, 'Secret', mount.name)
  const how = taken.name === mount.name ? '' : `, a copy that stays when ${ancestor} is uninstalled`
  const note = told(subject, 'same', `the deploy key: value git.secretName, Secret ${taken.name}${how}`, [
    ['git.secretName', taken.name],
    ...(dataKey === 'identity' ? [] : [['git.secretDataKey', dataKey] as const]),
  ])
  return joined([note, taken.part])
}

function sshFolder(mount: Mount, facts: OldFacts): Part {
  const file = facts.files.get(`${mount.kind}/${mount.name}`)
  if (mount.kind !== 'ConfigMap')
    return refuse(mount, 'known-hosts', 'its files are not read from here: put the host keys into git.knownHosts')
  const text = (name: string) => (within(mount, `/root/.ssh/${name}`) ? (file?.data[keyOf(mount, name)] ?? '') : '')
  const config = text('config')
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
  const hosts = text('known_hosts').trim()
  return joined([
    hosts === ''
      ? nothing
      : told(subjectOf(mount), 'same', 'host keys: value git.knownHosts', [['git.knownHosts', hosts]]),
    config.length === 0 ? nothing : sshConfig(mount, facts, { key: keyOf(mount, 'config'), text: config.join('\n') }),
  ])
}

function gpgKeys(mount: Mount, facts: OldFacts): Part {
  if (mount.kind !== 'Secret' && mount.kind !== 'ConfigMap')
    return refuse(
      mount,
      'gpg-keys',
      'keys come from a Secret or a ConfigMap: set gpgKeys.secretName or gpgKeys.configMapName',
    )
  const taken = takenOver(facts, mount.kind, mount.name)
  const value = mount.kind === 'Secret' ? 'gpgKeys.secretName' : 'gpgKeys.configMapName'
  return joined([told(subjectOf(mount), 'same', `keys: value ${value}`, [[value, taken.name]]), taken.part])
}

function dockerConfig(mount: Mount, facts: OldFacts): Part {
  if (mount.kind !== 'Secret')
    return refuse(mount, 'docker-config', 'logins come from a Secret: set registry.dockercfg.secretName')
  const taken = takenOver(facts, 'Secret', mount.name)
  const file = keyOf(mount, mount.subPath || lastPart(valueOf(facts, 'docker-config')))
  const note = told(subjectOf(mount), 'same', 'logins of registries: value registry.dockercfg', [
    ['registry.dockercfg.enabled', true],
    ['registry.dockercfg.secretName', taken.name],
    ['registry.dockercfg.configFileName', `/dockercfg/${file}`],
  ])
  return joined([note, taken.part])
}

function repositories(mount: Mount, facts: OldFacts): Part {
  const file = importsOf(facts).find((one) => holds(mount, one)) ?? ''
  const key = keyOf(mount, mount.subPath || lastPart(file))
  if (mount.kind !== 'Secret' || key !== 'repositories.yaml')
    return refuse(
      mount,
      'helm-repository-import',
      'it must be a Secret with the key repositories.yaml: set configureRepositories',
    )
  const taken = takenOver(facts, 'Secret', mount.name)
  const note = told(subjectOf(mount), 'same', 'logins of chart repositories: value configureRepositories', [
    ['configureRepositories.enable', true],
    ['configureRepositories.secretName', taken.name],
  ])
  return joined([note, taken.part])
}

function azure(mount: Mount, facts: OldFacts): Part {
  if (mount.kind !== 'Secret')
    return refuse(
      mount,
      'azure',
      'that file of the node is for root alone: make a Secret of it (registry.acr), or give the pod an identity',
    )
  const taken = takenOver(facts, 'Secret', mount.name)
  const note = told(subjectOf(mount), 'same', 'login of Azure: value registry.acr', [
    ['registry.acr.enabled', true],
    ['registry.acr.secretName', taken.name],
  ])
  return joined([note, taken.part])
}

function helmPlugins(mount: Mount, facts: OldFacts): Part {
  if (mount.kind === 'emptyDir' && areFilledByInstallers(facts))
    return told(subjectOf(mount), 'replaced', 'plugins of helm have a volume of our own (value initPlugins)')
  const text =
    'nobody can tell which plugins of helm it holds: name those that download charts in the value initPlugins; others are not run'
  return refuse(mount, 'helm-plugins', text)
}

/** fluxd's chart gave it a kubeconfig for one thing: the namespace of objects that name none. */
function kubeConfig(mount: Mount, facts: OldFacts): Part {
  const text = facts.files.get(`${mount.kind}/${mount.name}`)?.data[keyOf(mount, 'config')] ?? ''
  if (
    /^\s*-?\s*(server|token|client-certificate(-data)?):/m.test(text) &&
    !/in-cluster/.test(text) &&
    /^\s*users:\s*\n\s*-/m.test(text)
  )
    return refuse(
      mount,
      'kubeconfig',
      'a kubeconfig with a user of its own is not taken over: Capstan uses the account of its pod',
    )
  const namespace = /^\s*namespace:\s*["']?([^\s"']+)/m.exec(text)?.[1]
  if (facts.old.ancestor !== 'fluxd' || namespace === undefined || valuesOf(facts, 'k8s-default-namespace'))
    return told(subjectOf(mount), 'dropped', 'the account of the pod is used')
  return told(subjectOf(mount), 'same', 'namespace of objects that name none: value defaultNamespace', [
    ['defaultNamespace', namespace],
  ])
}

function carried(mount: Mount, facts: OldFacts): Part {
  const same =
    mount.kind === 'Secret' || mount.kind === 'ConfigMap' ? takenOver(facts, mount.kind, mount.name) : undefined
  const volume = JSON.parse(JSON.stringify(mount.volume)) as { secret?: object; configMap?: object }
  if (same && mount.kind === 'Secret') volume.secret = { ...volume.secret, secretName: same.name }
  if (same && mount.kind === 'ConfigMap') volume.configMap = { ...volume.configMap, name: same.name }
  const mounted = JSON.parse(JSON.stringify(mount.mount)) as object
  const note = told(subjectOf(mount), 'same', 'values extraVolumes and extraVolumeMounts', [
    ['extraVolumes', [{ ...volume }] as never],
    ['extraVolumeMounts', [{ ...mounted }] as never],
  ])
  return joined([note, same?.part ?? nothing])
}

function isOfRoot({ path }: Mount): boolean {
  return /^\/root(\/|$)/.test(path)
}

function keyFolder(facts: OldFacts): string {
  return valueOf(facts, 'k8s-secret-volume-mount-path', '/etc/fluxd/ssh').replace(/(.)\/+$/, '$1')
}

function isHttp(facts: OldFacts): boolean {
  return /^https?:/i.test(valueOf(facts, 'git-url'))
}

function filesOf(facts: OldFacts, flag: string): string[] {
  return listedIn(valuesOf(facts, flag) ?? [])
}

/** What is imported for helm 3. */
function importsOf(facts: OldFacts): string[] {
  return filesOf(facts, 'helm-repository-import').flatMap((text) => /^v3:(\/.*)$/.exec(text)?.[1] ?? [])
}

/** Whether a file or folder lies in what is mounted. */
function holds({ path }: Mount, file: string): boolean {
  const wanted = file.replace(/(.)\/+$/, '$1')
  return wanted !== '' && (wanted === path || wanted.startsWith(`${path}/`))
}

function lastPart(path: string): string {
  return path.split('/').at(-1) ?? ''
}

function within(mount: Mount, file: string): boolean {
  return mount.subPath === '' ? holds(mount, file) : mount.path === file
}

function refuse(mount: Mount, accept: string, text: string): Part {
  return refusal(subjectOf(mount), accept, text)
}

function subjectOf({ kind, name, path }: Mount): string {
  return `${path} (${kind === 'other' ? 'volume' : kind} ${name})`
}
