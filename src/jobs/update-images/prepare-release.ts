import { AppError } from '../../domain/error.ts'
import { tagsNeededBy } from '../../domain/image/plan-updates.ts'
import { type ImageRef, parseRef, printRef, repositoryOf } from '../../domain/image/ref.ts'
import {
  candidatesOf,
  isDigestAlone,
  planContainerRelease,
  planImageRelease,
  type ReleasePlan,
  targetOf,
} from '../../domain/image/release.ts'
import type { Workload } from '../../domain/image/workload.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { ContainersSpec, ImageSpec, UpdateSpec } from '../../domain/work/update-spec.ts'
import { accessTo } from '../scan-image/access.ts'
import { readWorkloads } from '../scan-image/workloads.ts'
import type { UpdateImagesDeps } from './deps.ts'
import { editImages } from './edit-images.ts'
import { readLive } from './live.ts'
import type { Change } from './prepare-policies.ts'
import { type Facts, readFacts } from './read-facts.ts'

type Release = Exclude<UpdateSpec, { type: 'policy' }>
/** Workloads of a source. */
type Of = { spec: SourceSpec; workloads: readonly Workload[] }

/** Prepares a release (flux-v1 §16). Registries are asked once, however often the branch moves. */
export function prepareRelease(
  spec: SourceSpec,
  update: Release,
  deps: UpdateImagesDeps,
): (base: string, signal: AbortSignal) => Promise<Change> {
  const facts: Facts = { known: new Map(), failures: new Map() }
  const checked = new Set<string>()
  return async (base, signal) => {
    const workloads = await readWorkloads(spec, { commit: base, scope: 'all' }, deps, signal)
    const plan =
      update.type === 'image'
        ? await planImages({ spec, workloads }, { wanted: update.spec, facts, checked }, deps, signal)
        : await planContainers({ spec, workloads }, { wanted: update.spec, facts }, deps, signal)
    const remote = await deps.sources.remote(spec, signal)
    const { edits, refused } = await editImages({ spec, remote, commit: base, updates: plan.updates }, deps, signal)
    for (const { update: one, why } of refused)
      plan.result[one.workload.id] = { Status: 'failed', Error: `${one.container.name}: ${why}` }
    return { edits, result: plan.result }
  }
}

async function planContainers(
  { spec, workloads }: Of,
  { wanted, facts }: { wanted: ContainersSpec; facts: Facts },
  deps: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<ReleasePlan> {
  const named = workloads.filter(({ id }) => Object.hasOwn(wanted.ContainerSpecs, id))
  const live = await readLive(named, deps, signal)
  await readMissing(
    { spec, workloads: named.filter(({ id }) => needsTags(wanted.ContainerSpecs[id])) },
    facts,
    deps,
    signal,
  )
  const plan = planContainerRelease(workloads, wanted, {
    liveOf: (id) => live.get(id) ?? 'absent',
    factsOf: (repository) => facts.known.get(repository),
  })
  const failed = Object.entries(plan.result).filter(([, { Status }]) => Status === 'failed')
  if (failed.length > 0 && !wanted.SkipMismatches) {
    const why = failed.map(([id, { Error: text = '' }]) => `${id}: ${text}`).join('; ')
    throw new AppError('NotEditable', `cannot satisfy specs: ${why}`, { retry: 'never' })
  }
  return plan
}

function needsTags(updates: ContainersSpec['ContainerSpecs'][string] = []): boolean {
  return updates.some(({ Target }) => {
    const target = parseRef(Target)
    return target !== undefined && isDigestAlone(target)
  })
}

async function planImages(
  { spec, workloads }: Of,
  { wanted, facts, checked }: { wanted: ImageSpec; facts: Facts; checked: Set<string> },
  deps: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<ReleasePlan> {
  const read = targetOf(wanted)
  if ('problem' in read) throw new AppError('NotEditable', read.problem, { retry: 'never' })
  const candidates = candidatesOf(workloads, wanted, read.target)
  const live = await readLive(candidates, deps, signal)
  if (read.target) await mustExist(read.target, { usedBy: { spec, workloads }, checked }, deps, signal)
  else await readMissing({ spec, workloads: candidates }, facts, deps, signal)
  return planImageRelease(workloads, wanted, {
    liveOf: (id) => live.get(id) ?? 'absent',
    factsOf: (repository) => facts.known.get(repository),
    now: deps.now().getTime(),
  })
}

/** An image that nobody has scanned yet is looked up, not refused (ruling 16). */
async function mustExist(
  target: ImageRef,
  { usedBy, checked }: { usedBy: Of; checked: Set<string> },
  deps: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<void> {
  const image = printRef(target)
  if (checked.has(image)) return
  const repository = repositoryOf(target)
  const access = await accessTo(repository, [usedBy], deps, signal)
  const digest = await deps.registry.digest(repository, target.tag ?? '', access, signal)
  if (digest === undefined)
    throw new AppError('NoTag', `image ${image} does not exist: invalid image ID`, { retry: 'never' })
  checked.add(image)
}

async function readMissing(usedBy: Of, facts: Facts, deps: UpdateImagesDeps, signal: AbortSignal): Promise<void> {
  const containers = usedBy.workloads.flatMap((workload) => workload.containers)
  const repositories = new Set(containers.map(({ image }) => repositoryOf(image)))
  const missing = [...repositories].filter((one) => !facts.known.has(one) && !facts.failures.has(one))
  const needed = (repository: string, tags: readonly string[]) => tagsNeededBy(containers, repository, tags)
  const found = await readFacts({ repositories: missing, usedBy, needed, from: 'registry' }, deps, signal)
  for (const [repository, known] of found.known) facts.known.set(repository, known)
  for (const [repository, failure] of found.failures) facts.failures.set(repository, failure)
}
