/** The parts of a git URL, undecoded. The password is not among them. */
export type GitUrlParts = {
  /** Lower-case; `ssh` for the scp-like form, `file` for a path. */
  scheme: string
  /** Decoded; undefined when the URL has no `@`. */
  user: string | undefined
  hasPassword: boolean
  /** With the port; brackets around IPv6. */
  host: string
  path: string
  /** `?…` and `#…` as they stand. */
  rest: string
}

const transports = new Set(['ssh', 'git', 'git+ssh', 'http', 'https', 'ftp', 'ftps', 'rsync', 'file'])
const standardForm = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/?#]*)@)?([^/?#@]*)([^?#]*)(.*)$/is
const scpForm = /^(?:(\w+)@)?([\w.-]+):([\w./-]+)\??(.*)$/s

/** Takes a git URL apart as fluxd's library did (git-urls 1.0.0): a URL, else the scp-like form, else a path. */
export function splitGitUrl(url: string): GitUrlParts | undefined {
  const standard = standardForm.exec(url)
  if (transports.has(standard?.[1]?.toLowerCase() ?? '')) return standardParts(standard ?? [])
  return scpParts(url) ?? noParts({ scheme: 'file', path: encodeLocal(url) })
}

function standardParts([, scheme = '', userinfo, host = '', path = '', rest = '']: readonly string[]):
  | GitUrlParts
  | undefined {
  const [name, password] = userinfo === undefined ? [] : [userinfo.replace(/:.*$/s, ''), /:(.*)$/s.exec(userinfo)?.[1]]
  const user = decode(name)
  if (user === null || decode(path) === null || !/^(\[[^\]]*\]|[^:]*)(:\d*)?$/.test(host)) return undefined
  return { scheme: scheme.toLowerCase(), user, hasPassword: password !== undefined, host, path, rest }
}

function scpParts(url: string): GitUrlParts | undefined {
  const [, user, host, path, query] = scpForm.exec(url) ?? []
  if (host === undefined || path === undefined) return undefined
  const absolute = path.startsWith('/') ? path : `/${path}`
  return noParts({ scheme: 'ssh', user, host, path: absolute, rest: query ? `?${query}` : '' })
}

function noParts(some: Partial<GitUrlParts>): GitUrlParts {
  return { scheme: '', user: undefined, hasPassword: false, host: '', path: '', rest: '', ...some }
}

/** null when it is not valid percent-encoding. */
function decode<T extends string | undefined>(text: T): T | string | null {
  if (text === undefined) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** A path is no URL yet: Go encodes also what looks encoded. */
function encodeLocal(path: string): string {
  return encodeURI(path.toWellFormed()).replaceAll(/[!'()*?#]/g, percent)
}

/** One character as percent-encoding. */
export function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}
