import { type Choice, chooseTag } from '../image/choose.ts'
import type { StoredTags, TagFact } from '../image/facts.ts'
import { parsePolicy } from '../image/policy.ts'
import { printRef, repositoryOf } from '../image/ref.ts'
import { type TagVerdict, traceTags } from '../image/trace.ts'
import { sealed, type Workload } from '../image/workload.ts'
import { readPolicies } from '../manifest/annotations.ts'
import { failureOf, isReason, type JobFact, nextRunOf, placeOf } from './job-fact.ts'
import { makeStep, type Step, type StepName, verdictOf } from './step.ts'
import { updateState } from './update-step.ts'

/** What is recorded about a repository of images. */
export type RepositoryFacts = {
  /** The last list of its tags; undefined when it was never asked. */
  tags: StoredTags | undefined
  described: ReadonlyMap<string, TagFact>
  /** The scan of it, in the queue. */
  scan: JobFact | undefined
  /** False: the settings leave it out. */
  isScanned: boolean
}

/** What is recorded about the images of a workload. */
export type ImageFacts = {
  workload: Workload
  /** The workload runs as it is: a tag that the registry has deleted since is of no concern. */
  isHealthy: boolean
  /** By canonical name. */
  repositories: ReadonlyMap<string, RepositoryFacts>
  /** The job that commits to the source of the workload. */
  update: JobFact | undefined
  /** What the last run of it ended with. */
  updated: JobFact | undefined
  /** Unix milliseconds. */
  now: number
}

type Container = Workload['containers'][number]
type Chosen = { container: Container; choice: Choice | undefined; steps: Step[] }

/** From the tag to the commit: what the registry has, what the policy takes, and whether git says so. */
export function imageSteps(facts: ImageFacts): Step[] {
  const chosen = facts.workload.containers.map((container) => chooseFor(container, facts))
  return [...chosen.flatMap(({ steps }) => steps), commitStep(chosen, facts)]
}

/**
 * What became of one tag that somebody asks about: whether the registry has it, and whether the workload takes it. The rest of the way
 * is that of the workload.
 */
export function taggedSteps(tag: string, repository: string, facts: ImageFacts): Step[] {
  const { workload, now } = facts
  const known = facts.repositories.get(repository) ?? unknownRepository
  return workload.containers
    .filter(({ image }) => repositoryOf(image) === repository)
    .flatMap((container) => {
      const of = `${workload.id} ${container.name}`
      if (container.image.tag === tag) return [makeStep('policy', of, 'done', { message: `the cluster runs ${tag}` })]
      const read = parsePolicy(container.policy)
      if (!workload.isAutomated || 'problem' in read || !known.tags) return [untaken(of, container, workload)]
      const found = { tags: known.tags.tags, described: known.described }
      const verdict = traceTags(read.policy, container.image, found, now).tags.find((one) => one.tag === tag)
      const { at } = known.tags
      if (verdict?.verdict === 'chosen') return [makeStep('policy', of, 'done', { at, message: verdict.why })]
      const message = passedOver(verdict, read.policy.text)
      return [makeStep('policy', of, 'stopped', { at, reason: 'TagRefused', message })]
    })
}

function untaken(of: string, { image, policy }: Container, { id, isAutomated }: Workload): Step {
  const message = `the cluster runs ${printRef(image)}`
  const command = `capstan automate --workload ${id}`
  if (!isAutomated) return makeStep('policy', of, 'stopped', { reason: 'NotAutomated', message, command })
  const read = parsePolicy(policy)
  if ('problem' in read) return makeStep('policy', of, 'stopped', { reason: 'InvalidPolicy', message: read.problem })
  return makeStep('policy', of, 'waiting', { reason: 'NotReady', message: 'it waits for the tags' })
}

const wayToCluster: ReadonlySet<StepName> = new Set(['revision', 'queue', 'hold', 'apply'])

/**
 * The way of a tag that only people may name: `asked` is what {@link taggedSteps} say of the live workload, `rest` the steps of that.
 * While something is on its way from git, or is stopped there, git may well name the tag, and that is the cause.
 */
export function untakenSteps(asked: readonly Step[], rest: readonly Step[]): { mayCome: boolean; steps: Step[] } {
  const way = rest.filter(({ step }) => wayToCluster.has(step))
  const isForPeople = asked.every(({ state, reason }) => state !== 'stopped' || reason === 'NotAutomated')
  if (!isForPeople) return { mayCome: false, steps: [...asked] }
  if (verdictOf(way).state === 'done') return { mayCome: false, steps: [...asked, ...way] }
  const open = asked.map((step): Step => {
    if (step.state !== 'stopped') return step
    return makeStep('policy', step.of, 'unknown', { message: `${step.message}; not automated: git alone says the tag` })
  })
  return { mayCome: true, steps: [...open, ...rest.filter(({ step }) => wayToCluster.has(step) || step === 'rollout')] }
}

/** Why a tag is not the one that is taken. */
function passedOver(verdict: TagVerdict | undefined, policy: string): string {
  if (!verdict) return `the registry has no such tag for ${policy}`
  return verdict.verdict === 'refused' ? verdict.why : `another tag comes before it for ${policy}`
}

/** Whether a registry has a tag that somebody asks about, or what it has where no tag is said. */
export function repositoryStep(of: string, tag: string | undefined, known: RepositoryFacts): Step {
  const { tags, scan } = known
  const nextTryAt = nextRunOf(scan)
  if (!tags) return unlisted(of, { isAutomated: known.isScanned, scan })
  if (tags.failure) {
    const { at, reason: word, message } = tags.failure
    return makeStep('tag', of, 'stopped', {
      at,
      reason: isReason(word) ? word : 'RegistryUnreachable',
      message,
      nextTryAt,
    })
  }
  const { at } = tags
  if (tag === undefined || tags.tags.includes(tag)) {
    const message = tag === undefined ? `the registry has ${countOf(tags.tags)}` : `the registry has the tag ${tag}`
    return makeStep('tag', of, 'done', { at, message })
  }
  const message = `the registry has no tag ${tag}, only ${countOf(tags.tags)}`
  return makeStep('tag', of, 'stopped', { at, reason: 'TagNotFound', message, nextTryAt })
}

function chooseFor(container: Container, facts: ImageFacts): Chosen {
  const repository = facts.repositories.get(repositoryOf(container.image)) ?? unknownRepository
  const tag = tagStep(container, repository, facts)
  const { step, choice } = policyStep(container, repository, facts)
  return { container, choice, steps: [tag, step] }
}

const unknownRepository: RepositoryFacts = { tags: undefined, described: new Map(), scan: undefined, isScanned: false }

/** What the registry says. Where nothing waits for a newer tag its failures stop nothing. */
function tagStep(
  { image }: Container,
  { tags, scan, isScanned }: RepositoryFacts,
  { workload: { isAutomated }, isHealthy }: ImageFacts,
): Step {
  const of = printRef(image)
  const nextTryAt = nextRunOf(scan)
  if (!tags) return unlisted(of, { isAutomated: isAutomated && isScanned, scan })
  if (tags.failure) {
    const { at, reason: word, message } = tags.failure
    const reason = isReason(word) ? word : 'RegistryUnreachable'
    return makeStep('tag', of, isAutomated ? 'stopped' : 'unknown', { at, reason, message, nextTryAt })
  }
  const { at } = tags
  if (image.tag !== undefined && image.digest === undefined && !tags.tags.includes(image.tag) && !isHealthy) {
    const message = `the registry has no tag ${image.tag} of ${repositoryOf(image)}, only ${countOf(tags.tags)}`
    return makeStep('tag', of, 'stopped', { at, reason: 'TagNotFound', message, nextTryAt })
  }
  return makeStep('tag', of, 'done', { at, message: `the registry has ${countOf(tags.tags)}` })
}

function unlisted(of: string, { isAutomated, scan }: { isAutomated: boolean; scan: JobFact | undefined }): Step {
  if (!isAutomated) return makeStep('tag', of, 'skipped', { message: 'its registry has not been asked' })
  const failure = failureOf(scan)
  const nextTryAt = nextRunOf(scan)
  if (failure) return makeStep('tag', of, 'stopped', { ...failure, at: scan?.startedAt ?? '', nextTryAt })
  const message = scan ? placeOf(scan) : 'its registry has not been asked yet'
  return makeStep('tag', of, 'waiting', { reason: 'NotReady', message, nextTryAt })
}

function countOf(tags: readonly string[]): string {
  return tags.length === 1 ? '1 tag' : `${tags.length} tags`
}

type PolicyStep = { step: Step; choice: Choice | undefined }

function policyStep(
  container: Container,
  { tags, described }: RepositoryFacts,
  { workload: { isAutomated }, now }: ImageFacts,
): PolicyStep {
  const of = printRef(container.image)
  const read = parsePolicy(container.policy)
  if ('problem' in read) {
    const parts = { reason: 'InvalidPolicy', message: read.problem } as const
    return { step: makeStep('policy', of, isAutomated ? 'stopped' : 'skipped', parts), choice: undefined }
  }
  const choice = tags?.at ? chooseTag(read.policy, container.image, { tags: tags.tags, described }, now) : undefined
  if (!isAutomated) {
    const newer = choice?.choice === 'change' ? `; ${choice.tag} is there` : ''
    return {
      step: makeStep('policy', of, 'skipped', { message: `not automated: git alone says the tag${newer}` }),
      choice,
    }
  }
  if (!choice) {
    const message = 'it waits for the tags'
    return { step: makeStep('policy', of, 'waiting', { reason: 'NotReady', message }), choice }
  }
  const at = tags?.at ?? ''
  if (choice.choice === 'hold') {
    return { step: makeStep('policy', of, 'stopped', { at, reason: choice.reason, message: choice.why }), choice }
  }
  const message = choice.choice === 'change' ? `it takes ${choice.tag}: ${choice.why}` : choice.why
  return { step: makeStep('policy', of, 'done', { at, message }), choice }
}

/** Whether git names what the policies take. */
function commitStep(chosen: readonly Chosen[], { workload, update, updated }: ImageFacts): Step {
  const { id, isAutomated, blockedBy, isSealed } = workload
  const wanted = chosen.flatMap(({ container, choice, steps }) =>
    choice?.choice === 'change' ? [{ container, tag: choice.tag, at: steps.at(-1)?.at ?? '' }] : [],
  )
  const [first] = wanted
  if (!first || (!isAutomated && blockedBy !== 'locked')) return settledStep(chosen, workload)
  const waits = `${first.container.name} waits for ${first.tag}`
  const { at } = first
  if (blockedBy === 'locked') {
    const message = `${waits}: ${lockOf(workload)}`
    if (isSealed)
      return makeStep('commit', id, 'stopped', { at, reason: 'Locked', message: `${message}; it is ${sealed}` })
    const command = `capstan unlock --workload ${id}`
    return makeStep('commit', id, 'stopped', { at, reason: 'Locked', message, command })
  }
  const refused = blockedBy ?? (isSealed ? sealed : first.container.problem)
  if (refused)
    return makeStep('commit', id, 'stopped', { at, reason: 'NotEditable', message: `${waits}: it is ${refused}` })
  return makeStep('commit', id, ...updateState({ id, update, updated }, waits))
}

/** Nothing newer is known that git should name. */
function settledStep(chosen: readonly Chosen[], workload: Workload): Step {
  const { id, isAutomated } = workload
  if (!isAutomated)
    return makeStep('commit', id, 'skipped', { message: withLock(`the cluster runs ${imagesOf(workload)}`, workload) })
  const isDecided = chosen.every(({ choice }) => choice?.choice === 'keep')
  const at = chosen[0]?.steps.at(-1)?.at ?? ''
  if (isDecided)
    return makeStep('commit', id, 'done', { at, message: withLock('git names what the policy takes', workload) })
  return makeStep('commit', id, 'waiting', { reason: 'NotReady', message: 'it waits for the policy' })
}

function imagesOf({ containers }: Workload): string {
  return containers.map(({ image }) => printRef(image)).join(', ')
}

function withLock(message: string, workload: Workload): string {
  return workload.blockedBy === 'locked' ? `${message}; ${lockOf(workload)}` : message
}

/** Who locked it and why, as far as it says so (flux-v1 §19). */
function lockOf({ annotations }: Workload): string {
  const policies = readPolicies(annotations)
  const [user = '', text = ''] = [policies.get('locked_user'), policies.get('locked_msg')]
  return `locked${user === '' ? '' : ` by ${user}`}${text === '' ? '' : `: ${text}`}`
}
