import type { Chart } from '../../adapters/helm/index.ts'
import { AppError } from '../../domain/error.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import type { ReleaseSpec, ValuesSource } from '../../domain/release/spec.ts'
import { mergeValues, parseValues, textsIn, type Values, valuesDigest } from '../../domain/release/values.ts'
import type { ValuesLayer } from '../../domain/release/values-origin.ts'
import { never } from '../../lib/never.ts'
import { urlSecrets } from '../../lib/url-secrets.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { memoryOf } from './memory.ts'

const maxExternalBytes = 5 * 1024 * 1024
const externalTimeoutMs = 30_000

type Deps = Pick<SyncReleaseDeps, 'cluster' | 'charts' | 'egress' | 'redactor' | 'memory'>
type Reading = { chart: Chart; deps: Deps; signal: AbortSignal }

/** The values of a release as helm gets them, and their digest. Throws InvalidValues, and what the API server says. */
export async function composeValues(
  spec: ReleaseSpec,
  chart: Chart,
  deps: Deps,
  signal: AbortSignal,
): Promise<{ values: Values; digest: string }> {
  const layers = await readLayers(spec, { chart, deps, signal })
  const values = mergeValues(layers.map((layer) => layer.values))
  // what is added to the values of before is not the same as what stands alone
  const salt = spec.resetValues ? spec.uid : `${spec.uid} reused`
  return { values, digest: valuesDigest(values, salt) }
}

/**
 * All layers of values in the order in which they are merged, spec.values last (helm-operator §5). Texts from Secrets become known to
 * the redactor before anything can print them, and stay so until the next run. Throws as {@link composeValues}.
 */
export async function readLayers(spec: ReleaseSpec, reading: Reading): Promise<ValuesLayer[]> {
  if (!spec.values) throw new AppError('InvalidValues', 'spec.values is not a map', { retry: 'never' })
  const layers: ValuesLayer[] = []
  for (const source of spec.valuesFrom) {
    layers.push({
      source: nameOf(source),
      isSecret: source.kind === 'Secret',
      values: await readLayer(source, reading),
    })
  }
  keepSecret(spec, layers, reading.deps)
  return [...layers, { source: 'spec.values', isSecret: false, values: spec.values }]
}

function keepSecret({ namespace, name }: ReleaseSpec, layers: readonly ValuesLayer[], deps: Deps): void {
  const texts = layers.filter(({ isSecret }) => isSecret).flatMap(({ values }) => textsIn(values))
  const { secrets } = memoryOf(deps)
  const id = `${namespace}/${name}`
  const forgetBefore = secrets.get(id)
  secrets.set(id, deps.redactor.register(texts))
  forgetBefore?.()
}

async function readLayer(source: ValuesSource, reading: Reading): Promise<Values> {
  const text = await readText(source, reading)
  if (typeof text === 'object') {
    if (source.optional) return {}
    throw new AppError('InvalidValues', `${nameOf(source)} ${text.problem}`)
  }
  const values = parseValues(text)
  if (values) return values
  if (source.optional) return {}
  throw new AppError('InvalidValues', `${nameOf(source)} is not a map in YAML`)
}

const absent = { problem: 'does not exist' }

/** The text, or why there is none, as half a sentence. What the API server refuses is thrown, also for what is optional. */
async function readText(source: ValuesSource, { chart, deps, signal }: Reading): Promise<string | { problem: string }> {
  switch (source.kind) {
    case 'ConfigMap':
    case 'Secret': {
      const { kind, namespace, name, key } = source
      const found = await deps.cluster.get({ apiVersion: 'v1', kind, namespace, name }, { signal })
      if (!found) return absent
      const text = kind === 'Secret' ? secretText(found, key) : dataOf(found)[key]
      return text ?? absent
    }
    case 'url':
      return await fetchText(source.url, deps, signal)
    case 'chartFile':
      return (await deps.charts.readFile(chart, source.path)) ?? absent
    default:
      return never(source)
  }
}

async function fetchText(
  url: string,
  { egress, redactor }: Deps,
  signal: AbortSignal,
): Promise<string | { problem: string }> {
  redactor.register(urlSecrets(url))
  try {
    const answer = await egress({ url, maxBytes: maxExternalBytes, timeoutMs: externalTimeoutMs, signal })
    if (answer.status === 200) return Buffer.from(answer.body).toString()
    return { problem: `was answered with ${answer.status}` }
  } catch (error) {
    signal.throwIfAborted()
    return { problem: `could not be read: ${error instanceof Error ? error.message : 'no answer'}` }
  }
}

/** As people know it; of a URL the host and the path only, since the rest may be secret. */
function nameOf(source: ValuesSource): string {
  switch (source.kind) {
    case 'ConfigMap':
    case 'Secret':
      return `${source.kind} ${source.namespace}/${source.name}, key ${source.key}`
    case 'url':
      return `the external source ${shownUrl(source.url)}`
    case 'chartFile':
      return `the chart's file ${source.path}`
    default:
      return never(source)
  }
}

function shownUrl(url: string): string {
  const read = URL.parse(url)
  return read ? `${read.protocol}//${read.host}${read.pathname}` : 'with a URL that is none'
}

/** The decoded text of one key; undefined when the Secret does not have it. */
export function secretText(secret: KubeObject, key: string): string | undefined {
  const encoded = dataOf(secret)[key]
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString()
}

function dataOf({ data }: KubeObject): Partial<Record<string, string>> {
  return (data ?? {}) as Partial<Record<string, string>>
}
