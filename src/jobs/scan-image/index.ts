import { type AppError, toAppError } from '../../domain/error.ts'
import { newestLooking } from '../../domain/image/newest-looking.ts'
import { type Held, planUpdates, repositoriesOf, tagsNeeded, type Update } from '../../domain/image/plan-updates.ts'
import { listScans, listUsed, makeScanFilter, type ScanFilter } from '../../domain/image/scan-list.ts'
import { familiarName, repositoryOf } from '../../domain/image/ref.ts'
import type { Workload } from '../../domain/image/workload.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { type Enqueue, type JobPayload, laneOfReason, type Outcome } from '../../domain/work/job.ts'
import { readKnownHead } from '../read-known-head.ts'
import type { AccessDeps, UsedBy } from './access.ts'
import { type LiveDeps, liveWorkloads } from './live.ts'
import { type RepositoryDeps, type RepositoryFound, type RepositoryRead, readRepository } from './repository.ts'
import { keepScope, type Reading, readingsOf } from './scope.ts'
import { readWorkloads, type WorkloadDeps } from './workloads.ts'

export type ScanImageDeps = WorkloadDeps &
  RepositoryDeps &
  AccessDeps &
  LiveDeps & {
    enqueue: Enqueue
    /** How many tags of a repository are looked at when a person asks for it (`--registry-list-depth`). */
    listDepth: number
    /** `--registry-exclude-image`, `--registry-include-image`. */
    filter: ScanFilter
  }

type SourceWorkloads = { spec: SourceSpec; workloads: Workload[] }

/**
 * Lists the tags of one repository, looks at the images that a policy must know, and asks for `update-images` of each source in
 * which a workload should take another tag. It decides from what it sees now and remembers nothing about it: killed at any line,
 * the next scan asks again. Of a repository that only other workloads use, those that the cluster runs, the tags are listed and no more;
 * one that no workload uses is not asked for, whoever names it. A person who asks has the newest-looking tags looked at besides. Where
 * nobody waits for the tags, a registry that cannot be read is asked again by the next scan and not before.
 */
export async function scanImage(payload: JobPayload, deps: ScanImageDeps, signal: AbortSignal): Promise<Outcome> {
  const repository = payload.name
  if (!makeScanFilter(deps.filter)(repository)) return { end: 'done', summary: 'excluded from scanning' }
  const all = await readAllSources(deps, signal)
  const using = all.filter(({ workloads }) => repositoriesOf(workloads).includes(repository))
  const usedBy: UsedBy[] = [...using, ...(await otherUsers(repository, using, deps, signal))]
  if (usedBy.every(({ workloads }) => workloads.length === 0)) return { end: 'done', summary: 'no workload uses it' }

  const isAsked = laneOfReason(payload.reason) === 'person'
  const notes: string[] = []
  const failures: AppError[] = []
  for (const reading of await readingsOf(repository, usedBy, deps, signal)) {
    try {
      notes.push(...(await scanFor(repository, { ...reading, using, isAsked }, deps, signal)))
    } catch (error) {
      signal.throwIfAborted()
      failures.push(toAppError(error))
    }
  }
  // of several that have logins of their own, one that is refused is no trouble of the others
  if (failures[0] && notes.length === 0 && (using.length > 0 || isAsked)) throw failures[0]
  return {
    end: 'done',
    summary: [...notes, ...failures.map(({ message }) => `not read this time: ${message}`)].join('; '),
  }
}

type Scan = Reading & { using: readonly SourceWorkloads[]; isAsked: boolean }

/** One reading of the repository, and what its sources should do now. */
async function scanFor(repository: string, scan: Scan, deps: ScanImageDeps, signal: AbortSignal): Promise<string[]> {
  await keepScope(repository, scan, deps)
  const facts = await readRepository(readOf(repository, scan, deps), deps, signal)
  tellNews(repository, facts, deps)
  const notes = [`${facts.tags.length} tags`, ...(facts.unread > 0 ? [`${facts.unread} images could not be read`] : [])]
  for (const { spec, workloads } of scan.using.filter((one) => scan.usedBy.includes(one))) {
    signal.throwIfAborted()
    const plan = planUpdates(workloads, (name) => (name === repository ? facts : undefined), deps.now().getTime())
    notes.push(...(await ask(spec, plan.updates, deps)), ...holdsOf(plan.held, repository))
  }
  return notes
}

/** In fluxd's words, for whoever waits until an image is known (ruling 19). */
function tellNews(repository: string, { tags, looked, moved }: RepositoryFound, { log }: LiveDeps): void {
  if (!moved && looked === 0) return
  log.info({ updated: familiarName(repository), tags: tags.length, looked }, 'a repository of images has changed')
}

function readOf(
  repository: string,
  { scope, usedBy, accesses, isAsked }: Scan,
  deps: Pick<ScanImageDeps, 'listDepth'>,
): RepositoryRead {
  const workloads = usedBy.flatMap((one) => one.workloads)
  const forPeople = (tags: readonly string[]) => (isAsked ? shownTags(tags, workloads, repository, deps) : [])
  return {
    repository,
    scope,
    accesses,
    needed: (tags) => new Set([...tagsNeeded(workloads, repository, tags), ...forPeople(tags)]),
    from: 'registry',
  }
}

/** What people look for in a list: the newest-looking tags, and those that are in use. */
function shownTags(
  tags: readonly string[],
  workloads: readonly Workload[],
  repository: string,
  { listDepth }: Pick<ScanImageDeps, 'listDepth'>,
): string[] {
  const images = workloads.flatMap(({ containers }) => containers.map(({ image }) => image))
  const used = new Set(images.flatMap((image) => (repositoryOf(image) === repository ? [image.tag] : [])))
  return [...newestLooking(tags, listDepth), ...tags.filter((tag) => used.has(tag))]
}

/**
 * Who uses a repository besides automated workloads, as far as it is read for them: what the cluster runs, where nothing is automated. With
 * `--tenants` by namespace, since each is somebody else's, and what the operator's own source says of it always.
 */
async function otherUsers(
  repository: string,
  using: readonly SourceWorkloads[],
  deps: ScanImageDeps,
  signal: AbortSignal,
): Promise<UsedBy[]> {
  const live = using.length > 0 && !deps.areTenants ? [] : await running(repository, deps, signal)
  if (!deps.areTenants) return live.length > 0 ? [{ workloads: live }] : []
  const read = new Set(using.flatMap(({ workloads }) => workloads.map(({ ref }) => ref.namespace ?? '')))
  const others = live.filter(({ ref }) => !read.has(ref.namespace ?? ''))
  const namespaces = Map.groupBy(others, ({ ref }) => ref.namespace ?? '')
  const own = using.some(({ spec }) => spec.origin === 'flags') ? [] : await ofFlagSource(repository, deps, signal)
  return [...own, ...[...namespaces.values()].map((workloads) => ({ workloads }))]
}

/** A source that cannot be read keeps nobody's images from being scanned. */
async function ofFlagSource(repository: string, deps: ScanImageDeps, signal: AbortSignal): Promise<UsedBy[]> {
  const spec = deps.sources.list().find(({ origin }) => origin === 'flags')
  if (!spec) return []
  try {
    const { commit } = await readKnownHead(spec, deps, signal)
    const workloads = await readWorkloads(spec, { commit, scope: 'all' }, deps, signal)
    const using = workloads.filter(({ containers }) =>
      containers.some(({ image }) => repositoryOf(image) === repository),
    )
    return using.length > 0 ? [{ spec, workloads: using }] : []
  } catch (error) {
    signal.throwIfAborted()
    const { reason, message } = toAppError(error)
    deps.log.warn({ reason }, `the workloads of the source of the flags could not be read: ${message}`)
    return []
  }
}

async function running(repository: string, deps: ScanImageDeps, signal: AbortSignal): Promise<Workload[]> {
  const all = await liveWorkloads(deps, signal)
  return all.filter(({ containers }) => containers.some(({ image }) => repositoryOf(image) === repository))
}

async function ask(spec: SourceSpec, updates: readonly Update[], deps: ScanImageDeps): Promise<string[]> {
  const first = updates[0]
  if (!first) return []
  const { namespace, name } = spec
  const wanted = `${first.workload.id} wants ${first.to.tag}${updates.length > 1 ? ` and ${updates.length - 1} more` : ''}`
  const { jobId } = await deps.enqueue({ kind: 'update-images', namespace, name, reason: wanted, lane: 'image' })
  return [`${wanted} → ${jobId}`]
}

function holdsOf(held: readonly Held[], repository: string): string[] {
  return held
    .filter((one) => one.repository === repository && one.reason !== '')
    .map(({ id, container, reason, why }) => `${id} ${container} ${reason}: ${why}`)
}

/** The canonical repositories that automated workloads of any source or workloads of the cluster use and that may be scanned. */
export async function listImageScans(
  deps: WorkloadDeps & LiveDeps & Pick<ScanImageDeps, 'cluster' | 'filter'>,
  signal: AbortSignal,
): Promise<string[]> {
  const sources = await readAllSources(deps, signal)
  const automated = sources.flatMap(({ workloads }) => workloads)
  return [...new Set([...listScans(automated, deps.filter), ...(await listRunning(deps, signal))])].toSorted()
}

/** A cluster that does not answer does not keep images from being scanned for automation. */
async function listRunning(deps: LiveDeps & { filter: ScanFilter }, signal: AbortSignal): Promise<string[]> {
  try {
    return listUsed(await liveWorkloads(deps, signal), deps.filter)
  } catch (error) {
    signal.throwIfAborted()
    const { reason, message } = toAppError(error)
    deps.log.warn({ reason }, `images that the cluster runs are not scanned this time: ${message}`)
    return []
  }
}

/** A source that cannot be read does not keep the others from being scanned; when none can, that is the failure. */
async function readAllSources(
  deps: WorkloadDeps & Pick<ScanImageDeps, 'cluster'>,
  signal: AbortSignal,
): Promise<SourceWorkloads[]> {
  const found: SourceWorkloads[] = []
  const failures: AppError[] = []
  for (const spec of deps.sources.list()) {
    try {
      const { commit } = await readKnownHead(spec, deps, signal)
      const workloads = await readWorkloads(spec, { commit, scope: 'automated' }, deps, signal)
      found.push({ spec, workloads })
    } catch (error) {
      signal.throwIfAborted()
      failures.push(toAppError(error))
    }
  }
  if (found.length === 0 && failures[0]) throw failures[0]
  return found
}
