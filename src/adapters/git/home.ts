import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import { knownHosts } from './known-hosts.ts'
import { put } from './put.ts'
import type { Reach } from './remote.ts'
import { type AddressesOf, routeFiles } from './route.ts'

export type HomeOptions = {
  directory: string
  allowLocal: boolean
  /** known_hosts for remotes that name none of their own. */
  sshKnownHosts?: string
  /** Git configuration of the operator, read before ours: proxies, CA, URL rewriting (ruling 15). */
  gitConfigFile?: string
  /** ssh_config of the operator. */
  sshConfigFile?: string
  /** .netrc of the operator: logins by host, for URLs that come without one. */
  netrcFile?: string
  /** Which addresses a repository may be on; without it, any. */
  addressesOf?: AddressesOf
}

/**
 * Makes the private home of one credential: git finds its configuration, and only this one, there (W17). Secrets are files of
 * mode 0600 in it, never arguments or environment. Gives its path.
 */
export async function prepareHome(reach: Reach, given: HomeOptions): Promise<string> {
  const options = reach.isForeign ? withoutLogins(given) : given
  const home = join(options.directory, 'homes', reach.name)
  await mkdir(join(home, 'template'), { recursive: true, mode: 0o700 })
  const sections = [
    ...includeOf(join(home, routeFiles.git)),
    ...(options.gitConfigFile ? includeOf(options.gitConfigFile) : []),
    ...hardening(home, options.allowLocal),
    '[http]',
    `\tfollowRedirects = ${reach.mayRedirect ? 'initial' : 'false'}`,
  ]
  if (reach.auth?.kind === 'basic') {
    await put(join(home, 'credential'), `username=${reach.auth.username}\npassword=${reach.auth.password}\n`)
    sections.push(...credentialHelper(home, reach.url))
  }
  if (reach.auth?.kind === 'ssh') {
    await put(join(home, 'identity'), await readGiven(reach.auth.privateKeyFile, 'the ssh key file'))
  }
  if (options.netrcFile) await put(join(home, '.netrc'), await readGiven(options.netrcFile, 'the netrc file'))
  await put(join(home, 'known_hosts'), knownHosts)
  if (reach.caFile && /^https:/i.test(reach.url))
    sections.push(`[http "${new URL(reach.url).origin}"]`, `\tsslCAInfo = ${quote(reach.caFile)}`)
  sections.push(...sshCommand(home, reach, options))
  await put(join(home, '.gitconfig'), `${sections.join('\n')}\n`)
  return home
}

/** Each of these may hold a login of the operator, which is not for somebody else's repository. */
function withoutLogins({ directory, allowLocal, sshKnownHosts, addressesOf }: HomeOptions): HomeOptions {
  const guard = addressesOf ? { addressesOf } : {}
  return { directory, allowLocal, ...(sshKnownHosts ? { sshKnownHosts } : {}), ...guard }
}

function includeOf(file: string): string[] {
  return ['[include]', `\tpath = ${quote(file)}`]
}

/** What the operator's own configuration cannot undo: it stands after it (hazards H2–H7). */
function hardening(home: string, allowLocal: boolean): string[] {
  const allowed = ['https', 'http', 'ssh', ...(allowLocal ? ['file'] : [])]
  return [
    '[core]',
    '\thooksPath = /dev/null',
    '\tsymlinks = false',
    '\tfsmonitor = false',
    '\taskPass =',
    '\tattributesFile = /dev/null',
    '[init]',
    `\ttemplateDir = ${quote(join(home, 'template'))}`,
    '[safe]',
    '\tdirectory = *',
    '[protocol]',
    '\tversion = 2',
    '\tallow = never',
    ...allowed.flatMap((name) => [`[protocol "${name}"]`, '\tallow = always']),
    '[http]',
    // A server that drips keeps a helper process alive after git itself was stopped.
    '\tlowSpeedLimit = 100',
    '\tlowSpeedTime = 30',
    '[transfer]',
    '\tfsckObjects = true',
    '\tbundleURI = false',
    ...['fetch', 'receive'].flatMap((side) => [`[${side} "fsck"]`, ...harmless.map((word) => `\t${word} = ignore`)]),
    '[fetch]',
    '\trecurseSubmodules = false',
    '\twriteCommitGraph = false',
    '[submodule]',
    '\trecurse = false',
    '[gc]',
    '\tautoDetach = false',
    '[maintenance]',
    '\tauto = false',
    '[credential]',
    '\thelper =',
    ...signing,
  ]
}

/** Only OpenPGP counts: a signature of another kind would be checked against other keys than those that were imported (hazard D9). */
const signing = [
  '[gpg]',
  '\tformat = openpgp',
  '\tprogram = gpg',
  '\tminTrustLevel = undefined',
  '[gpg "x509"]',
  '\tprogram = false',
  '[gpg "ssh"]',
  '\tprogram = false',
  '\tdefaultKeyCommand = false',
  '[log]',
  '\tshowSignature = false',
  '[commit]',
  '\tgpgSign = false',
  '[tag]',
  '\tgpgSign = false',
  '\tforceSignAnnotated = false',
  '[push]',
  '\tgpgSign = false',
]

/** Blemishes that old but honest histories have; they cannot hurt who does not check out. */
const harmless = [
  'zeroPaddedFilemode',
  'missingSpaceBeforeDate',
  'badTimezone',
  'missingEmail',
  'missingNameBeforeEmail',
  'missingSpaceBeforeEmail',
  'badEmail',
  'badName',
  'zeroPaddedDate',
]

/**
 * Answers for this server only, so that a redirect elsewhere gets nothing (hazard D7). A file that is read rather than git's own
 * `store`, which deletes what a server refused once and locks the file against itself.
 */
function credentialHelper(home: string, url: string): string[] {
  const origin = new URL(url).origin
  const helper = `!f() { test "$1" = get && cat ${shellQuote(join(home, 'credential'))}; }; f`
  return [`[credential "${origin}"]`, `\thelper = ${quote(helper)}`]
}

/**
 * ssh that asks nobody, trusts no unknown host and offers no other key (hazards D6, H8). Its own list of hosts stands beside those
 * of the operator. It speaks up, because only so the key of an unknown host is told.
 */
function sshCommand(home: string, { auth, isForeign }: Reach, options: HomeOptions): string[] {
  const { sshKnownHosts, addressesOf } = options
  const sshConfigFile = options.sshConfigFile ?? (addressesOf ? join(home, routeFiles.ssh) : '/dev/null')
  const given = (auth?.kind === 'ssh' ? auth.knownHostsFile : undefined) ?? sshKnownHosts
  const settings = ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'ConnectTimeout=15', 'ServerAliveInterval=15']
  settings.push('LogLevel=DEBUG1', 'UpdateHostKeys=no')
  settings.push(`GlobalKnownHostsFile=/etc/ssh/ssh_known_hosts ${sshQuote(join(home, 'known_hosts'))}`)
  if (given) settings.push(`UserKnownHostsFile=${sshQuote(given)}`)
  if (auth?.kind === 'ssh') settings.push('IdentitiesOnly=yes', `IdentityFile=${join(home, 'identity')}`)
  // ssh looks for keys in the home of its user, whatever HOME says
  else if (isForeign) settings.push('IdentitiesOnly=yes', 'IdentityFile=none')
  const words = ['ssh', '-F', sshConfigFile, ...settings.flatMap((setting) => ['-o', setting])]
  return ['[core]', `\tsshCommand = ${quote(words.map(shellQuote).join(' '))}`]
}

/** ssh refuses a key that others may read, and a mounted Secret often is such; hence the copy. */
async function readGiven(file: string, what: string): Promise<string> {
  try {
    const text = await readFile(file, 'utf8')
    return text.endsWith('\n') ? text : `${text}\n`
  } catch (error) {
    throw new AppError('GitAuthFailed', `${what} ${file} cannot be read`, { cause: error })
  }
}

/** A value in git's configuration syntax. */
function quote(value: string): string {
  if (/[\0\r\n]/.test(value)) throw new AppError('InternalError', 'a path in the git configuration holds a line break')
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
}

/** One file name in a setting of ssh that takes several. */
function sshQuote(file: string): string {
  if (/["\0\r\n]/.test(file)) throw new AppError('InternalError', 'the name of a known_hosts file holds a quote')
  return `"${file.replaceAll('%', '%%')}"`
}

/** One word for the shell through which git runs helpers and ssh. */
function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
