import {
  describeUpdate,
  planUpdates,
  repositoriesOf,
  tagsNeeded,
  type Update,
} from '../../domain/image/plan-updates.ts'
import { autoReleaseMessage } from '../../domain/image/message.ts'
import { printRef } from '../../domain/image/ref.ts'
import type { Workload } from '../../domain/image/workload.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { fetchKey, parseFetchFact } from '../../domain/source/status.ts'
import type { Outcome } from '../../domain/work/job.ts'
import type { UpdateResult } from '../../domain/work/update-spec.ts'
import { readKnownHead } from '../read-known-head.ts'
import { readWorkloads } from '../scan-image/workloads.ts'
import { askForFetch, commitUpdate, obstacleOf, type Prepared } from './commit.ts'
import type { UpdateImagesDeps } from './deps.ts'
import { measureAutomated } from './released.ts'
import { editImages } from './edit-images.ts'
import { withoutLiveIgnored } from './live.ts'
import { readFacts } from './read-facts.ts'

type Decided = Prepared & { changes: string[]; notes: string[] }

/**
 * Brings the images of a source's automated workloads to what their policies choose: one commit for all of them, in which only the
 * bytes of the tags differ. What was done is git itself: run twice, or killed at any line, the next run finds what is left to do and
 * never makes an empty commit (hazard A4).
 */
export async function updateAutomated(spec: SourceSpec, deps: UpdateImagesDeps, signal: AbortSignal): Promise<Outcome> {
  const obstacle = obstacleOf(spec, deps)
  if (obstacle) return await onlySay(spec, obstacle, deps, signal)
  let last: Decided | undefined
  const prepare = async (base: string, until: AbortSignal) => {
    last = await decide(spec, base, deps, until)
    return last
  }
  const result = await measureAutomated(
    deps,
    (done) => done.result !== 'empty',
    () => commitUpdate(spec, { user: '', prepare }, deps, signal),
  )
  const { changes = [], notes = [] } = last ?? {}
  if (result.result === 'empty') {
    await fetchIfUnseen(spec, result.base, deps)
    return { end: 'done', summary: ['nothing to change', ...notes].join('; ') }
  }
  const source = `${spec.namespace}/${spec.name}`
  for (const change of changes) deps.log.info({ source, ...result }, change)
  return { end: 'done', summary: [`commit ${result.commit.slice(0, 12)}`, ...changes, ...notes].join('; ') }
}

async function onlySay(
  spec: SourceSpec,
  obstacle: string,
  deps: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<Outcome> {
  await deps.git.fetch(await deps.sources.remote(spec, signal), signal)
  const { commit } = await readKnownHead(spec, deps, signal)
  const { changes, notes } = await decide(spec, commit, deps, signal)
  const said = changes.length > 0 ? [`${obstacle}; not committed`, ...changes] : ['nothing to change']
  return { end: 'done', summary: [...said, ...notes].join('; ') }
}

async function decide(spec: SourceSpec, commit: string, deps: UpdateImagesDeps, signal: AbortSignal): Promise<Decided> {
  const workloads = await readWorkloads(spec, { commit, scope: 'automated' }, deps, signal)
  const planned = await plan({ spec, workloads }, deps, signal)
  const remote = await deps.sources.remote(spec, signal)
  const { edits, done, refused } = await editImages({ spec, remote, commit, updates: planned.updates }, deps, signal)
  const refusals = refused.map(
    ({ update, why }) => `${update.workload.id} ${update.container.name} NotEditable: ${why}`,
  )
  const changes = done.map(describeUpdate)
  const message = autoReleaseMessage(
    done.map(({ to }) => printRef(to)),
    deps.ciSkip,
  )
  return { edits, message, note: noteOf(done, deps), changes, notes: [...planned.notes, ...refusals] }
}

function noteOf(done: readonly Update[], { newId }: UpdateImagesDeps): Prepared['note'] {
  const result: UpdateResult = {}
  const Changes = done.map(({ workload: { id }, container, to }) => {
    const [Current, Target] = [printRef(container.image), printRef(to)]
    const { PerContainer = [] } = result[id] ?? {}
    result[id] = { Status: 'success', PerContainer: [...PerContainer, { Container: container.name, Current, Target }] }
    return { WorkloadID: id, Container: { Name: container.name, Image: Current }, ImageID: Target }
  })
  return { jobID: newId(), spec: { type: 'auto', cause: { Message: '', User: '' }, spec: { Changes } }, result }
}

async function plan(
  { spec, workloads }: { spec: SourceSpec; workloads: readonly Workload[] },
  deps: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<{ updates: Update[]; notes: string[] }> {
  const wanted = {
    repositories: repositoriesOf(workloads),
    usedBy: { spec, workloads },
    needed: (repository: string, tags: readonly string[]) => tagsNeeded(workloads, repository, tags),
    from: 'store' as const,
  }
  const { known, failures } = await readFacts(wanted, deps, signal)
  // its own scan reports and repeats what failed
  const notes = [...failures].map(([repository, message]) => `${repository} was left out: ${message}`)
  const planned = planUpdates(workloads, (repository) => known.get(repository), deps.now().getTime())
  for (const { id, container, reason, why } of planned.held)
    if (reason !== '') notes.push(`${id} ${container} ${reason}: ${why}`)
  const live = await withoutLiveIgnored(planned.updates, deps, signal)
  return { updates: live.updates, notes: [...notes, ...live.notes] }
}

/** A run that was killed after its push asked for no fetch: whoever comes next sees a head that no fetch has told of. */
async function fetchIfUnseen(spec: SourceSpec, commit: string, deps: UpdateImagesDeps): Promise<void> {
  const head = parseFetchFact(await deps.store.get(fetchKey(spec.namespace, spec.name)))?.head
  if (head && head !== commit) await askForFetch(spec, deps)
}
