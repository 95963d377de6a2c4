import { createHash } from 'node:crypto'
import { parse } from 'yaml'
import { AppError } from '../../domain/error.ts'
import { pickChartVersion } from '../../domain/release/chart-version.ts'
import type { Egress } from '../../lib/egress.ts'

/** One version of a chart in an index. */
export type ChartEntry = { version: string; urls: string[]; digest: string }

export type ChartName = { url: string; name: string; version: string }

/** Helm repositories by http(s): their indexes, kept for a while and asked for again with their ETag, and their archives. */
export type Repositories = {
  /** The version that is named, or the newest in the range. Throws ChartNotFound, ChartAuthFailed. */
  find(chart: ChartName, signal: AbortSignal): Promise<ChartEntry>
  /** The archive, with the digest that the index gives. Throws ChartNotFound, ChartAuthFailed. */
  download(chart: ChartName, entry: ChartEntry, signal: AbortSignal): Promise<Uint8Array>
}

/** Hazard I4: what an index and an archive may hold. */
const maxIndexBytes = 50 * 1024 * 1024
const maxArchiveBytes = 10 * 1024 * 1024
const fetchTimeoutMs = 30_000
/** An index is asked for again after this time. */
const indexForMs = 30_000

type Index = { entries: Map<string, ChartEntry[]>; etag: string; readAt: number }

export function createRepositories({ egress, now }: { egress: Egress; now: () => number }): Repositories {
  const indexes = new Map<string, Index>()

  async function indexOf(url: string, signal: AbortSignal): Promise<Index> {
    const before = indexes.get(url)
    if (before && now() - before.readAt < indexForMs) return before
    const href = new URL('index.yaml', withSlash(url)).href
    const response = await get(egress, href, { maxBytes: maxIndexBytes, signal, etag: before?.etag ?? '' })
    const index: Index =
      response.status === 304 && before
        ? { ...before, readAt: now() }
        : { ...readIndex(response.body, url), etag: response.headers.etag ?? '', readAt: now() }
    indexes.set(url, index)
    return index
  }

  return {
    async find(chart, signal) {
      const index = await indexOf(chart.url, signal)
      const entries = index.entries.get(chart.name) ?? []
      const version = pickChartVersion(
        entries.map((entry) => entry.version),
        chart.version,
      )
      const entry = entries.find((one) => one.version === version)
      if (!entry) throw notFound(chart, entries.length > 0)
      return entry
    },
    async download(chart, entry, signal) {
      const href = new URL(entry.urls[0] ?? '', withSlash(chart.url)).href
      const { body } = await get(egress, href, { maxBytes: maxArchiveBytes, signal, etag: '' })
      const digest = createHash('sha256').update(body).digest('hex')
      if (entry.digest && entry.digest.replace(/^sha256:/, '') !== digest) {
        throw new AppError(
          'ChartNotFound',
          `the archive of chart ${chart.name} ${entry.version} does not have the digest that its index gives`,
        )
      }
      return body
    },
  }
}

function notFound({ url, name, version }: { url: string; name: string; version: string }, hasChart: boolean): AppError {
  const what = hasChart ? `chart ${name} has no version ${version}` : `there is no chart ${name}`
  return new AppError('ChartNotFound', `${what} in ${hidden(url)}`)
}

async function get(egress: Egress, url: string, options: { maxBytes: number; signal: AbortSignal; etag: string }) {
  const { maxBytes, signal, etag } = options
  let response: Awaited<ReturnType<Egress>>
  try {
    response = await egress({
      url,
      maxBytes,
      signal,
      timeoutMs: fetchTimeoutMs,
      ...(etag ? { headers: { 'if-none-match': etag } } : {}),
    })
  } catch (error) {
    throw new AppError(
      'ChartNotFound',
      `${hidden(url)} could not be read: ${error instanceof Error ? error.message : 'no answer'}`,
      { cause: error },
    )
  }
  if (response.status === 401 || response.status === 403)
    throw new AppError('ChartAuthFailed', `${hidden(url)} refused the credentials (${response.status})`)
  if (response.status !== 200 && response.status !== 304)
    throw new AppError('ChartNotFound', `${hidden(url)} answered ${response.status}`)
  return response
}

function readIndex(body: Uint8Array, url: string): Pick<Index, 'entries'> {
  const entries = new Map<string, ChartEntry[]>()
  const text = Buffer.from(body).toString()
  const parsed = parseIndex(text, url)
  for (const [name, versions] of Object.entries(parsed.entries ?? {})) {
    if (!Array.isArray(versions)) continue
    const usable = versions.filter(
      (one): one is Raw =>
        typeof one?.version === 'string' && Array.isArray(one.urls) && typeof one.urls[0] === 'string',
    )
    entries.set(
      name,
      usable.map(({ version, urls, digest }) => ({ version, urls, digest: digest ?? '' })),
    )
  }
  return { entries }
}

type Raw = { version: string; urls: string[]; digest?: string }

function parseIndex(text: string, url: string): { entries?: Record<string, (Raw | null)[]> } {
  try {
    const value: unknown = text.trimStart().startsWith('{')
      ? JSON.parse(text)
      : parse(text, { uniqueKeys: false, prettyErrors: false, maxAliasCount: 0 })
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    throw new AppError('ChartNotFound', `the index of ${hidden(url)} is not YAML`)
  }
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`
}

/** Without user, password and query: either may hold a secret. */
function hidden(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url)
    return `${protocol}//${host}${pathname}`
  } catch {
    return 'the chart repository (its URL is not valid)'
  }
}
