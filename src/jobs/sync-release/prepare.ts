import type { GitRemote } from '../../adapters/git/index.ts'
import { AppError, toAppError } from '../../domain/error.ts'
import type { ChartSource, ReleaseSpec } from '../../domain/release/spec.ts'
import { never } from '../../lib/never.ts'
import { urlSecrets } from '../../lib/url-secrets.ts'
import { composeValues, secretText } from './compose-values.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { memoryOf } from './memory.ts'
import type { PreparedChart, Work } from './work.ts'

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

/** The chart on disk. Throws as {@link prepare}, but for the values. */
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
      deps.redactor.register(urlSecrets(chart.url))
      const found = await deps.charts.fromRepository(chart, signal)
      return { ...found, revision: found.version }
    }
    case 'git':
      return await chartFromGit(chart, deps, signal)
    default:
      return never(chart)
  }
}

async function chartFromGit(
  chart: ChartSource & { kind: 'git' },
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<PreparedChart> {
  deps.redactor.register(urlSecrets(chart.url))
  const remote = await remoteOf(chart, deps, signal)
  const commit = await resolveRef(chart, remote, deps, signal)
  const key = `${chart.url} ${commit} ${chart.path} ${chart.skipDependencyUpdate}`
  const found = await deps.charts.fromFolder(
    key,
    {
      fill: (folder) => deps.git.export(remote, commit, chart.path, folder),
      ...(chart.skipDependencyUpdate
        ? {}
        : { neighbour: (path, folder) => deps.git.export(remote, commit, joined(chart.path, path), folder) }),
    },
    signal,
  )
  return { ...found, revision: commit }
}

/** `../common` next to the chart's own path; one that leaves the repository does not exist. */
function joined(chartPath: string, path: string): string {
  const parts: string[] = []
  for (const part of `${chartPath}/${path}`.split('/')) {
    if (part === '' || part === '.') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) throw new AppError('PathNotFound', `file://${path} leaves the repository`)
  }
  return parts.length === 0 ? '.' : parts.join('/')
}

/** Asks the git server only when its last answer is older than the poll interval, or when the ref is not known yet. */
async function resolveRef(
  { url, ref }: ChartSource & { kind: 'git' },
  remote: GitRemote,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<string> {
  const { commits } = memoryOf(deps)
  const now = deps.now().getTime()
  const fetchedAt = deps.fetchedAt.get(url)
  if (fetchedAt !== undefined && now - fetchedAt < deps.gitPollIntervalMs) {
    const known = commits.get(`${url} ${ref}`)
    if (known?.fetchedAt === fetchedAt) return known.commit
    try {
      const commit = await deps.git.resolve(remote, ref, signal)
      commits.set(`${url} ${ref}`, { commit, fetchedAt })
      return commit
    } catch (error) {
      if (toAppError(error).reason !== 'GitRefNotFound') throw error
    }
  }
  await deps.git.fetch(remote, signal)
  deps.fetchedAt.set(url, now)
  const commit = await deps.git.resolve(remote, ref, signal)
  commits.set(`${url} ${ref}`, { commit, fetchedAt: now })
  return commit
}

/** The Secret is read at each run, so a new password counts at once. Only for https, as the Operator did (helm-operator §6.3). */
async function remoteOf(
  { url, secret }: ChartSource & { kind: 'git' },
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<GitRemote> {
  if (!secret || !/^https:/i.test(url)) return await deps.chartRemote(url)
  const found = await deps.cluster.get({ apiVersion: 'v1', kind: 'Secret', ...secret }, { signal })
  if (!found) {
    const message = `Secret ${secret.namespace}/${secret.name} for the chart's repository does not exist`
    throw new AppError('ChartAuthFailed', message)
  }
  const [username, password] = [secretText(found, 'username') ?? '', secretText(found, 'password') ?? '']
  deps.redactor.register([password])
  return { url, auth: { kind: 'basic', username, password } }
}
