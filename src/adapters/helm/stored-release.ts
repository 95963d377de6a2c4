import { gunzipSync, gzipSync } from 'node:zlib'
import { type KubeObject, type ObjectRef, refOf } from '../../domain/manifest/object.ts'
import { parseManifests } from '../../domain/manifest/parse.ts'
import { isText, listOf, mapOf, textOf } from '../../lib/raw.ts'

/** What helm keeps of a revision (helm.sh/helm/v3/pkg/release), as far as it is compared. */
export type StoredRelease = {
  config: Record<string, unknown>
  chartName: string
  chartVersion: string
  appVersion: string
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
  const { name, version, appVersion } = mapOf(mapOf(raw.chart).metadata)
  const { last_deployed: updated, description } = mapOf(raw.info)
  const updatedAt = new Date(String(updated))
  return {
    chart: `${textOf(name)}@${textOf(version)}`,
    appVersion: textOf(appVersion),
    updatedAt: Number.isNaN(updatedAt.getTime()) ? '' : updatedAt.toISOString(),
    description: textOf(description).replace(/ failed: .*$/s, ' failed'),
  }
}

/**
 * The same Secret with its revision marked failed, which is what helm writes when it is stopped in time or has waited in vain; undefined
 * when it is not one.
 */
export function markFailed(secret: KubeObject, why: string): KubeObject | undefined {
  const raw = decode(secret)
  if (!raw) return undefined
  const failed = { ...raw, info: { ...mapOf(raw.info), status: 'failed', description: why } }
  const inner = gzipSync(JSON.stringify(failed)).toString('base64')
  const { metadata } = secret
  return {
    ...secret,
    metadata: { ...metadata, labels: { ...metadata.labels, status: 'failed' } },
    data: { ...(secret.data as Record<string, string>), release: Buffer.from(inner).toString('base64') },
  }
}

/** JSON of whoever may write Secrets beside the release: nothing is known of it. */
type Stored = Readonly<Record<string, unknown>>

function decode(secret: KubeObject): Stored | undefined {
  const encoded = (secret.data as Record<string, string> | undefined)?.release
  if (!encoded) return undefined
  try {
    const inner = Buffer.from(Buffer.from(encoded, 'base64').toString(), 'base64')
    const json = inner[0] === 0x1f && inner[1] === 0x8b ? gunzipSync(inner, { maxOutputLength: maxBytes }) : inner
    const stored: unknown = JSON.parse(json.toString())
    return typeof stored === 'object' && stored !== null ? mapOf(stored) : undefined
  } catch {
    return undefined
  }
}

/** The manifests in what helm prints about a release (`-o json`), hooks last. */
export function manifestOf(json: string): string {
  return wholeManifest(mapOf(JSON.parse(json)))
}

function wholeManifest({ manifest, hooks }: Stored): string {
  return [manifest, ...listOf(hooks).map((hook) => mapOf(hook).manifest)].map(textOf).join('\n---\n')
}

function readRelease(stored: Stored): StoredRelease {
  const { config, manifest, hooks } = stored
  const chart = mapOf(stored.chart)
  const { name, version, appVersion, dependencies } = mapOf(chart.metadata)
  const files = [...listOf(chart.templates), ...listOf(chart.files)].map(mapOf)
  let objects: ObjectRef[] | undefined
  return {
    config: { ...mapOf(config) },
    chartName: textOf(name),
    chartVersion: textOf(version),
    appVersion: textOf(appVersion),
    chartValues: listOf(dependencies).length > 0 ? undefined : { ...mapOf(chart.values) },
    files: new Map(files.map((file) => [textOf(file.name), Buffer.from(textOf(file.data), 'base64').toString()])),
    // parsed for those who ask: it costs more than all the rest
    get objects() {
      objects ??= refsIn(textOf(manifest))
      return objects
    },
    hooks: listOf(hooks).flatMap(hooksIn),
    manifest: wholeManifest(stored),
  }
}

function hooksIn(value: unknown): StoredHook[] {
  const { manifest, events, delete_policies: policies } = mapOf(value)
  const texts = (list: unknown) => listOf(list).filter(isText)
  return refsIn(textOf(manifest)).map((ref) => ({ ref, events: texts(events), policies: texts(policies) }))
}

function refsIn(manifest: string): ObjectRef[] {
  return parseManifests({ file: '', text: manifest }).objects.map(({ object }) => refOf(object))
}
