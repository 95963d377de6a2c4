import { gunzipSync } from 'node:zlib'
import type { KubeObject } from '../../domain/manifest/object.ts'

/** What helm keeps of a revision (helm.sh/helm/v3/pkg/release), as far as it is compared. */
export type StoredRelease = {
  config: Record<string, unknown>
  chartName: string
  chartVersion: string
  /** Template file name → content. */
  templates: Map<string, string>
  manifest: string
}

/** Decodes one of helm's release Secrets; undefined when it is not one. Very old ones are not gzipped (helm-operator §3.4). */
export function decodeStoredRelease(secret: KubeObject): StoredRelease | undefined {
  const encoded = (secret.data as Record<string, string> | undefined)?.release
  if (!encoded) return undefined
  try {
    const inner = Buffer.from(Buffer.from(encoded, 'base64').toString(), 'base64')
    const json =
      inner[0] === 0x1f && inner[1] === 0x8b ? gunzipSync(inner, { maxOutputLength: 64 * 1024 * 1024 }) : inner
    return readRelease(JSON.parse(json.toString()) as Raw)
  } catch {
    return undefined
  }
}

type Raw = {
  config?: Record<string, unknown> | null
  manifest?: string
  chart?: { metadata?: { name?: string; version?: string }; templates?: { name: string; data: string }[] }
}

function readRelease({ config, manifest, chart }: Raw): StoredRelease {
  const templates = new Map(
    (chart?.templates ?? []).map(({ name, data }) => [name, Buffer.from(data, 'base64').toString()]),
  )
  return {
    config: config ?? {},
    chartName: chart?.metadata?.name ?? '',
    chartVersion: chart?.metadata?.version ?? '',
    templates,
    manifest: manifest ?? '',
  }
}
