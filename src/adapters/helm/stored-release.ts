import { gunzipSync, gzipSync } from 'node:zlib'
import { type KubeObject, type ObjectRef, refOf } from '../../domain/manifest/object.ts'
import { parseManifests } from '../../domain/manifest/parse.ts'

/** What helm keeps of a revision (helm.sh/helm/v3/pkg/release), as far as it is compared. */
export type StoredRelease = {
  config: Record<string, unknown>
  chartName: string
  chartVersion: string
  /** The chart's default values; undefined where helm mixed those of subcharts into them. */
  chartValues: Record<string, unknown> | undefined
  /** Templates and other files that helm stores: path in the chart → content. */
  files: Map<string, string>
  /** The objects of its manifest, lists expanded; without hooks and CRDs. */
  objects: ObjectRef[]
  hooks: StoredHook[]
  /** All manifests as one text, hooks last. Holds secrets. */
  manifest: string
}

/** `events`: when it runs, e.g. `test`. `policies`: when helm deletes it, e.g. `before-hook-creation`. */
export type StoredHook = { ref: ObjectRef; events: string[]; policies: string[] }

/** One line of a history. */
export type StoredSummary = { chart: string; appVersion: string; updatedAt: string; description: string }

const maxBytes = 64 * 1024 * 1024

/** Decodes one of helm's release Secrets; undefined when it is not one. Very old ones are not gzipped (helm-operator §3.4). */
export function decodeStoredRelease(secret: KubeObject): StoredRelease | undefined {
  const raw = decode(secret)
  return raw && readRelease(raw)
}

/** What people see of a revision; undefined when it is no Secret of helm's. What an error said may hold secrets and is left out. */
export function summariseStoredRelease(secret: KubeObject): StoredSummary | undefined {
  const raw = decode(secret)
  if (!raw) return undefined
  const { name = '', version = '', appVersion = '' } = raw.chart?.metadata ?? {}
  const { last_deployed: updated, description } = raw.info ?? {}
  const updatedAt = new Date(String(updated))
  return {
    chart: `${name}@${version}`,
    appVersion,
    updatedAt: Number.isNaN(updatedAt.getTime()) ? '' : updatedAt.toISOString(),
    description: typeof description === 'string' ? description.replace(/ failed: .*$/s, ' failed') : '',
  }
}

/**
 * The same Secret with its revision marked failed, which is what helm writes when it is stopped in time or has waited in vain; undefined
 * when it is not one.
 */
export function markFailed(secret: KubeObject, why: string): KubeObject | undefined {
  const raw = decode(secret)
  if (!raw) return undefined
  const failed = { ...raw, info: { ...raw.info, status: 'failed', description: why } }
  const inner = gzipSync(JSON.stringify(failed)).toString('base64')
  const { metadata } = secret
  return {
    ...secret,
    metadata: { ...metadata, labels: { ...metadata.labels, status: 'failed' } },
    data: { ...(secret.data as Record<string, string>), release: Buffer.from(inner).toString('base64') },
  }
}

type File = { name: string; data?: string | null }
type Raw = {
  info?: Record<string, unknown>
  config?: Record<string, unknown> | null
  manifest?: string
  hooks?: { manifest?: string; events?: string[] | null; delete_policies?: string[] | null }[] | null
  chart?: {
    metadata?: { name?: string; version?: string; appVersion?: string; dependencies?: unknown[] | null }
    values?: Record<string, unknown> | null
    templates?: File[] | null
    files?: File[] | null
  }
}

function decode(secret: KubeObject): Raw | undefined {
  const encoded = (secret.data as Record<string, string> | undefined)?.release
  if (!encoded) return undefined
  try {
    const inner = Buffer.from(Buffer.from(encoded, 'base64').toString(), 'base64')
    const json = inner[0] === 0x1f && inner[1] === 0x8b ? gunzipSync(inner, { maxOutputLength: maxBytes }) : inner
    return JSON.parse(json.toString()) as Raw
  } catch {
    return undefined
  }
}

/** The manifests in what helm prints about a release (`-o json`), hooks last. */
export function manifestOf(json: string): string {
  return wholeManifest(JSON.parse(json) as Raw)
}

function wholeManifest({ manifest = '', hooks }: Raw): string {
  return [manifest, ...(hooks ?? []).map((hook) => hook.manifest ?? '')].join('\n---\n')
}

function readRelease(raw: Raw): StoredRelease {
  const { config, manifest, hooks, chart } = raw
  const files = [...(chart?.templates ?? []), ...(chart?.files ?? [])]
  const { name = '', version = '', dependencies } = chart?.metadata ?? {}
  let objects: ObjectRef[] | undefined
  return {
    config: config ?? {},
    chartName: name,
    chartVersion: version,
    chartValues: dependencies && dependencies.length > 0 ? undefined : (chart?.values ?? {}),
    files: new Map(files.map((file) => [file.name, Buffer.from(file.data ?? '', 'base64').toString()])),
    // parsed for those who ask: it costs more than all the rest
    get objects() {
      objects ??= refsIn(manifest)
      return objects
    },
    hooks: (hooks ?? []).flatMap((hook) =>
      refsIn(hook.manifest).map((ref) => ({ ref, events: hook.events ?? [], policies: hook.delete_policies ?? [] })),
    ),
    manifest: wholeManifest(raw),
  }
}

function refsIn(manifest: string | undefined): ObjectRef[] {
  return parseManifests({ file: '', text: manifest ?? '' }).objects.map(({ object }) => refOf(object))
}
