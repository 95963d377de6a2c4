import { type AppError, toAppError } from '../../domain/error.ts'
import { type Held, planUpdates, repositoriesOf, tagsNeeded, type Update } from '../../domain/image/plan-updates.ts'
import { listScans, makeScanFilter, type ScanFilter } from '../../domain/image/scan-list.ts'
import type { Workload } from '../../domain/image/workload.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { Enqueue, JobPayload, Outcome } from '../../domain/work/job.ts'
import { readKnownHead } from '../read-known-head.ts'
import { type AccessDeps, accessTo } from './access.ts'
import { type RepositoryDeps, readRepository } from './repository.ts'
import { readWorkloads, type WorkloadDeps } from './workloads.ts'

export type ScanImageDeps = WorkloadDeps &
  RepositoryDeps &
  AccessDeps & {
    enqueue: Enqueue
    /** `--registry-exclude-image`, `--registry-include-image`. */
    filter: ScanFilter
  }

type SourceWorkloads = { spec: SourceSpec; workloads: Workload[] }

/**
 * Lists the tags of one repository, looks at the images that a policy must know, and asks for `update-images` of each source in
 * which a workload should take another tag. It decides from what it sees now and remembers nothing about it: killed at any line,
 * the next scan asks again. A repository that no automated workload uses is not asked for, whoever names it.
 */
export async function scanImage(payload: JobPayload, deps: ScanImageDeps, signal: AbortSignal): Promise<Outcome> {
  const repository = payload.name
  if (!makeScanFilter(deps.filter)(repository)) return { end: 'done', summary: 'excluded from scanning' }
  const all = await readAllSources(deps, signal)
  const using = all.filter(({ workloads }) => repositoriesOf(workloads).includes(repository))
  if (using.length === 0) return { end: 'done', summary: 'no automated workload uses it' }

  const workloads = using.flatMap((source) => source.workloads)
  const facts = await readRepository(
    {
      repository,
      access: () => accessTo(repository, workloads, deps, signal),
      needed: (tags) => tagsNeeded(workloads, repository, tags),
      from: 'registry',
    },
    deps,
    signal,
  )
  const notes = [`${facts.tags.length} tags`, ...(facts.unread > 0 ? [`${facts.unread} images could not be read`] : [])]
  for (const source of using) {
    signal.throwIfAborted()
    const plan = planUpdates(
      source.workloads,
      (name) => (name === repository ? facts : undefined),
      deps.now().getTime(),
    )
    notes.push(...(await ask(source.spec, plan.updates, deps)), ...holdsOf(plan.held, repository))
  }
  return { end: 'done', summary: notes.join('; ') }
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

/** The canonical repositories that automated workloads of any source use and that may be scanned. */
export async function listImageScans(
  deps: WorkloadDeps & Pick<AccessDeps, 'cluster'> & { filter: ScanFilter },
  signal: AbortSignal,
): Promise<string[]> {
  const sources = await readAllSources(deps, signal)
  return listScans(
    sources.flatMap(({ workloads }) => workloads),
    deps.filter,
  )
}

/** A source that cannot be read does not keep the others from being scanned; when none can, that is the failure. */
async function readAllSources(
  deps: WorkloadDeps & Pick<AccessDeps, 'cluster'>,
  signal: AbortSignal,
): Promise<SourceWorkloads[]> {
  const found: SourceWorkloads[] = []
  const failures: AppError[] = []
  for (const spec of deps.sources.list()) {
    try {
      const { commit } = await readKnownHead(spec, deps, signal)
      const workloads = await readWorkloads(spec, commit, deps, signal)
      found.push({ spec, workloads })
    } catch (error) {
      signal.throwIfAborted()
      failures.push(toAppError(error))
    }
  }
  if (found.length === 0 && failures[0]) throw failures[0]
  return found
}
