import { createHash } from 'node:crypto'
import type { GitRemote } from '../../adapters/git/index.ts'
import { AppError, toAppError } from '../../domain/error.ts'
import type { ChartSource, ReleaseSpec } from '../../domain/release/spec.ts'
import { never } from '../../lib/never.ts'
import { untilAborted } from '../../lib/until-aborted.ts'
import { urlSecrets } from '../../lib/url-secrets.ts'
import { isWithin } from '../../lib/steady-clock.ts'
import { remoteOf } from '../source-credentials.ts'
import { readPullAccess } from './chart-access.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { memoryOf } from './memory.ts'
import type { PreparedChart } from './work.ts'

export type ChartDeps = Pick<
  SyncReleaseDeps,
  | 'cluster'
  | 'charts'
  | 'git'
  | 'chartRemote'
  | 'keep'
  | 'githubApp'
  | 'areTenants'
  | 'fetchedAt'
  | 'gitPollIntervalMs'
  | 'freshAfter'
  | 'redactor'
  | 'now'
  | 'memory'
>

type FromGit = ChartSource & { kind: 'git' }
type FromRepository = ChartSource & { kind: 'repository' }

/**
 * Brings the chart of a release to disk. Throws ChartNotFound, ChartAuthFailed, RenderFailed, RateLimited, GitUnreachable,
 * GitAuthFailed, GitRefNotFound, PathNotFound.
 */
export async function prepareChart(
  { chart, namespace }: Pick<ReleaseSpec, 'chart' | 'namespace'>,
  deps: ChartDeps,
  signal: AbortSignal,
): Promise<PreparedChart> {
  switch (chart.kind) {
    case 'none':
      throw new AppError('ChartNotFound', 'spec.chart needs repository, name and version, or git and path', {
        retry: 'never',
      })
    case 'repository':
      return await chartFromRepository(chart, deps, signal)
    case 'git':
      mustBeOwn(chart.secret, namespace, deps)
      return await chartFromGit(chart, deps, signal)
    default:
      return never(chart)
  }
}

function mustBeOwn(secret: { namespace: string } | undefined, namespace: string, { areTenants }: ChartDeps): void {
  if (!areTenants || !secret || secret.namespace === namespace) return
  const message = 'spec.chart.secretRef names a Secret of another namespace, which --tenants does not allow'
  throw new AppError('GitAuthFailed', message, { retry: 'never' })
}

async function chartFromRepository(
  { url, name, version, pullSecret }: FromRepository,
  deps: ChartDeps,
  signal: AbortSignal,
): Promise<PreparedChart> {
  deps.redactor.register(urlSecrets(url))
  const access = pullSecret ? (await readPullAccess(pullSecret, deps, signal))(url) : undefined
  const found = await deps.charts.fromRepository({ url, name, version, ...(access ? { access } : {}) }, signal)
  return { ...found, revision: found.version }
}

async function chartFromGit(chart: FromGit, deps: ChartDeps, signal: AbortSignal): Promise<PreparedChart> {
  const { url, path, secret, pullSecret, skipDependencyUpdate } = chart
  deps.redactor.register(urlSecrets(url))
  const remote = secret
    ? // the Operator took Secrets for https alone
      await remoteOf({ url, namespace: secret.namespace, secretName: secret.name }, deps, signal, deps.chartRemote)
    : await deps.chartRemote(url)
  const who = identityOf(remote)
  const commit = await resolveRef(chart, { remote, who }, deps, signal)
  const pull = pullSecret && !skipDependencyUpdate ? await readPullAccess(pullSecret, deps, signal) : undefined
  const key = [url, who, commit, path, skipDependencyUpdate, pullSecret && pull ? JSON.stringify(pullSecret) : ''].join(
    ' ',
  )
  const found = await deps.charts.fromFolder(
    key,
    {
      fill: (folder) => deps.git.export(remote, commit, path, folder),
      ...(skipDependencyUpdate
        ? {}
        : { neighbour: (to, folder) => deps.git.export(remote, commit, joined(path, to), folder) }),
      ...(pull ? { access: async (place) => accessOrNone(pull, place) } : {}),
    },
    signal,
  )
  return { ...found, revision: commit }
}

/** A dependency that the Secret has nothing for is had as everybody has it. */
function accessOrNone<T>(pull: (url: string) => T, url: string): T | undefined {
  try {
    return pull(url)
  } catch {
    return undefined
  }
}

/** What was fetched with one login is never given to who has another: commits and charts are remembered apart. */
function identityOf({ auth, caFile, isForeign }: GitRemote): string {
  const who = auth?.kind === 'basic' && auth.account ? auth.account : auth
  return createHash('sha256')
    .update(JSON.stringify([who, caFile, isForeign]))
    .digest('hex')
    .slice(0, 32)
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

function isRecent(fetchedAt: number, now: number, { gitPollIntervalMs, freshAfter = 0 }: ChartDeps): boolean {
  return isWithin(fetchedAt, now, gitPollIntervalMs) && fetchedAt >= freshAfter
}

/**
 * Asks the git server only when its last answer is older than the poll interval or than somebody's wish, or when the ref is not known
 * yet.
 */
async function resolveRef(
  { url, ref }: FromGit,
  { remote, who }: { remote: GitRemote; who: string },
  deps: ChartDeps,
  signal: AbortSignal,
): Promise<string> {
  const { commits } = memoryOf(deps)
  const [place, now] = [`${url} ${who}`, deps.now().getTime()]
  const fetchedAt = deps.fetchedAt.get(place)
  if (fetchedAt !== undefined && isRecent(fetchedAt, now, deps)) {
    const known = commits.get(`${place} ${ref}`)
    if (known?.fetchedAt === fetchedAt) return known.commit
    try {
      const commit = await deps.git.resolve(remote, ref, signal)
      commits.set(`${place} ${ref}`, { commit, fetchedAt })
      return commit
    } catch (error) {
      if (toAppError(error).reason !== 'GitRefNotFound') throw error
    }
  }
  await untilAborted(fetchOnce(place, remote, deps), signal)
  // one that was under way had begun before somebody asked
  if ((deps.fetchedAt.get(place) ?? 0) < (deps.freshAfter ?? 0))
    await untilAborted(fetchOnce(place, remote, deps), signal)
  const commit = await deps.git.resolve(remote, ref, signal)
  commits.set(`${place} ${ref}`, { commit, fetchedAt: deps.fetchedAt.get(place) ?? now })
  return commit
}

/** Once for all releases that want it at the same time; it has a time limit of its own, so nobody's signal ends it for the others. */
function fetchOnce(place: string, remote: GitRemote, deps: ChartDeps): Promise<void> {
  const { fetching } = memoryOf(deps)
  const begun = deps.now().getTime()
  const running =
    fetching.get(place) ??
    deps.git
      .fetch(remote)
      .then(() => void deps.fetchedAt.set(place, begun))
      .finally(() => fetching.delete(place))
  fetching.set(place, running)
  return running
}
