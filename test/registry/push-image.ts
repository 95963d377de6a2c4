import { createHash } from 'node:crypto'
import { request } from 'undici'

/** What of an image can be chosen; the rest is as small as it can be. */
export type TinyImage = {
  /** RFC 3339; absent: the image has no time. */
  created?: string
  labels?: Record<string, string>
  /** Platforms of a list of images; absent: one image without a list. */
  platforms?: { os: string; architecture: string; created?: string }[]
  type?: 'oci' | 'docker'
}

const types = {
  oci: {
    index: 'application/vnd.oci.image.index.v1+json',
    manifest: 'application/vnd.oci.image.manifest.v1+json',
    config: 'application/vnd.oci.image.config.v1+json',
  },
  docker: {
    index: 'application/vnd.docker.distribution.manifest.list.v2+json',
    manifest: 'application/vnd.docker.distribution.manifest.v2+json',
    config: 'application/vnd.docker.container.image.v1+json',
  },
}

/** Pushes an image to a plain-HTTP registry as a client would; gives the digest that the tag names then. */
export async function pushImage(registry: string, path: string, tag: string, image: TinyImage = {}): Promise<string> {
  const { platforms, type = 'oci' } = image
  if (!platforms) return (await pushManifest(registry, path, tag, image)).digest
  const manifests: unknown[] = []
  for (const { os, architecture, ...rest } of platforms) {
    const { digest, size } = await pushManifest(registry, path, undefined, { ...rest, type })
    manifests.push({ mediaType: types[type].manifest, digest, size, platform: { os, architecture } })
  }
  const body = JSON.stringify({ schemaVersion: 2, mediaType: types[type].index, manifests })
  await put(registry, `/v2/${path}/manifests/${tag}`, body, types[type].index)
  return digestOf(body)
}

async function pushManifest(
  registry: string,
  path: string,
  tag: string | undefined,
  { created, labels, type = 'oci' }: TinyImage,
): Promise<{ digest: string; size: number }> {
  const rootfs = { type: 'layers', diff_ids: [] }
  const own = { ...(created ? { created } : {}), ...(labels ? { config: { Labels: labels } } : {}) }
  const config = JSON.stringify({ architecture: 'amd64', os: 'linux', ...own, rootfs })
  await pushBlob(registry, path, config)
  const descriptor = { mediaType: types[type].config, digest: digestOf(config), size: config.length }
  const body = JSON.stringify({ schemaVersion: 2, mediaType: types[type].manifest, config: descriptor, layers: [] })
  const digest = digestOf(body)
  await put(registry, `/v2/${path}/manifests/${tag ?? digest}`, body, types[type].manifest)
  return { digest, size: body.length }
}

async function pushBlob(registry: string, path: string, content: string): Promise<void> {
  const started = await request(`http://${registry}/v2/${path}/blobs/uploads/`, { method: 'POST' })
  await started.body.dump()
  const place = new URL(String(started.headers.location), `http://${registry}`)
  place.searchParams.set('digest', digestOf(content))
  await put(registry, `${place.pathname}${place.search}`, content, 'application/octet-stream')
}

async function put(registry: string, path: string, body: string, type: string): Promise<void> {
  const answer = await request(`http://${registry}${path}`, { method: 'PUT', body, headers: { 'content-type': type } })
  const text = await answer.body.text()
  if (answer.statusCode !== 201) throw new Error(`PUT ${path}: ${answer.statusCode} ${text}`)
}

export function digestOf(content: string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}
