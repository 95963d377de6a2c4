import {
  allLatest,
  allWorkloads,
  type ContainersSpec,
  type ImageSpec,
  type UpdateResult,
  type WorkloadResult,
} from '../work/update-spec.ts'
import { chooseTag, createdIn } from './choose.ts'
import type { RepositoryFacts } from './facts.ts'
import { newestLooking } from './newest-looking.ts'
import type { Update } from './plan-updates.ts'
import { compareTags, parsePolicy } from './policy.ts'
import { type ImageRef, parseRef, printRef, repositoryOf } from './ref.ts'
import { retag } from './retag.ts'
import { sealed, type Workload } from './workload.ts'

/** How the cluster has a workload; `ignored`: its live object says so. */
export type LiveState = 'there' | 'ignored' | 'absent'

/** What a release does, and how each workload of the repository fares by it. */
export type ReleasePlan = { updates: Update[]; result: UpdateResult }

/** What a release looks at beside git. `factsOf` gives undefined for a repository that could not be read; `now` in Unix milliseconds. */
export type ReleaseFacts = {
  liveOf: (id: string) => LiveState
  factsOf: (repository: string) => RepositoryFacts | undefined
  now: number
}

type WorkloadContainer = Workload['containers'][number]
/** Of one container; `unknown`: nobody knows an image for it. */
type Outcome =
  | { outcome: 'update'; update: Update }
  | { outcome: 'ignored' | 'current' | 'unknown' | 'failed'; why: string }

const unused = 'does not use image(s)'
const upToDate = 'image(s) up to date'
const notFound = 'cannot find one or more images'

/** The image that is named; undefined for the newest of all. A problem is told in words for people. */
export function targetOf({ ImageSpec: text }: ImageSpec): { target?: ImageRef } | { problem: string } {
  if (text === allLatest) return {}
  const target = parseRef(text)
  if (!target) return { problem: `'${text}' is no image` }
  return target.tag === undefined ? { problem: `'${text}' names no tag; give it as name:tag` } : { target }
}

/** The workloads that the list and the exclusions leave, and that use the image: only these are looked for in the cluster. */
export function candidatesOf(
  workloads: readonly Workload[],
  spec: ImageSpec,
  target: ImageRef | undefined,
): Workload[] {
  return workloads.filter((workload) => refusalOf(workload, spec, target) === undefined)
}

function refusalOf(
  { id, containers }: Workload,
  spec: ImageSpec,
  target: ImageRef | undefined,
): WorkloadResult | undefined {
  if (!isAll(spec) && !spec.ServiceSpecs.includes(id)) return { Status: 'ignored', Error: 'not included' }
  if (spec.Excludes.includes(id)) return { Status: 'ignored', Error: 'excluded' }
  const repository = target && repositoryOf(target)
  const uses = repository === undefined || containers.some(({ image }) => repositoryOf(image) === repository)
  return uses ? undefined : { Status: 'ignored', Error: 'a different image' }
}

function isAll({ ServiceSpecs }: ImageSpec): boolean {
  return ServiceSpecs.includes(allWorkloads)
}

/**
 * What the release of one image, or of the newest of all, changes (flux-v1 §16). Force lets locks and ignores fall where workloads are
 * named, and tag filters where the image is.
 */
export function planImageRelease(workloads: readonly Workload[], spec: ImageSpec, facts: ReleaseFacts): ReleasePlan {
  const read = targetOf(spec)
  const target = 'target' in read ? read.target : undefined
  const plan: ReleasePlan = { updates: [], result: {} }
  for (const workload of workloads) {
    const blocked =
      refusalOf(workload, spec, target) ?? blockOf(workload, facts.liveOf(workload.id), spec.Force && !isAll(spec))
    if (blocked) plan.result[workload.id] = blocked
    else {
      const outcomes = workload.containers.map((container) =>
        target ? forImage({ workload, container }, target, spec.Force) : forNewest({ workload, container }, facts),
      )
      take(plan, workload.id, outcomes)
    }
  }
  for (const id of isAll(spec) ? [] : spec.ServiceSpecs)
    plan.result[id] ??= { Status: 'skipped', Error: 'not found in repository' }
  return plan
}

/** What keeps a workload from every release. Force opens locks and ignores, but no sealed file. */
function blockOf({ blockedBy, isSealed }: Workload, live: LiveState, isForced: boolean): WorkloadResult | undefined {
  if (live === 'absent') return { Status: 'skipped', Error: 'not accessible in cluster' }
  if (!isForced && blockedBy === 'locked') return { Status: 'skipped', Error: 'locked' }
  if (!isForced && (blockedBy === 'ignored' || live === 'ignored')) return { Status: 'skipped', Error: 'ignore' }
  return isSealed ? { Status: 'failed', Error: `the file is ${sealed}; edit it by hand` } : undefined
}

type Place = { workload: Workload; container: WorkloadContainer }

function forImage({ workload, container }: Place, target: ImageRef, isForced: boolean): Outcome {
  if (repositoryOf(container.image) !== repositoryOf(target)) return { outcome: 'ignored', why: unused }
  const read = parsePolicy(container.policy)
  const { tag = '' } = target
  const refusal = isForced ? undefined : 'problem' in read ? read.problem : read.policy.refusal(tag)
  if (refusal !== undefined)
    return { outcome: 'unknown', why: `${notFound}: ${tag} ${refusal}; --force overrides the tag filter` }
  return toImage({ workload, container }, target, 'it was named')
}

function forNewest({ workload, container }: Place, { factsOf, now }: ReleaseFacts): Outcome {
  const read = parsePolicy(container.policy)
  if ('problem' in read) return { outcome: 'unknown', why: `${notFound}: ${read.problem}` }
  const facts = factsOf(repositoryOf(container.image))
  if (!facts)
    return { outcome: 'unknown', why: `${notFound}: the registry could not be read, or its images are excluded` }
  const choice = chooseTag(read.policy, container.image, facts, now)
  if (choice.choice === 'keep') return { outcome: 'current', why: upToDate }
  if (choice.choice === 'hold') return { outcome: 'unknown', why: `${notFound}: ${choice.why}` }
  return toImage({ workload, container }, choice, choice.why)
}

/** Only tag and digest are transplanted: the name stays as it was written. */
function toImage(place: Place, { tag, digest }: Pick<ImageRef, 'tag' | 'digest'>, why: string): Outcome {
  const { container } = place
  const { domain, path, tag: before, digest: pinned } = container.image
  if (before === tag && (digest === undefined ? pinned === undefined : pinned === digest))
    return { outcome: 'current', why: upToDate }
  if (container.problem) return { outcome: 'failed', why: `${container.name}: ${container.problem}` }
  const to: ImageRef = {
    domain,
    path,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  }
  return { outcome: 'update', update: { ...place, to, text: retag(container, to), why } }
}

/** Any update makes a success; else the last container decides (flux-v1 §16). */
function take(plan: ReleasePlan, id: string, outcomes: readonly Outcome[], mismatch = ''): void {
  const failed = outcomes.find(({ outcome }) => outcome === 'failed')
  if (failed && 'why' in failed) {
    plan.result[id] = { Status: 'failed', Error: failed.why }
    return
  }
  const updates = outcomes.flatMap((one) => (one.outcome === 'update' ? [one.update] : []))
  if (updates.length > 0) {
    plan.updates.push(...updates)
    const PerContainer = updates.map(({ container, to }) => ({
      Container: container.name,
      Current: printRef(container.image),
      Target: printRef(to),
    }))
    plan.result[id] = { Status: 'success', PerContainer, ...(mismatch ? { Error: mismatch } : {}) }
    return
  }
  const last = outcomes.at(-1)
  const why = mismatch || (last && 'why' in last ? last.why : unused)
  plan.result[id] = { Status: last?.outcome === 'ignored' && !mismatch ? 'ignored' : 'skipped', Error: why }
}

/**
 * What the release of chosen images to chosen containers changes. A container that is not there, or has another image than was expected,
 * fails its workload; with SkipMismatches the others go on. An image by its digest alone, as fluxctl sends back what it was told with tag
 * and digest (flux-v1 §1), is the tag that is known to have that digest.
 */
export function planContainerRelease(
  workloads: readonly Workload[],
  spec: ContainersSpec,
  { liveOf, factsOf }: Pick<ReleaseFacts, 'liveOf' | 'factsOf'>,
): ReleasePlan {
  const plan: ReleasePlan = { updates: [], result: {} }
  const byId = new Map(workloads.map((workload) => [workload.id, workload]))
  for (const [id, wanted] of Object.entries(spec.ContainerSpecs)) {
    const workload = byId.get(id)
    const blocked = workload
      ? blockOf(workload, liveOf(id), spec.Force)
      : ({ Status: 'skipped', Error: 'not found in repository' } as const)
    if (!workload || blocked) {
      if (blocked) plan.result[id] = blocked
      continue
    }
    const lost = wanted.filter(({ Container }) => !workload.containers.some(({ name }) => name === Container))
    const others = wanted.filter((one) => isOther(workload, one))
    if (lost.length > 0) plan.result[id] = { Status: 'failed', Error: `container(s) not found: ${namesOf(lost)}` }
    else if (others.length > 0 && !spec.SkipMismatches)
      plan.result[id] = { Status: 'failed', Error: mismatchOf(others) }
    else {
      const outcomes = wanted.filter((one) => !others.includes(one)).map((one) => forContainer(workload, one, factsOf))
      take(plan, id, outcomes, others.length > 0 ? mismatchOf(others) : '')
    }
  }
  for (const { id } of workloads) plan.result[id] ??= { Status: 'ignored', Error: 'not included' }
  return plan
}

type Wanted = ContainersSpec['ContainerSpecs'][string][number]

function namesOf(wanted: readonly Wanted[]): string {
  return wanted.map(({ Container }) => Container).join(', ')
}

function mismatchOf(others: readonly Wanted[]): string {
  return `container(s) tag mismatch: ${namesOf(others)}`
}

function isOther({ containers }: Workload, { Container, Current }: Wanted): boolean {
  const found = containers.find(({ name }) => name === Container)
  if (Current === undefined || !found) return false
  const expected = parseRef(Current)
  if (!expected) return true
  const { tag: _, ...untagged } = found.image
  return printRef(expected) !== printRef(isDigestAlone(expected) ? untagged : found.image)
}

/** Such an image says all but its tag. */
export function isDigestAlone({ tag, digest }: ImageRef): boolean {
  return tag === undefined && digest !== undefined
}

function forContainer(workload: Workload, { Container, Target }: Wanted, factsOf: ReleaseFacts['factsOf']): Outcome {
  const container = workload.containers.find(({ name }) => name === Container)
  const target = parseRef(Target)
  const isAnother = !target || (target.tag === undefined && target.digest === undefined)
  if (!container || isAnother || repositoryOf(target) !== repositoryOf(container.image))
    return { outcome: 'failed', why: `${Container}: '${Target}' is not another tag of its image` }
  const tag = target.tag ?? tagOfDigest(target.digest, container, factsOf(repositoryOf(target)))
  if (tag === undefined)
    return { outcome: 'failed', why: `${Container}: no tag of '${Target}' is known; name the image with its tag` }
  return toImage({ workload, container }, { ...target, tag }, 'it was named')
}

/** Of several the one that the policy would take first, else the one that looks newest. */
function tagOfDigest(
  digest: string | undefined,
  { policy }: WorkloadContainer,
  facts: RepositoryFacts | undefined,
): string | undefined {
  if (!facts) return undefined
  const tags = facts.tags.filter((tag) => facts.described.get(tag)?.digest === digest)
  const read = parsePolicy(policy)
  const accepted = 'policy' in read ? tags.filter((tag) => read.policy.refusal(tag) === undefined) : []
  const [best] = 'policy' in read ? accepted.toSorted(compareTags(read.policy, createdIn(facts))) : []
  return best ?? newestLooking(tags, 1)[0]
}
