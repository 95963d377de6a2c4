import { createHash } from 'node:crypto'
import type { Answer } from './connections.ts'
import { isAbsent, unreachable } from './failure.ts'
import { type ImageTimes, isFields, parseFields, timesOfConfig, timesOfSchema1 } from './image-time.ts'
import type { Ask, RepositoryRequests } from './request.ts'

/** What an image says of itself. */
export type ImageDescription = ImageTimes & {
  /** Of the manifest that the tag names, be it an image or a list of images. */
  digest: string
}

const manifestTypes = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  // only for what is stored as nothing else
  'application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.1',
].join(', ')
const maxManifestBytes = 4 * 1024 * 1024
export const digestPattern = /^sha256:[0-9a-f]{64}$/
/** A list with parts that are not there, as copies of some platforms are, is tried so often. */
const mostParts = 4

type Fields = Record<string, unknown>
type Manifest = { digest: string; fields: Fields | undefined }

/** HEAD without `Accept` says 404 for OCI images at some registries. */
export async function digestOfTag(requests: RepositoryRequests, tag: string): Promise<string | undefined> {
  const ask: Ask = manifestAsk(tag, 'HEAD')
  const answer = await requests.send(ask)
  if (isAbsent(answer, 'HEAD')) return undefined
  const digest = digestHeader(answer)
  if (answer.status === 200 && digest) return digest
  if (answer.status !== 200 && answer.status !== 405) throw requests.failure(ask, answer)
  return (await readManifest(requests, tag))?.digest
}

/**
 * A tag whose image is malformed, or no image at all, has a digest and no time (hazard E4). What is known under its digest is not
 * read again; where each manifest that is read counts as a pull, the digest is asked for first.
 */
export async function describeImage(requests: RepositoryRequests, tag: string): Promise<ImageDescription | undefined> {
  if (requests.countsPulls) {
    const digest = await digestOfTag(requests, tag)
    if (digest === undefined) return undefined
    const known = await requests.images.get(digest)
    if (known) return { digest, ...known }
  }
  const found = await readManifest(requests, tag)
  if (!found) return undefined
  const { digest, fields } = found
  if (fields && isSchema1(fields)) return { digest, ...timesOfSchema1(fields) }
  const { images, signal } = requests
  return { digest, ...(await images.getOrRead(digest, async () => await readTimes(requests, found), signal)) }
}

/** Undefined where a part of the image is not there (yet). */
async function readTimes(requests: RepositoryRequests, found: Manifest): Promise<ImageTimes | undefined> {
  const image = await imageOf(requests, found)
  if (!image) return undefined
  const config = digestIn(image.fields?.config)
  return config ? await readConfig(requests, config) : {}
}

/** The manifest itself, or of a list the first of its images that is there. */
async function imageOf(requests: RepositoryRequests, found: Manifest): Promise<Manifest | undefined> {
  const parts = partsOf(found.fields)
  if (!parts || parts.length === 0) return found
  for (const digest of parts.slice(0, mostParts)) {
    const part = await readManifest(requests, digest)
    if (part) return part
  }
  return undefined
}

function manifestAsk(reference: string, method: 'GET' | 'HEAD'): Ask {
  const target = `/manifests/${reference}`
  return { target, method, accept: manifestTypes, maxBytes: maxManifestBytes, what: `the image ${reference}` }
}

/** The manifest of a tag or digest; undefined when there is none. One that was asked for by digest has it. */
export async function readManifest(requests: RepositoryRequests, reference: string): Promise<Manifest | undefined> {
  const ask = manifestAsk(reference, 'GET')
  const answer = await requests.send(ask)
  if (isAbsent(answer, 'GET')) return undefined
  if (answer.status !== 200) throw requests.failure(ask, answer)
  const fields = readFields(answer)
  const digest = digestOfBody(answer)
  const said = digestHeader(answer)
  // its digest leaves out the signatures that stand in it
  if (fields && isSchema1(fields)) return { digest: said ?? digest, fields }
  const wanted = digestPattern.test(reference) ? reference : said
  if (wanted !== undefined && digest !== wanted) throw wrongContent(requests, wanted)
  return { digest, fields }
}

async function readConfig(requests: RepositoryRequests, digest: string): Promise<ImageTimes | undefined> {
  const ask: Ask = {
    target: `/blobs/${digest}`,
    accept: '*/*',
    maxBytes: maxManifestBytes,
    what: `the configuration ${digest}`,
  }
  const answer = await requests.send(ask)
  if (isAbsent(answer, 'GET')) return undefined
  if (answer.status !== 200) throw requests.failure(ask, answer)
  if (digestOfBody(answer) !== digest) throw wrongContent(requests, digest)
  return timesOfConfig(readFields(answer))
}

/** The registry gave something else than was asked for by digest. */
export function wrongContent(requests: RepositoryRequests, digest: string): Error {
  return unreachable(requests.host, `what it gives for ${digest} has another digest`)
}

function isSchema1({ schemaVersion }: Fields): boolean {
  return schemaVersion === 1
}

/** Images in a list, linux/amd64 first and then in its own order; attestations are for no platform. Undefined for no list. */
function partsOf(fields: Fields | undefined): string[] | undefined {
  if (!Array.isArray(fields?.manifests)) return undefined
  const entries = fields.manifests.filter(isFields).map((entry) => {
    const platform = isFields(entry.platform) ? entry.platform : {}
    return { digest: digestIn(entry), os: platform.os, architecture: platform.architecture }
  })
  const images = entries.filter(({ digest, os }) => digest && os !== 'unknown')
  const isUsual = ({ os, architecture }: (typeof images)[number]) => os === 'linux' && architecture === 'amd64'
  const sorted = [...images.filter(isUsual), ...images.filter((image) => !isUsual(image))]
  return [...new Set(sorted.flatMap(({ digest }) => digest ?? []))]
}

function digestIn(value: unknown): string | undefined {
  const digest = isFields(value) ? value.digest : undefined
  return typeof digest === 'string' && digestPattern.test(digest) ? digest : undefined
}

function digestHeader({ headers }: Answer): string | undefined {
  const digest = headers['docker-content-digest']
  return typeof digest === 'string' && digestPattern.test(digest) ? digest : undefined
}

/** SHA-256 as `sha256:hex`. */
export function digestOfBody({ body }: Answer): string {
  return `sha256:${createHash('sha256').update(body).digest('hex')}`
}

function readFields({ body }: Answer): Fields | undefined {
  return parseFields(new TextDecoder().decode(body))
}
