import { AppError } from '../../domain/error.ts'
import { isFields } from './image-time.ts'
import { digestOfBody, digestPattern, readManifest, wrongContent } from './manifest.ts'
import type { Ask, RepositoryRequests } from './request.ts'

/** Which layer of which artifact is wanted. */
export type ArtifactRequest = {
  /** A tag, or `sha256:` and 64 hex. */
  reference: string
  /** Media types that will do. */
  layerTypes: readonly string[]
  maxBytes: number
}

export type Artifact = {
  /** Of the manifest. */
  digest: string
  layer: Uint8Array
}

/** Both digests are checked by what came: that of the manifest where it was asked for by digest, and that of the layer. */
export async function readArtifact(
  requests: RepositoryRequests,
  { reference, layerTypes, maxBytes }: ArtifactRequest,
): Promise<Artifact | undefined> {
  const manifest = await readManifest(requests, reference)
  if (!manifest) return undefined
  const layers = Array.isArray(manifest.fields?.layers) ? manifest.fields.layers.filter(isFields) : []
  const found = layers.filter(({ mediaType }) => layerTypes.includes(String(mediaType)))
  const { digest, size } = found[0] ?? {}
  if (found.length !== 1 || typeof digest !== 'string' || !digestPattern.test(digest))
    throw refused(requests, reference, 'holds something else than was looked for')
  if (typeof size === 'number' && size > maxBytes)
    throw refused(requests, reference, `is larger than ${Math.round(maxBytes / 1024 / 1024)} MB`)
  const ask: Ask = { target: `/blobs/${digest}`, accept: '*/*', maxBytes, what: `the content ${digest}` }
  const answer = await requests.send(ask)
  if (answer.status !== 200) throw requests.failure(ask, answer)
  if (digestOfBody(answer) !== digest) throw wrongContent(requests, digest)
  return { digest: manifest.digest, layer: answer.body }
}

function refused({ host, path }: RepositoryRequests, reference: string, why: string): AppError {
  return new AppError('RegistryUnreachable', `${reference} of ${host}/${path} ${why}`, { retry: 'never' })
}
