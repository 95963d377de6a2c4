import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'

export type PushImageOptions = {
  /** `127.0.0.1:PORT` of a plain-HTTP registry. */
  registry: string
  /** Repository name without the host, such as `shop/web`. */
  repository: string
  tag: string
  /** When the image says it was made. Default now. */
  created?: Date
}

/**
 * Pushes a tiny image (one small layer, Docker manifest schema 2) with plain requests and returns its digest. Each tag is an
 * image of its own. Nothing can run it: it is there to be listed, and kwok only plays that it runs.
 */
export async function pushImage(options: PushImageOptions): Promise<string> {
  const { registry, repository, tag, created = new Date() } = options
  const base = `http://${registry}/v2/${repository}`
  // An empty tar archive: two zero blocks.
  const archive = Buffer.alloc(1024)
  const layer = gzipSync(archive)
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      created: created.toISOString(),
      config: { Labels: { 'org.opencontainers.image.version': tag } },
      rootfs: { type: 'layers', diff_ids: [digest(archive)] },
    }),
  )
  await Promise.all([putBlob(base, layer), putBlob(base, config)])
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: descriptor('application/vnd.docker.container.image.v1+json', config),
      layers: [descriptor('application/vnd.docker.image.rootfs.diff.tar.gzip', layer)],
    }),
  )
  await send('PUT', `${base}/manifests/${tag}`, manifest, manifestType)
  return digest(manifest)
}

const manifestType = 'application/vnd.docker.distribution.manifest.v2+json'

async function putBlob(base: string, blob: Buffer): Promise<void> {
  const session = await send('POST', `${base}/blobs/uploads/`)
  const location = new URL(session.headers.get('location') ?? '', base)
  location.searchParams.set('digest', digest(blob))
  await send('PUT', location.href, blob, 'application/octet-stream')
}

async function send(method: string, url: string, body?: Buffer, type?: string): Promise<Response> {
  const response = await fetch(url, {
    method,
    ...(body && { body: new Uint8Array(body) }),
    ...(type && { headers: { 'content-type': type } }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`)
  return response
}

function descriptor(mediaType: string, blob: Buffer): object {
  return { mediaType, size: blob.length, digest: digest(blob) }
}

function digest(blob: Buffer): string {
  return `sha256:${createHash('sha256').update(blob).digest('hex')}`
}
