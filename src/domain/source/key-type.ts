import { splitGitUrl } from './git-url-parts.ts'

/** How a new ssh key is made, in the words of ssh-keygen; what is empty is left to it. */
export type KeyGeneration = { type: string; bits: string; format: string }

/** Hosts that take no ed25519 keys (ruling 23b). */
const rsaOnly = [
  /^(?:ssh\.)?dev\.azure\.com$/,
  /(?:^|\.)visualstudio\.com$/,
  /^git-codecommit\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/,
]

/** What was asked for; of what was not, ed25519, or RSA with 4096 bits for the hosts that need it. */
export function keyTypeFor(url: string, asked: KeyGeneration): KeyGeneration {
  const host = splitGitUrl(url)?.host.replace(/:\d*$/, '').toLowerCase() ?? ''
  const type = asked.type || (rsaOnly.some((pattern) => pattern.test(host)) ? 'rsa' : 'ed25519')
  return { type, bits: asked.bits || (type === 'rsa' ? '4096' : ''), format: asked.format }
}

/** Whether a repository is reached by ssh, and so by a key. */
export function isSshUrl(url: string): boolean {
  return splitGitUrl(url)?.scheme === 'ssh'
}
