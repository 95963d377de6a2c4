import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import type { Egress, EgressResponse } from '../../lib/egress.ts'
import { exists, hashOf, unlessAborted } from './chart-cache.ts'
import { type IndexEntry, readIndex } from './chart-index.ts'
import { unpackChart } from './unpack.ts'

export type RepositoryChart = { url: string; name: string; version: string }

export type Repositories = {
  /** All versions of a chart; empty when the repository has no such chart. Throws ChartNotFound, ChartAuthFailed. */
  entries(source: RepositoryChart, signal: AbortSignal): Promise<IndexEntry[]>
  /** Unpacks one version into a folder. Throws ChartNotFound, ChartAuthFailed. */
  download(source: RepositoryChart, entry: IndexEntry, folder: string): Promise<void>
}

/** Hazard I4. */
const maxIndexBytes = 50 * 1024 * 1024
const maxArchiveBytes = 10 * 1024 * 1024
const fetchTimeoutMs = 30_000
/** An index is asked for again after this time, with its ETag. */
const indexForMs = 30_000

type Index = { file: string; etag: string; readAt: number; charts: Map<string, IndexEntry[]> }

/** Helm repositories by http(s). Each index is fetched once for all who ask at the same time, and kept. */
export function createRepositories(options: { directory: string; egress: Egress; now: () => number }): Repositories {
  const { directory, egress, now } = options
  const indexes = new Map<string, Index>()
  const asking = new Map<string, Promise<Index>>()

  async function indexOf(url: string, signal: AbortSignal): Promise<Index> {
    const before = indexes.get(url)
    if (before && now() - before.readAt < indexForMs && (await exists(before.file))) return before
    let running = asking.get(url)
    if (!running) {
      running = ask(url, before).finally(() => asking.delete(url))
      asking.set(url, running)
    }
    return await unlessAborted(running, signal)
  }

  /** The text stays on disk and only the charts that are asked for in memory: an index may have 50 MB. */
  async function ask(url: string, before: Index | undefined): Promise<Index> {
    const file = join(directory, `index-${hashOf(url)}.yaml`)
    const etag = before && (await exists(file)) ? before.etag : ''
    const headers: Record<string, string> = etag ? { 'if-none-match': etag } : {}
    const place = new URL('index.yaml', withSlash(url)).href
    const response = await get(egress, { url: withLogin(place, url), maxBytes: maxIndexBytes, headers })
    if (response.status === 304 && before) {
      before.readAt = now()
      return before
    }
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const temporary = `${file}.${randomUUID()}`
    await writeFile(temporary, response.body, { mode: 0o600 })
    await rename(temporary, file)
    const index = { file, etag: response.headers.etag ?? '', readAt: now(), charts: new Map<string, IndexEntry[]>() }
    indexes.set(url, index)
    return index
  }

  return {
    async entries({ url, name }, signal) {
      mustBeHttp(url)
      const index = await indexOf(url, signal)
      const seen = index.charts.get(name)
      if (seen) return seen
      const entries = readIndex(await readFile(index.file, 'utf8'), name)
      if (!entries) throw new AppError('ChartNotFound', `the index of ${hidden(url)} is not a chart index`)
      index.charts.set(name, entries)
      return entries
    },
    async download({ url, name }, entry, folder) {
      const place = new URL(entry.urls[0] ?? '', withSlash(url)).href
      const { body } = await get(egress, { url: withLogin(place, url), maxBytes: maxArchiveBytes, headers: {} })
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

type Wanted = { url: string; maxBytes: number; headers: Record<string, string> }

async function get(egress: Egress, wanted: Wanted): Promise<EgressResponse> {
  const place = hidden(wanted.url)
  const response = await egress({ ...wanted, timeoutMs: fetchTimeoutMs }).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : 'no answer'
    throw new AppError('ChartNotFound', `${place} could not be read: ${why}`, { cause: error })
  })
  const { status } = response
  if (status === 401 || status === 403)
    throw new AppError('ChartAuthFailed', `${place} refused the credentials (${status})`)
  if (status !== 200 && status !== 304) throw new AppError('ChartNotFound', `${place} answered ${status}`)
  return response
}

/** The login in a repository's URL counts for what its index names on the same host, and nowhere else (hazard I9). */
function withLogin(url: string, repository: string): string {
  const [place, source] = [new URL(url), new URL(repository)]
  if (place.origin !== source.origin || place.username) return url
  place.username = source.username
  place.password = source.password
  return place.href
}

function mustBeHttp(url: string): void {
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return
  const message = `${hidden(url)}: only http and https chart repositories are supported`
  throw new AppError('ChartNotFound', message, { retry: 'never' })
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`
}

/** Without user, password and query: either may hold a secret. */
export function hidden(url: string): string {
  if (!URL.canParse(url)) return 'the chart repository (its URL is not valid)'
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
