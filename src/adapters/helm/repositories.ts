import { createHash } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { AppError } from '../../domain/error.ts'
import type { ChartAccess } from '../../domain/release/chart-access.ts'
import type { Egress, EgressRequest, EgressResponse } from '../../lib/egress.ts'
import { untilAborted } from '../../lib/until-aborted.ts'
import type { IndexEntry } from './chart-index.ts'
import type { ChartPlugins } from './chart-plugins.ts'
import { createIndexFiles, type IndexFile } from './index-files.ts'
import { createRecent } from './recent.ts'
import { maxArchiveBytes, unpackChart } from './unpack.ts'

/** A chart of a repository, and how to reach that. `accessKey`: what is kept for one access is never given to another. */
export type RepositoryChart = {
  url: string
  name: string
  version: string
  access: ChartAccess | undefined
  accessKey: string
}

export type Repositories = {
  /** All versions of a chart; empty when the repository has no such chart. Throws ChartNotFound, ChartAuthFailed. */
  entries(source: RepositoryChart, signal: AbortSignal): Promise<IndexEntry[]>
  /** Unpacks one version into a folder. Throws ChartNotFound, ChartAuthFailed. */
  download(source: RepositoryChart, entry: IndexEntry, folder: string): Promise<void>
}

/** Hazard I4. */
const maxIndexBytes = 50 * 1024 * 1024
const indexTimeoutMs = 60_000
const archiveTimeoutMs = 30_000
/** An index is asked for again after this time, with its ETag. */
const indexForMs = 30_000
const mostIndexes = 500

/** Helm repositories by http(s) or by plugins. Each index is fetched once for all who ask at the same time, and kept. */
export function createRepositories(options: {
  directory: string
  egress: Egress
  plugins?: ChartPlugins
  now: () => number
}): Repositories {
  const files = createIndexFiles(options)
  const recent = createRecent<IndexFile>({ forMs: indexForMs, most: mostIndexes, now: options.now })

  async function ask(source: RepositoryChart, before: IndexFile | undefined): Promise<IndexFile> {
    const { url, access, accessKey } = source
    const place = new URL('index.yaml', withSlash(url))
    place.search = new URL(url).search
    const kept = before && (await files.touch(before)) ? before : undefined
    const headers: Record<string, string> = {
      ...(kept?.etag ? { 'if-none-match': kept.etag } : {}),
      ...(kept?.lastModified ? { 'if-modified-since': kept.lastModified } : {}),
    }
    const wanted = { url: place.href, maxBytes: maxIndexBytes, timeoutMs: indexTimeoutMs, headers }
    const response = await get(options, wanted, { url, access })
    if (response.status === 304 && kept) return kept
    if (response.status === 304) throw new AppError('ChartNotFound', `${hidden(url)} answered 304 to a first question`)
    const saved = await files.save(`${url} ${accessKey}`, hidden(url), response)
    if (before) await rm(before.file, { force: true })
    return saved
  }

  return {
    async entries(source, signal) {
      const key = `${source.url} ${source.accessKey}`
      const find = async () =>
        await untilAborted(
          recent.get(key, (before) => ask(source, before)),
          signal,
        )
      const index = await find()
      try {
        return await files.entries(index, source.name)
      } catch {
        // a newer one took its place, or the folder was deleted
        recent.forget(key, index)
        return await files.entries(await find(), source.name)
      }
    },
    async download({ url, name, access }, entry, folder) {
      const place = placeOf(entry.urls[0] ?? '', url)
      const wanted = { url: place, maxBytes: maxArchiveBytes, timeoutMs: archiveTimeoutMs, headers: {} }
      const { body } = await get(options, wanted, { url, access })
      const digest = createHash('sha256').update(body).digest('hex')
      if (entry.digest && entry.digest !== digest) {
        const message = `the archive of chart ${name} ${entry.version} does not have the digest that its index gives`
        throw new AppError('ChartNotFound', message)
      }
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await unpackChart(body, folder)
    },
  }
}

type Wanted = { url: string; maxBytes: number; timeoutMs: number; headers: Record<string, string> }
type Home = { url: string; access: ChartAccess | undefined }

type Ways = { egress: Egress; plugins?: ChartPlugins }

async function get({ egress, plugins }: Ways, wanted: Wanted, home: Home): Promise<EgressResponse> {
  const place = hidden(wanted.url)
  if (!/^https?:/i.test(wanted.url)) return { status: 200, headers: {}, body: await byPlugin(plugins, wanted, home) }
  const { url, headers, tls } = withAccess(wanted, home)
  const response = await egress({ ...wanted, url, headers, ...(tls ? { tls } : {}) }).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : 'no answer'
    throw new AppError('ChartNotFound', `${place} could not be read: ${why}`, { cause: error })
  })
  const { status } = response
  if (status === 401 || status === 403)
    throw new AppError('ChartAuthFailed', `${place} refused ${home.access ? 'the credentials' : 'access'} (${status})`)
  if (status !== 200 && status !== 304) throw new AppError('ChartNotFound', `${place} answered ${status}`)
  return response
}

/** A plugin is run for repositories of its scheme, not for what the index of another one names. */
async function byPlugin(plugins: ChartPlugins | undefined, wanted: Wanted, home: Home): Promise<Uint8Array> {
  const [place, source] = [new URL(wanted.url), new URL(home.url)]
  if (!plugins || place.protocol !== source.protocol)
    throw new AppError('ChartNotFound', `${hidden(wanted.url)} is not of a scheme that this repository may name`)
  const { access } = home
  const isFor = access && access.username !== '' && (place.host === source.host || access.everywhere)
  const { url, maxBytes, timeoutMs } = wanted
  const login = isFor ? { login: { username: access.username, password: access.password } } : {}
  return await plugins.fetch({ url, maxBytes, timeoutMs, ...login }).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : 'no answer'
    throw new AppError('ChartNotFound', `${hidden(url)} could not be read: ${why}`, { cause: error })
  })
}

/**
 * The login of a repository, given apart or in its URL, counts for what its index names on the same scheme, host and port, and nowhere
 * else (hazard I9); its certificates likewise.
 */
function withAccess(
  { url, headers }: Wanted,
  home: Home,
): Pick<EgressRequest, 'url' | 'tls'> & { headers: Record<string, string> } {
  const [place, source] = [new URL(url), new URL(home.url)]
  const { access } = home
  const isHome = place.origin === source.origin
  if (isHome && !place.username && !access?.username) {
    place.username = source.username
    place.password = source.password
  }
  const isFor = access && access.username !== '' && (isHome || access.everywhere) && !place.username
  const login = isFor ? { authorization: basic(access) } : {}
  const tls = isHome && access && Object.keys(access.tls).length > 0 ? { tls: access.tls } : {}
  return { url: place.href, headers: { ...headers, ...login }, ...tls }
}

function basic({ username, password }: ChartAccess): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** What an index names may be relative; a query of the repository's URL goes along, as with helm. */
function placeOf(named: string, repository: string): string {
  if (!URL.canParse(named, withSlash(repository)))
    throw new AppError('ChartNotFound', `the index of ${hidden(repository)} names no valid URL for the chart`)
  const place = new URL(named, withSlash(repository))
  const source = new URL(repository)
  if (place.origin === source.origin && place.search === '') place.search = source.search
  return place.href
}

function withSlash(url: string): string {
  const place = new URL(url)
  if (!place.pathname.endsWith('/')) place.pathname += '/'
  place.search = ''
  return place.href
}

/** Without user, password and query: either may hold a secret. */
export function hidden(url: string): string {
  if (!URL.canParse(url)) return 'the chart repository (its URL is not valid)'
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
