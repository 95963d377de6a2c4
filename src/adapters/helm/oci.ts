import { mkdir } from 'node:fs/promises'
import { AppError, toAppError } from '../../domain/error.ts'
import { isInsecureHost, parseRef, repositoryOf, splitRepository } from '../../domain/image/ref.ts'
import type { ChartAccess } from '../../domain/release/chart-access.ts'
import { isExactVersion, pickChartVersion, splitChartVersion } from '../../domain/release/chart-version.ts'
import type { TlsSettings } from '../../lib/egress.ts'
import { untilAborted } from '../../lib/until-aborted.ts'
import { createRecent } from './recent.ts'
import type { RepositoryChart } from './repositories.ts'
import { maxArchiveBytes, unpackChart } from './unpack.ts'

type RegistryLogin = { username: string; password: string; identityToken?: string }
type RegistryAccess = { auth?: RegistryLogin; insecure: boolean; tls?: TlsSettings }

/** Logins of the operator and of the cloud for those who bring none; adapters/registry has them. */
export type RegistryLogins = {
  find(registry: { host: string; insecure: boolean }, signal?: AbortSignal): Promise<RegistryLogin | undefined>
  /** A registry refused what `find` gave. */
  refused(host: string): void
}

/** What is needed of a registry; adapters/registry is one. */
export type ChartRegistry = {
  tags(repository: string, access: RegistryAccess, signal?: AbortSignal): Promise<string[]>
  digest(repository: string, tag: string, access: RegistryAccess, signal?: AbortSignal): Promise<string | undefined>
  artifact(
    repository: string,
    wanted: { reference: string; layerTypes: readonly string[]; maxBytes: number },
    access: RegistryAccess,
    signal?: AbortSignal,
  ): Promise<{ digest: string; layer: Uint8Array } | undefined>
}

/** One chart of a registry: what its tag means now. */
export type OciChart = { repository: string; digest: string; access: RegistryAccess }

export type OciRepositories = {
  /** Which content a version, a range or a digest means. Throws ChartNotFound, ChartAuthFailed, RateLimited. */
  find(source: RepositoryChart, signal: AbortSignal): Promise<OciChart>
  /** Unpacks it into a folder. Throws as `find`. */
  download(chart: OciChart, folder: string): Promise<void>
}

/** helm 3.7 and newer push the first, older ones the second. */
const layerTypes = ['application/vnd.cncf.helm.chart.content.v1.tar+gzip', 'application/tar+gzip']
/** A list of tags counts for this long. */
const tagsForMs = 30_000
const mostRepositories = 500
const mostTags = 5_000

/** Charts in OCI registries. The tags of each repository are listed once for all who ask at the same time. */
export function createOciRepositories(options: {
  registry: ChartRegistry
  insecureHosts: readonly string[]
  logins?: RegistryLogins
  now: () => number
}): OciRepositories {
  const { registry, insecureHosts, logins, now } = options
  const recent = createRecent<string[]>({ forMs: tagsForMs, most: mostRepositories, now })
  const digests = createRecent<{ digest: string | undefined }>({ forMs: tagsForMs, most: mostTags, now })

  async function tagFor(source: RepositoryChart, version: string, place: Place, signal: AbortSignal): Promise<string> {
    const key = `${place.repository} ${source.accessKey}`
    const tags = await untilAborted(
      recent.get(key, () => registry.tags(place.repository, place.access)),
      signal,
    )
    // a tag takes no plus sign; helm writes an underscore
    const versions = new Map(tags.map((tag) => [tag.replaceAll('_', '+'), tag]))
    const picked = pickChartVersion([...versions.keys()], version)
    const tag = picked === undefined ? undefined : versions.get(picked)
    if (tag !== undefined) return tag
    const what = tags.length === 0 ? 'there is no chart' : `there is no version ${version}`
    throw new AppError('ChartNotFound', `${what} at oci://${place.repository}`)
  }

  async function digestOf(source: RepositoryChart, place: Place, signal: AbortSignal): Promise<string> {
    const { version, digest } = splitChartVersion(source.version)
    const ask = async (reference: string): Promise<string | undefined> => {
      const key = `${place.repository} ${source.accessKey} ${reference}`
      const asking = digests.get(key, async () => ({
        digest: await registry.digest(place.repository, reference, place.access),
      }))
      return (await untilAborted(asking, signal)).digest
    }
    if (digest !== undefined) {
      const found = await ask(digest)
      if (found === digest) return digest
      throw new AppError('ChartNotFound', `there is no content ${digest} at oci://${place.repository}`)
    }
    const direct = isExactVersion(version) ? await ask(version.replaceAll('+', '_')) : undefined
    if (direct !== undefined) return direct
    const tag = await tagFor(source, version, place, signal)
    const found = await ask(tag)
    if (found === undefined) throw new AppError('ChartNotFound', `tag ${tag} is gone from oci://${place.repository}`)
    return found
  }

  async function lend({ host, repository, access }: Place, signal: AbortSignal): Promise<Place | undefined> {
    const auth = await logins?.find({ host, insecure: access.insecure }, signal)
    return auth && { host, repository, access: { ...access, auth } }
  }

  return {
    async find(source, signal) {
      const place = placeOf(source, insecureHosts)
      return await translated(async () => {
        const lent = source.access ? undefined : await lend(place, signal)
        const { repository, access } = lent ?? place
        try {
          return { repository, access, digest: await digestOf(source, { ...place, access }, signal) }
        } catch (error) {
          if (lent && toAppError(error).reason === 'RegistryAuthFailed') logins?.refused(place.host)
          throw error
        }
      }, signal)
    },
    async download({ repository, digest, access }, folder) {
      const wanted = { reference: digest, layerTypes, maxBytes: maxArchiveBytes }
      const found = await translated(() => registry.artifact(repository, wanted, access))
      if (!found) throw new AppError('ChartNotFound', `the chart is gone from oci://${repository}`)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await unpackChart(found.layer, folder)
    },
  }
}

type Place = { host: string; repository: string; access: RegistryAccess }

/** `oci://host/path` and the chart's name below it. A login in the URL is none: helm refuses that, too. */
function placeOf({ url, name, access }: RepositoryChart, insecureHosts: readonly string[]): Place {
  const text = `${url.replace(/^oci:\/\//i, '').replace(/\/+$/, '')}/${name}`
  const ref = text.includes('@') ? undefined : parseRef(text)
  const repository = ref && ref.tag === undefined ? repositoryOf(ref) : ''
  const host = splitRepository(repository)?.host
  if (host === undefined) {
    const message =
      'the repository is no oci://host/path, or has a login in it: name a Secret in chartPullSecret instead'
    throw new AppError('ChartNotFound', message, { retry: 'never' })
  }
  return { host, repository, access: accessTo(host, access, insecureHosts) }
}

function accessTo(host: string, access: ChartAccess | undefined, insecureHosts: readonly string[]): RegistryAccess {
  const insecure = isInsecureHost(host, insecureHosts)
  if (!access) return { insecure }
  const { username, password, tls } = access
  return {
    insecure,
    ...(username === '' ? {} : { auth: { username, password } }),
    ...(Object.keys(tls).length === 0 ? {} : { tls }),
  }
}

/** The registry's words for what went wrong, in those of charts. */
async function translated<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await work()
  } catch (error) {
    signal?.throwIfAborted()
    const { reason, message, retry } = toAppError(error)
    if (reason === 'RegistryAuthFailed')
      throw new AppError('ChartAuthFailed', message.replace('image pull secret', 'chartPullSecret'), { cause: error })
    if (reason === 'RegistryUnreachable') throw new AppError('ChartNotFound', message, { retry, cause: error })
    throw error
  }
}
