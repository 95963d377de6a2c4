import type { CommitResult, Edit, Git } from '../../adapters/git/index.ts'
import type { Store } from '../../adapters/store/index.ts'
import { AppError, toAppError } from '../../domain/error.ts'
import type { RepositoryFacts } from '../../domain/image/facts.ts'
import { autoReleaseMessage } from '../../domain/image/message.ts'
import {
  describeUpdate,
  planUpdates,
  repositoriesOf,
  tagsNeeded,
  type Update,
} from '../../domain/image/plan-updates.ts'
import { printRef } from '../../domain/image/ref.ts'
import { makeScanFilter } from '../../domain/image/scan-list.ts'
import type { Workload } from '../../domain/image/workload.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { fetchKey, parseFetchFact } from '../../domain/source/status.ts'
import type { Fence } from '../../domain/work/fence.ts'
import type { JobPayload, Outcome } from '../../domain/work/job.ts'
import type { Head } from '../read-head.ts'
import { readKnownHead } from '../read-known-head.ts'
import { accessTo } from '../scan-image/access.ts'
import type { ScanImageDeps } from '../scan-image/index.ts'
import { readRepository } from '../scan-image/repository.ts'
import { readWorkloads } from '../scan-image/workloads.ts'
import { editFiles } from './edit-files.ts'
import { withoutLiveIgnored } from './live-ignored.ts'

export type UpdateImagesDeps = ScanImageDeps & {
  git: Pick<Git, 'commitAndPush'>
  store: Pick<Store, 'get'>
  fence: Pick<Fence, 'check'>
  /** Of commits (`--git-user`, `--git-email`). */
  author: { name: string; email: string }
  /** Key that signs commits (`--git-signing-key`); empty: they are not signed. */
  signingKey: string
  /** Appended to commit messages as it is (`--git-ci-skip`). */
  ciSkip: string
  /** Nothing is committed; what would be is said (`--git-readonly`). */
  readonly: boolean
  random: () => number
  /** Resolves after that many milliseconds; rejects when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>
}

/** A branch that moves under us is fetched and edited again so often (hazard D8). */
const tries = 8
const firstPauseMs = 100
const longestPauseMs = 5_000
/** Reason of the fetch that follows a commit. */
const fetchReason = 'image update'

/**
 * Brings the images of a source's automated workloads to what their policies choose: one commit for all of them, in which only the
 * bytes of the tags differ. What was done is git itself: run twice, or killed at any line, the next run finds what is left to do and
 * never makes an empty commit (hazard A4).
 */
export async function updateImages(payload: JobPayload, deps: UpdateImagesDeps, signal: AbortSignal): Promise<Outcome> {
  const spec = deps.sources.get(payload.namespace, payload.name)
  if (!spec) return { end: 'done', summary: 'no such source; nothing to do' }
  for (let attempt = 1; attempt <= tries; attempt++) {
    const done = await tryOnce(spec, deps, signal)
    if (done) return done
    const wait = Math.min(firstPauseMs * 2 ** (attempt - 1), longestPauseMs)
    await deps.pause(Math.round(wait * (0.5 + deps.random())), signal)
  }
  throw new AppError('GitConflict', `${spec.branch} moved ${tries} times while images were updated`)
}

/** Undefined when the branch moved. */
async function tryOnce(spec: SourceSpec, deps: UpdateImagesDeps, signal: AbortSignal): Promise<Outcome | undefined> {
  const remote = await deps.sources.remote(spec, signal)
  await deps.git.fetch(remote, signal)
  const head = await headOf(spec, deps, signal)
  const { commit } = head
  const workloads = await readWorkloads(spec, commit, deps, signal)
  const { updates, notes } = await decide({ spec, workloads }, deps, signal)
  const edited = await editFiles({ remote, commit, updates }, deps, signal)
  notes.push(...edited.refused)
  if (edited.edits.length === 0) {
    await fetchIfUnseen(spec, commit, deps)
    return { end: 'done', summary: ['nothing to change', ...notes].join('; ') }
  }
  const changes = edited.done.map(describeUpdate)
  const obstacle = obstacleOf(spec, deps)
  if (obstacle) return { end: 'done', summary: [`${obstacle}; not committed`, ...changes, ...notes].join('; ') }
  if (head.refused) throw unsigned(`commit ${head.refused.commit}: ${head.refused.why}`)
  const result = await commitEdits(spec, { commit, edits: edited.edits, updates: edited.done }, deps, signal)
  if (result.result === 'moved') return undefined
  const { namespace, name } = spec
  await deps.enqueue({ kind: 'fetch-source', namespace, name, reason: fetchReason, lane: 'image' })
  for (const change of changes) deps.log.info({ source: `${namespace}/${name}`, ...result }, change)
  const made = result.result === 'pushed' ? `commit ${result.commit.slice(0, 12)}` : 'nothing differs'
  return { end: 'done', summary: [made, ...changes, ...notes].join('; ') }
}

async function headOf(spec: SourceSpec, deps: UpdateImagesDeps, signal: AbortSignal): Promise<Head> {
  try {
    return await readKnownHead(spec, deps, signal)
  } catch (error) {
    const { reason, message } = toAppError(error)
    throw reason === 'SignatureInvalid' ? unsigned(message) : error
  }
}

/** Nothing is written on top of what is not signed: it would look as if we vouched for it (flux-v1 §13). */
function unsigned(why: string): AppError {
  return new AppError('SignatureInvalid', `HEAD revision is unsigned: ${why}`)
}

/** Why nothing may be committed; empty where it may. */
function obstacleOf(spec: SourceSpec, { readonly }: Pick<UpdateImagesDeps, 'readonly'>): string {
  if (readonly || spec.readonly) return 'git is read-only'
  return spec.branch === '' ? `the source follows a ${spec.ref.kind} and no branch` : ''
}

async function decide(
  { spec, workloads }: { spec: SourceSpec; workloads: readonly Workload[] },
  deps: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<{ updates: Update[]; notes: string[] }> {
  const isScanned = makeScanFilter(deps.filter)
  const facts = new Map<string, RepositoryFacts>()
  const notes: string[] = []
  for (const repository of repositoriesOf(workloads).filter(isScanned)) {
    const read = {
      repository,
      access: () => accessTo(repository, [{ spec, workloads }], deps, signal),
      needed: (tags: readonly string[]) => tagsNeeded(workloads, repository, tags),
      from: 'store' as const,
    }
    try {
      facts.set(repository, await readRepository(read, deps, signal))
    } catch (error) {
      // its own scan reports and repeats this; the other repositories go on (hazard E1)
      signal.throwIfAborted()
      notes.push(`${repository} was left out: ${toAppError(error).message}`)
    }
  }
  const plan = planUpdates(workloads, (repository) => facts.get(repository), deps.now().getTime())
  for (const { id, container, reason, why } of plan.held)
    if (reason !== '') notes.push(`${id} ${container} ${reason}: ${why}`)
  const live = await withoutLiveIgnored(plan.updates, deps, signal)
  return { updates: live.updates, notes: [...notes, ...live.notes] }
}

async function commitEdits(
  spec: SourceSpec,
  { commit, edits, updates }: { commit: string; edits: readonly Edit[]; updates: readonly Update[] },
  deps: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<CommitResult> {
  const images = updates.map(({ to }) => printRef(to))
  const message = autoReleaseMessage(images, deps.ciSkip)
  deps.fence.check()
  const request = {
    branch: spec.branch,
    base: commit,
    edits,
    message,
    author: deps.author,
    signingKey: deps.signingKey,
  }
  return await deps.git.commitAndPush(await deps.sources.remote(spec, signal), request, signal)
}

/** A run that was killed after its push asked for no fetch: whoever comes next sees a head that no fetch has told of. */
async function fetchIfUnseen(spec: SourceSpec, commit: string, deps: UpdateImagesDeps): Promise<void> {
  const { namespace, name } = spec
  const head = parseFetchFact(await deps.store.get(fetchKey(namespace, name)))?.head
  if (!head || head === commit) return
  await deps.enqueue({ kind: 'fetch-source', namespace, name, reason: fetchReason, lane: 'image' })
}
