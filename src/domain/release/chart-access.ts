import { parse } from 'yaml'
import { mapOf, textOf } from '../../lib/raw.ts'

/** How to reach a chart repository. Never printed. */
export type ChartAccess = {
  username: string
  password: string
  /** PEM texts. */
  tls: { ca?: string; cert?: string; key?: string; insecure?: boolean }
  /** The login goes with archives that the index names on other hosts, too (`pass_credentials_all`). Operator's word only. */
  everywhere: boolean
}

/** One entry of helm's `repositories.yaml`; the three files are names that its reader resolves. */
export type RepositoryEntry = {
  name: string
  url: string
  username: string
  password: string
  caFile: string
  certFile: string
  keyFile: string
  insecure: boolean
  everywhere: boolean
}

/** Entries of a `repositories.yaml` that have a URL (helm-operator §6.2); undefined when the text is no such file. */
export function parseRepositories(text: string): RepositoryEntry[] | undefined {
  const list = mapOf(parseYaml(text)).repositories
  if (!Array.isArray(list)) return undefined
  return list.map(mapOf).flatMap((entry) => {
    const url = textOf(entry.url)
    if (url === '') return []
    return [
      {
        name: textOf(entry.name),
        url,
        username: textOf(entry.username),
        password: textOf(entry.password),
        caFile: textOf(entry.caFile),
        certFile: textOf(entry.certFile),
        keyFile: textOf(entry.keyFile),
        insecure: entry.insecure_skip_tls_verify === 'true',
        everywhere: entry.pass_credentials_all === 'true',
      },
    ]
  })
}

/**
 * The entry for a repository: the same URL but for slashes, the case of the host and the usual port (helm-operator §6.2). For `oci://`
 * an entry counts for all that lies below it; the longest wins.
 */
export function entryFor<T extends { url: string }>(entries: readonly T[], url: string): T | undefined {
  const wanted = cleanUrl(url)
  const same = entries.find((entry) => cleanUrl(entry.url) === wanted)
  if (same || !wanted.startsWith('oci://')) return same
  return entries
    .filter((entry) => wanted.startsWith(`${cleanUrl(entry.url)}/`))
    .toSorted((a, b) => b.url.length - a.url.length)[0]
}

/** The URL of the repository that `@name` or `alias:name` means in a chart's dependencies; undefined for another kind of text. */
export function aliasOf(repository: string): string | undefined {
  return /^(?:@|alias:)(.+)$/.exec(repository)?.[1]
}

/**
 * Reads the Secret of `spec.chart.chartPullSecret` for one repository: a `repositories.yaml` with an entry for it, else
 * kubernetes.io/basic-auth, kubernetes.io/dockerconfigjson (`dockerLogin` is what it says for the host), and certificates: `ca.crt`,
 * `tls.crt` and `tls.key`, or the names that Flux 2 had for them. A text says why it cannot be used, without any of its values.
 */
export function readPullSecret(
  data: Readonly<Record<string, string>>,
  { url, dockerLogin }: { url: string; dockerLogin: Login | undefined },
): ChartAccess | string {
  if (Object.hasOwn(data, 'repositories.yaml')) return fromRepositories(data, url)
  const access = accessOf({ ...loginOf(data, dockerLogin), ...certificatesOf(data) })
  if (typeof access === 'string') return access
  if (access.username !== '' || Object.keys(access.tls).length > 0) return access
  if (data['.dockerconfigjson'] !== undefined)
    return 'its .dockerconfigjson has no login for the host of the repository'
  return 'it has no repositories.yaml, no username and password, no .dockerconfigjson and no certificate'
}

type Login = { username: string; password: string }

function loginOf(data: Readonly<Record<string, string>>, dockerLogin: Login | undefined): Login {
  const { username = '', password = '' } = data
  const isGiven = username !== '' || password !== ''
  return isGiven
    ? { username: username.trim(), password: withoutLineEnd(password) }
    : (dockerLogin ?? { username, password })
}

function certificatesOf(data: Readonly<Record<string, string>>): { ca: string; cert: string; key: string } {
  const first = (...names: string[]) => names.map((name) => data[name]).find((text) => text !== undefined) ?? ''
  return { ca: first('ca.crt', 'caFile'), cert: first('tls.crt', 'certFile'), key: first('tls.key', 'keyFile') }
}

/** Files are other keys of the same Secret: a path of this machine is nothing that a Secret could name. */
function fromRepositories(data: Readonly<Record<string, string>>, url: string): ChartAccess | string {
  const entries = parseRepositories(data['repositories.yaml'] ?? '')
  if (!entries) return 'its repositories.yaml has no list of repositories'
  const entry = entryFor(entries, url)
  if (!entry) return 'its repositories.yaml has no entry for the repository'
  const file = (path: string) => (path === '' ? '' : data[path.split('/').at(-1) ?? ''])
  const [ca, cert, key] = [file(entry.caFile), file(entry.certFile), file(entry.keyFile)]
  if (ca === undefined || cert === undefined || key === undefined)
    return 'its repositories.yaml names a file that is no key of the Secret'
  return accessOf({ ...entry, ca, cert, key })
}

/** A login and the contents of certificate files (empty: none) as an access; a text says what is wrong with them. */
export function accessOf(given: {
  username: string
  password: string
  ca: string
  cert: string
  key: string
  insecure?: boolean
}): ChartAccess | string {
  const { username, password, ca, cert, key, insecure = false } = given
  if (/[\r\n\0]/.test(username + password)) return 'its username or password holds a line break'
  if (password !== '' && username === '') return 'it has a password, but no username'
  if (username.includes(':')) return 'its username holds a colon'
  if ((cert === '') !== (key === '')) return 'it has only one of a client certificate and its key'
  if ([ca, cert].some((text) => text !== '' && !text.includes('-----BEGIN CERTIFICATE-----')))
    return 'one of its certificates is not in PEM'
  if (key !== '' && !/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key)) return 'its client key is not in PEM'
  const tls = {
    ...(ca ? { ca } : {}),
    ...(cert ? { cert, key } : {}),
    ...(insecure ? { insecure } : {}),
  }
  return { username, password, tls, everywhere: false }
}

/** What nobody may see of it. */
export function accessSecrets({ password, tls: { key } }: ChartAccess): string[] {
  return [password, key ?? ''].filter((text) => text !== '')
}

function cleanUrl(url: string): string {
  if (!URL.canParse(url)) return url
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host.toLowerCase()}${pathname.replace(/\/+/g, '/').replace(/\/$/, '')}`
}

function withoutLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '')
}

/** Every scalar stays a text: a password may be digits alone. */
function parseYaml(text: string): unknown {
  try {
    return parse(text, { schema: 'failsafe', prettyErrors: false, uniqueKeys: false, maxAliasCount: 10 })
  } catch {
    return undefined
  }
}
