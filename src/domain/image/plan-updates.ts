import type { Reason } from '../status/reason.ts'
import { chooseTag, tagsToDescribe } from './choose.ts'
import type { RepositoryFacts } from './facts.ts'
import { parsePolicy } from './policy.ts'
import { type ImageRef, printRef, repositoryOf, withTag } from './ref.ts'
import { retag } from './retag.ts'
import { sealed, type Workload } from './workload.ts'

type WorkloadContainer = Workload['containers'][number]

/** A container that is to take another tag. */
export type Update = {
  workload: Workload
  container: WorkloadContainer
  to: ImageRef
  /** New content of the container's scalar. */
  text: string
  why: string
}

/** A container that stays, and why. */
export type Held = { id: string; container: string; repository: string; reason: Reason | ''; why: string }

export type UpdatePlan = { updates: Update[]; held: Held[] }

/** The canonical repositories of automated workloads. */
export function repositoriesOf(workloads: readonly Workload[]): string[] {
  const images = workloads.filter(({ isAutomated }) => isAutomated).flatMap(({ containers }) => containers)
  return [...new Set(images.map(({ image }) => repositoryOf(image)))].toSorted()
}

/** The tags of a repository whose images must be looked at before {@link planUpdates} can choose. */
export function tagsNeeded(workloads: readonly Workload[], repository: string, tags: readonly string[]): Set<string> {
  const containers = [...automatedContainers(workloads)].map(({ container }) => container)
  return tagsNeededBy(containers, repository, tags)
}

/** The same for containers that somebody asks about, automated or not. */
export function tagsNeededBy(
  containers: readonly WorkloadContainer[],
  repository: string,
  tags: readonly string[],
): Set<string> {
  const needed = new Set<string>()
  for (const { image, policy } of containers) {
    if (repositoryOf(image) !== repository) continue
    const read = parsePolicy(policy)
    if (!('policy' in read)) continue
    for (const tag of tagsToDescribe(read.policy, image, tags)) needed.add(tag)
  }
  return needed
}

/**
 * What automation wants: for each container of each automated workload that is neither locked nor ignored, the tag of its policy
 * (flux-v1 §§15–16). Only tag and digest are transplanted. `now` in milliseconds since 1970; `factsOf` gives undefined for a repository that could not be read or is excluded.
 */
export function planUpdates(
  workloads: readonly Workload[],
  factsOf: (repository: string) => RepositoryFacts | undefined,
  now: number,
): UpdatePlan {
  const plan: UpdatePlan = { updates: [], held: [] }
  for (const { workload, container } of automatedContainers(workloads)) {
    const repository = repositoryOf(container.image)
    const decided = decide({ workload, container }, factsOf(repository), now)
    if ('text' in decided) plan.updates.push(decided)
    else plan.held.push({ id: workload.id, container: container.name, repository, ...decided })
  }
  return plan
}

function decide(
  { workload, container }: { workload: Workload; container: WorkloadContainer },
  facts: RepositoryFacts | undefined,
  now: number,
): Update | Pick<Held, 'reason' | 'why'> {
  if (workload.blockedBy === 'locked') return { reason: 'Locked', why: 'the workload is locked' }
  if (workload.blockedBy === 'ignored') return { reason: '', why: 'the workload is ignored' }
  if (workload.isSealed) return { reason: 'NotEditable', why: `the file is ${sealed}` }
  const read = parsePolicy(container.policy)
  if ('problem' in read) return { reason: 'InvalidPolicy', why: read.problem }
  if (!facts) return { reason: '', why: 'nothing is known of its repository' }
  const { image, problem } = container
  const choice = chooseTag(read.policy, image, facts, now)
  if (choice.choice === 'hold') return { reason: choice.reason, why: choice.why }
  if (choice.choice === 'keep') return { reason: '', why: choice.why }
  if (problem) return { reason: 'NotEditable', why: problem }
  const { tag, digest } = choice
  if (image.digest !== undefined && digest === undefined) {
    return { reason: 'NotEditable', why: `the image is pinned by a digest, and that of ${tag} is not known` }
  }
  const to = { ...withTag(image, tag), ...(digest === undefined ? {} : { digest }) }
  return { workload, container, to, text: retag(container, to), why: choice.why }
}

function* automatedContainers(
  workloads: readonly Workload[],
): Generator<{ workload: Workload; container: WorkloadContainer }> {
  for (const workload of workloads) {
    if (!workload.isAutomated) continue
    for (const container of workload.containers) yield { workload, container }
  }
}

/** One line for people: which container goes from which image to which. */
export function describeUpdate({ workload, container, to }: Update): string {
  return `${workload.id} ${container.name}: ${printRef(container.image)} → ${to.tag ?? ''}`
}
