import type { Chart } from '../../adapters/helm/index.ts'
import { AppError } from '../../domain/error.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import type { ReleaseSpec, ValuesSource } from '../../domain/release/spec.ts'
import { mergeValues, parseValues, textsIn, type Values, valuesDigest } from '../../domain/release/values.ts'
import { never } from '../../lib/never.ts'
import { prepareChart } from './chart.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { memoryOf } from './memory.ts'
import type { Work } from './work.ts'

const maxExternalBytes = 5 * 1024 * 1024
const externalTimeoutMs = 30_000

/**
 * Brings the chart to disk and composes the values. Throws ChartNotFound, ChartAuthFailed, RenderFailed, GitUnreachable, GitAuthFailed,
 * GitRefNotFound, PathNotFound, InvalidValues.
 */
export async function prepare(work: Work, deps: SyncReleaseDeps): Promise<void> {
  const { spec, signal } = work
  const chart = await prepareChart(spec, deps, signal)
  const { values, digest } = await composeValues(spec, chart, deps, signal)
  memoryOf(deps).failures.delete(`${spec.namespace}/${spec.name}`)
  work.wanted = { chart, values, digest }
}

/** Texts from Secrets become known to the redactor before anything can print them, and stay so until the next run. Throws InvalidValues. */
async function composeValues(
  spec: ReleaseSpec,
  chart: Chart,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<{ values: Values; digest: string }> {
  if (!spec.values) throw new AppError('InvalidValues', 'spec.values is not a map', { retry: 'never' })
  const layers: Values[] = []
  const texts: string[] = []
  for (const source of spec.valuesFrom) {
    const layer = await readLayer(source, chart, deps, signal)
    if (source.kind === 'Secret') texts.push(...textsIn(layer))
    layers.push(layer)
  }
  const { secrets } = memoryOf(deps)
  const id = `${spec.namespace}/${spec.name}`
  const forgetBefore = secrets.get(id)
  secrets.set(id, deps.redactor.register(texts))
  forgetBefore?.()
  const values = mergeValues([...layers, spec.values])
  return { values, digest: valuesDigest(values, spec.uid) }
}

async function readLayer(
  source: ValuesSource,
  chart: Chart,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<Values> {
  const text = await readText(source, chart, deps, signal)
  if (text === undefined) {
    if (source.optional) return {}
    throw new AppError('InvalidValues', `${describe(source)} does not exist`)
  }
  const values = parseValues(text)
  if (values) return values
  if (source.optional) return {}
  throw new AppError('InvalidValues', `${describe(source)} is not a map in YAML`)
}

async function readText(
  source: ValuesSource,
  chart: Chart,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  switch (source.kind) {
    case 'ConfigMap':
    case 'Secret': {
      const { kind, namespace, name, key } = source
      const found = await deps.cluster.get({ apiVersion: 'v1', kind, namespace, name }, { signal })
      if (!found) return undefined
      return kind === 'Secret' ? secretText(found, key) : (found.data as Record<string, string> | undefined)?.[key]
    }
    case 'url': {
      const answer = await deps
        .egress({ url: source.url, maxBytes: maxExternalBytes, timeoutMs: externalTimeoutMs, signal })
        .catch(() => undefined)
      return answer?.status === 200 ? Buffer.from(answer.body).toString() : undefined
    }
    case 'chartFile':
      return await deps.charts.readFile(chart, source.path)
    default:
      return never(source)
  }
}

function describe(source: ValuesSource): string {
  switch (source.kind) {
    case 'ConfigMap':
    case 'Secret':
      return `${source.kind} ${source.namespace}/${source.name}, key ${source.key},`
    case 'url':
      return 'the external source of values'
    case 'chartFile':
      return `the chart's file ${source.path}`
    default:
      return never(source)
  }
}

function secretText(secret: KubeObject, key: string): string | undefined {
  const encoded = (secret.data as Record<string, string> | undefined)?.[key]
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString()
}
