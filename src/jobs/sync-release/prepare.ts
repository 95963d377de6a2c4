import type { Chart } from '../../adapters/helm/index.ts'
import type { GitRemote } from '../../adapters/git/index.ts'
import { AppError, toAppError } from '../../domain/error.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import type { ChartSource, ReleaseSpec, ValuesSource } from '../../domain/release/spec.ts'
import { mergeValues, parseValues, textsIn, type Values, valuesDigest } from '../../domain/release/values.ts'
import type { SyncReleaseDeps } from './deps.ts'

/** A chart ready for helm, and what people call its version: the chart's own, or the commit it came from. */
export type PreparedChart = Chart & { revision: string }

const dependencyTimeoutSeconds = 120
const maxExternalBytes = 5 * 1024 * 1024
const externalTimeoutMs = 30_000

/** Brings the chart to disk. Throws ChartNotFound, ChartAuthFailed, GitUnreachable, GitAuthFailed, GitRefNotFound, PathNotFound. */
export async function prepareChart(
  spec: ReleaseSpec,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<PreparedChart> {
  const { chart } = spec
  switch (chart.kind) {
    case 'none':
      throw new AppError('ChartNotFound', 'spec.chart needs repository, name and version, or git and path', {
        retry: 'never',
      })
    case 'repository': {
      const found = await deps.charts.fromRepository(chart, signal)
      return { ...found, revision: found.version }
    }
    case 'git':
      return await chartFromGit(chart, deps, signal)
  }
}

async function chartFromGit(
  chart: ChartSource & { kind: 'git' },
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<PreparedChart> {
  const remote = await remoteOf(chart, deps, signal)
  const commit = await resolveRef(chart, remote, deps, signal)
  const key = `${chart.url} ${commit} ${chart.path} ${chart.skipDependencyUpdate}`
  const found = await deps.charts.fromFolder(key, async (folder) => {
    await deps.git.export(remote, commit, chart.path, folder, signal)
    if (chart.skipDependencyUpdate) return
    const updated = await deps.charts.completeDependencies(
      folder,
      async () => await deps.helm.dependencyUpdate(folder, dependencyTimeoutSeconds, signal),
    )
    if (updated && !updated.ok)
      throw new AppError('ChartNotFound', `its dependencies could not be had: ${updated.message}`)
  })
  return { ...found, revision: commit }
}

/** Asks the git server only when its last answer is older than the poll interval, or when the ref is not known yet. */
async function resolveRef(
  chart: ChartSource & { kind: 'git' },
  remote: GitRemote,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<string> {
  const now = deps.now().getTime()
  const age = now - (deps.fetchedAt.get(chart.url) ?? 0)
  if (age < deps.gitPollIntervalMs) {
    try {
      return await deps.git.resolve(remote, chart.ref, signal)
    } catch (error) {
      if (toAppError(error).reason !== 'GitRefNotFound') throw error
    }
  }
  await deps.git.fetch(remote, signal)
  deps.fetchedAt.set(chart.url, now)
  return await deps.git.resolve(remote, chart.ref, signal)
}

async function remoteOf(
  { url, secret }: ChartSource & { kind: 'git' },
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<GitRemote> {
  if (!secret) return deps.chartRemote(url)
  const found = await deps.cluster.get({ apiVersion: 'v1', kind: 'Secret', ...secret }, { signal })
  if (!found)
    throw new AppError(
      'ChartAuthFailed',
      `Secret ${secret.namespace}/${secret.name} for the chart's repository does not exist`,
    )
  const [username, password] = [secretText(found, 'username') ?? '', secretText(found, 'password') ?? '']
  deps.redactor.register([password])
  return { url, auth: { kind: 'basic', username, password } }
}

/** Composes the values. Texts from Secrets become known to the redactor before anything can print them. Throws InvalidValues. */
export async function prepareValues(
  spec: ReleaseSpec,
  chart: Chart,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<{ values: Values; digest: string; forget: () => void }> {
  if (!spec.values) throw new AppError('InvalidValues', 'spec.values is not a map', { retry: 'never' })
  const layers: Values[] = []
  const secrets: string[] = []
  for (const source of spec.valuesFrom) {
    const layer = await readLayer(source, chart, deps, signal)
    if (source.kind === 'Secret') secrets.push(...textsIn(layer))
    layers.push(layer)
  }
  const forget = deps.redactor.register(secrets)
  const values = mergeValues([...layers, spec.values])
  return { values, digest: valuesDigest(values, spec.uid), forget }
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
  }
}

function secretText(secret: KubeObject, key: string): string | undefined {
  const encoded = (secret.data as Record<string, string> | undefined)?.[key]
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString()
}
