import { keyOf, type Mount } from './old-deployment.ts'
import { type OldFacts, takenOver } from './old-facts.ts'
import { joined, type Part, refusal, told } from './part.ts'

/** A file of the operator's own that git or ssh read in the home of root, and where Capstan takes it from (ruling 15). */
type GitFile = {
  /** As our chart mounts a Secret of it. */
  key: string
  flag: string
  /** Values that mount it, where it is a Secret with that key. */
  values: (secretName: string) => Required<Part>['values']
  became: 'same' | 'differs'
  /** What is to be known beside the name of the value or flag. */
  text: string
}

const gitConfiguration: GitFile = {
  key: 'gitconfig',
  flag: 'git-config-file',
  values: (name) => [
    ['git.config.enabled', true],
    ['git.config.secretName', name],
  ],
  became: 'differs',
  text: 'proxies, certificates and insteadOf work as before. Credential helpers, hooks and other programs in it do not run, because what a repository brings must not start any: logins go into git.httpsSecretName or git.netrcSecretName',
}

const netrc: GitFile = {
  key: '.netrc',
  flag: 'git-netrc-file',
  values: (name) => [['git.netrcSecretName', name]],
  became: 'same',
  text: 'logins by host, for the repository and for charts in git; what a Source object names logs in with its own Secret',
}

/** A git configuration of the operator's. */
export function gitConfig(mount: Mount, facts: OldFacts): Part {
  return carriedFile(mount, facts, gitConfiguration)
}

/** Logins by host. */
export function netrcFile(mount: Mount, facts: OldFacts): Part {
  return carriedFile(mount, facts, netrc)
}

/** `text`: the ssh_config, which lies in a ConfigMap below the key. */
export function sshConfig(mount: Mount, facts: OldFacts, { key, text }: { key: string; text: string }): Part {
  const subject = `${mount.path} (ConfigMap ${mount.name})`
  const lost = /(?:^|[\s="'])((?:\/root|~)\/[^\s"']*)/m.exec(text)?.[1]
  if (lost !== undefined)
    return refusal(
      subject,
      'ssh-config',
      `the ssh configuration names ${lost}, and Capstan has no home of root: mount that file elsewhere by extraVolumes, change the path, and set git.ssh.configMapName`,
    )
  const taken = takenOver(facts, 'ConfigMap', mount.name)
  const how =
    'the ssh configuration: value git.ssh.configMapName; hosts that are not in git.knownHosts are refused whatever it says'
  const values: Part['values'] = [
    ['git.ssh.configMapName', taken.name],
    ['git.ssh.configMapKey', key],
  ]
  return joined([told(subject, 'differs', how, values), taken.part])
}

/** By the value of our chart; a ConfigMap, or a Secret with another key, is mounted beside and named by the flag. */
function carriedFile(mount: Mount, facts: OldFacts, file: GitFile): Part {
  const subject = `${mount.path} (${mount.kind === 'other' ? 'volume' : mount.kind} ${mount.name})`
  if (mount.kind !== 'Secret' && mount.kind !== 'ConfigMap') {
    const text = `it comes from no Secret and no ConfigMap: make a Secret of it with the key ${file.key}, and set ${file.values('')[0]?.[0]}`
    return refusal(subject, file.key === '.netrc' ? 'netrc' : 'git-config', text)
  }
  const taken = takenOver(facts, mount.kind, mount.name)
  const key = keyOf(mount, mount.subPath || nameIn(mount, file))
  if (mount.kind === 'Secret' && key === file.key) {
    const values = file.values(taken.name)
    return joined([told(subject, file.became, `value ${values.at(-1)?.[0]}: ${file.text}`, values), taken.part])
  }
  const name = `old-${file.flag}`
  const items = [{ key, path: file.key }]
  const source =
    mount.kind === 'Secret' ? { secret: { secretName: taken.name, items } } : { configMap: { name: taken.name, items } }
  const mountPath = `/etc/capstan/${name}`
  return joined([
    told(subject, file.became, `--${file.flag}, and extraVolumes: ${file.text}`, [
      ['extraVolumes', [{ name, ...source }]],
      ['extraVolumeMounts', [{ name, mountPath, readOnly: true }]],
    ]),
    { args: [`--${file.flag}=${mountPath}/${file.key}`] },
    taken.part,
  ])
}

/** The file in a folder that is mounted whole; else the mount is the file. */
function nameIn({ path }: Mount, { key }: GitFile): string {
  return path.endsWith('/.config/git') ? 'config' : key
}
