import { createHash } from 'node:crypto'
import type { Answer } from './connections.ts'
import { isAbsent, unreachable } from './failure.ts'
import type { Ask, RepositoryRequests } from './request.ts'

/** What an image says of itself. */
export type ImageDescription = {
  /** Of the manifest that the tag names, be it an image or a list of images. */
  digest: string
  /** Milliseconds since 1970; absent when the image has no time of its own. */
  created?: number
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')
const maxManifestBytes = 4 * 1024 * 1024
const digestPattern = /^sha256:[0-9a-f]{64}$/

type Fields = Record<string, unknown>

/** HEAD without `Accept` says 404 for OCI images at some registries. */
export async function digestOfTag(requests: RepositoryRequests, tag: string): Promise<string | undefined> {
  const ask: Ask = manifestAsk(tag, 'HEAD')
  const answer = await requests.send(ask)
  if (isAbsent(answer, 'HEAD')) return undefined
  const digest = answer.headers['docker-content-digest']
  if (answer.status === 200 && typeof digest === 'string' && digestPattern.test(digest)) return digest
  if (answer.status !== 200 && answer.status !== 405) throw requests.failure(ask, answer)
  return (await readManifest(requests, tag))?.digest
}

/** A tag whose image is malformed, or no image at all, has a digest and no time (hazard E4). */
export async function describeImage(requests: RepositoryRequests, tag: string): Promise<ImageDescription | undefined> {
  const found = await readManifest(requests, tag)
  if (!found) return undefined
  const { digest } = found
  const child = digestOfPlatform(found.fields)
  const image = child ? await readManifest(requests, child) : found
  const config = image && digestIn(image.fields?.config)
  if (!config) return { digest }
  const known = requests.times.get(config)
  if (known) return { digest, ...known }
  const time = await readTime(requests, config)
  requests.times.set(config, time)
  return { digest, ...time }
}

function manifestAsk(reference: string, method: 'GET' | 'HEAD'): Ask {
  const target = `/manifests/${reference}`
  return { target, method, accept: manifestTypes, maxBytes: maxManifestBytes, what: `the image ${reference}` }
}

async function readManifest(
  requests: RepositoryRequests,
  reference: string,
): Promise<{ digest: string; fields: Fields | undefined } | undefined> {
  const ask = manifestAsk(reference, 'GET')
  const answer = await requests.send(ask)
  if (isAbsent(answer, 'GET')) return undefined
  if (answer.status !== 200) throw requests.failure(ask, answer)
  const digest = digestOfBody(answer)
  if (digestPattern.test(reference) && digest !== reference) throw wrongContent(requests, reference)
  return { digest, fields: readFields(answer) }
}

async function readTime(requests: RepositoryRequests, digest: string): Promise<{ created?: number }> {
  const ask: Ask = {
    target: `/blobs/${digest}`,
    accept: '*/*',
    maxBytes: maxManifestBytes,
    what: `the configuration ${digest}`,
  }
  const answer = await requests.send(ask)
  if (isAbsent(answer, 'GET')) return {}
  if (answer.status !== 200) throw requests.failure(ask, answer)
  if (digestOfBody(answer) !== digest) throw wrongContent(requests, digest)
  const created = parseTime(readFields(answer)?.created)
  return created === undefined ? {} : { created }
}

function wrongContent(requests: RepositoryRequests, digest: string): Error {
  return unreachable(requests.host, `what it gives for ${digest} has another digest`)
}

/** Of a list: linux/amd64, else the first that is for a platform at all (attestations are for none). */
function digestOfPlatform(fields: Fields | undefined): string | undefined {
  if (!Array.isArray(fields?.manifests)) return undefined
  const entries = fields.manifests.filter(isFields).map((entry) => {
    const platform = isFields(entry.platform) ? entry.platform : {}
    return { digest: digestIn(entry), os: platform.os, architecture: platform.architecture }
  })
  const images = entries.filter(({ digest, os }) => digest && os !== 'unknown')
  return (images.find(({ os, architecture }) => os === 'linux' && architecture === 'amd64') ?? images[0])?.digest
}

function digestIn(value: unknown): string | undefined {
  const digest = isFields(value) ? value.digest : undefined
  return typeof digest === 'string' && digestPattern.test(digest) ? digest : undefined
}

/** The year 1 stands for "no time" where Go wrote it; 1970 is what reproducible builds say and counts. */
function parseTime(value: unknown): number | undefined {
  if (typeof value !== 'string' || !/^\d{4}-\d\d-\d\d[Tt ]/.test(value)) return undefined
  const time = Date.parse(value)
  return Number.isNaN(time) || time < 0 ? undefined : time
}

function digestOfBody({ body }: Answer): string {
  return `sha256:${createHash('sha256').update(body).digest('hex')}`
}

function readFields({ body }: Answer): Fields | undefined {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(body))
    return isFields(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
