import { percent, splitGitUrl } from './git-url-parts.ts'

const scpLike = /^(?:[\w.][\w.-]*@)?(?:[\w.][\w.-]*|\[[0-9a-fA-F:.]+\]):(?!\/\/|:)[^\s]+$/

/**
 * What is wrong with the URL of a repository, as half a sentence, or undefined. Allowed are https, http, ssh and the scp-like
 * form; absolute paths and file:// only with `allowLocal`. Everything that git or ssh might take for an option, a helper or a
 * command is refused here, before either sees it (hazards H1, H2, H8). Never quotes the URL: it may hold a password.
 */
export function gitUrlProblem(url: string, { allowLocal = false }: { allowLocal?: boolean } = {}): string | undefined {
  if (url === '') return 'is empty'
  if (/[\s\p{Cc}\p{Cf}]/u.test(url)) return 'holds blanks or control characters'
  if (url.startsWith('-')) return 'begins with a dash'
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) return standardProblem(url, allowLocal)
  if (url.startsWith('/')) return allowLocal ? undefined : 'is a local path, which is not allowed here'
  // git takes `file:/x` for a host of that name
  if (/^(?:file|ext|fd|ftps?|git|https?|ssh):/i.test(url) || !scpLike.test(url))
    return 'is neither https://, http://, ssh:// nor user@host:path'
  return undefined
}

function standardProblem(url: string, allowLocal: boolean): string | undefined {
  // As git reads it: what is no known scheme to fluxd's library is a host there, but still the name of a helper to git.
  const scheme = /^[^:]*/.exec(url)?.[0].toLowerCase() ?? ''
  if (scheme === 'file') return allowLocal ? undefined : 'is a local path, which is not allowed here'
  if (!['https', 'http', 'ssh'].includes(scheme)) return `has the scheme ${scheme}, which is not allowed`
  const parts = splitGitUrl(url)
  if (!parts) return 'cannot be read: check the port and percent signs'
  if (!/^(?:[\w.][\w.-]*|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/.test(parts.host)) return 'has no valid host'
  if (parts.user?.startsWith('-')) return 'has a user that begins with a dash'
  if (parts.path === '' || parts.path === '/') return 'names no repository'
  return undefined
}

/**
 * The URL without its password, byte for byte as fluxd wrote it into logs and into the name of the sync set (flux-v1 §7).
 * A URL that cannot be read is not shown at all: nobody knows where its password is.
 */
export function safeUrl(url: string): string {
  const parts = splitGitUrl(url)
  if (!parts) return '<unreadable git URL>'
  const user = parts.user === undefined ? '' : `${encodeUser(parts.user)}@`
  return `${parts.scheme}://${user}${parts.host}${encodePath(parts.path)}${parts.rest}`
}

/** The server of a repository: no brackets around IPv6, the port that counts where none is written. */
export type GitPlace = { scheme: 'http' | 'https' | 'ssh'; host: string; port: number }

/** Where git goes for a URL that has no {@link gitUrlProblem}; undefined for what lies on this machine. */
export function gitPlace(url: string): GitPlace | undefined {
  const { scheme, host, port } = (standardPlace.exec(url) ?? scpPlace.exec(url))?.groups ?? {}
  if (host === undefined) return undefined
  const kind = (scheme ?? 'ssh').toLowerCase() as GitPlace['scheme']
  return { scheme: kind, host: host.replaceAll(/[[\]]/g, ''), port: Number(port ?? usualPorts[kind]) }
}

const usualPorts = { http: 80, https: 443, ssh: 22 }
const standardPlace = /^(?<scheme>https?|ssh):\/\/(?:[^/?#]*@)?(?<host>\[[^\]]*\]|[^:/?#]*)(?::(?<port>\d+))?/i
const scpPlace = /^(?:[\w.-]+@)?(?<host>\[[^\]]*\]|[\w.][\w.-]*):(?!\/\/)/

/** Whether two URLs mean one repository: host and path compared, without scheme, leading slash and `.git` (flux-v1 §7). */
export function sameRepository(one: string, other: string): boolean {
  const [a, b] = [splitGitUrl(one), splitGitUrl(other)]
  return a !== undefined && b !== undefined && a.host === b.host && barePath(a.path) === barePath(b.path)
}

function barePath(path: string): string {
  return path.replace(/^\//, '').replace(/\.git$/, '')
}

function encodeUser(user: string): string {
  return encodeURIComponent(user)
    .replaceAll(/%(24|26|2B|2C|3B|3D)/g, (escape) => decodeURIComponent(escape))
    .replaceAll(/[!'()*]/g, percent)
}

/** As it stands when it is valid; else every byte that Go would encode. */
function encodePath(path: string): string {
  if (/^(?:[\w.~!$&'()*+,;=:@/[\]-]|%[0-9a-fA-F]{2})*$/.test(path)) return path
  return encodeURI(decodeURIComponent(path))
    .replaceAll(/[!'()*?#]/g, percent)
    .replaceAll('[', '%5B')
    .replaceAll(']', '%5D')
}
