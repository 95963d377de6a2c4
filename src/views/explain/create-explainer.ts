import { repositoryStep, taggedSteps } from '../../domain/explain/image-steps.ts'
import { type Step, verdictOf } from '../../domain/explain/step.ts'
import { parseSubject, type Subject } from '../../domain/explain/subject.ts'
import { type ImageRef, printRef, repositoryOf } from '../../domain/image/ref.ts'
import { idOf, type KubeObject, refOf } from '../../domain/manifest/object.ts'
import { helmReleaseKind } from '../../domain/release/spec.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { within } from '../cached.ts'
import type { RowReader } from '../rows.ts'
import type { ViewsOptions } from '../views-options.ts'
import { type Candidates, readCandidates, suggestNames } from './candidates.ts'
import { type Chains, createChains } from './chain.ts'
import { explainCommit } from './explain-commit.ts'
import type { Explained, Explanation, Found } from './explanation.ts'
import { createFactReader, type FactReader, imagesOf, timeoutMs } from './facts.ts'

/** Explains what stops something; `namespace` is where a `kind/name` is, empty for wherever it is. */
export type Explainer = (subject: string, namespace: string) => Promise<Explained>

type Parts = { options: ViewsOptions; facts: FactReader; chains: Chains; candidates: () => Promise<Candidates> }
type Result = Found | { none: string } | { several: string }

/** Workloads of one image that are told, the first so many. */
const mostUsers = 10

/**
 * Explanations from recorded facts alone (W7): what jobs have left in the store and in the cluster, and what the queue and the API
 * server say now. Throws ClusterUnavailable or Forbidden when the cluster cannot be asked.
 */
export function createExplainer(options: ViewsOptions, rows: RowReader): Explainer {
  const facts = createFactReader(options)
  const specs = (): readonly SourceSpec[] => (options.enable.includes('sync') ? options.sources() : [])
  const chains = createChains({ options, facts, rows })
  const parts: Parts = {
    options: { ...options, sources: specs },
    facts,
    chains,
    candidates: () => readCandidates(rows, specs()),
  }
  return async (text, namespace) => {
    const subject = parseSubject(text, namespace)
    if (!subject) return { none: `${text} is no workload, release, source, image or commit.` }
    const result = await find(subject, text, parts)
    if (!('steps' in result)) return result
    return explanationOf(result, parts)
  }
}

function explanationOf({ subject, steps, notes = [] }: Found, { options, facts }: Parts): Explanation {
  const { state, cause } = verdictOf(steps)
  const told = facts.queue.isUp()
    ? notes
    : [...notes, 'Redis does not answer: what the queue and the registries say is not known.']
  return { subject, state, cause: cause ?? null, steps, notes: told, observedAt: options.now().toISOString() }
}

async function find(subject: Subject, text: string, parts: Parts): Promise<Result> {
  switch (subject.kind) {
    case 'source':
      return await findSource(subject, text, parts)
    case 'release':
      return await findRelease(subject, text, parts)
    case 'workload':
      return await findWorkload(subject, text, parts)
    case 'object':
      return (await findFailed(subject.id, parts)) ?? { none: untold(subject.id) }
    case 'image':
      return await findImage(subject.image, text, parts)
    case 'commit':
      return (await explainCommit(subject.digits, parts)) ?? (await findName(text, text, parts))
    case 'name':
      return await findName(subject.name, text, parts)
  }
}

type Named = { namespace: string; name: string }

function isNamed({ namespace, name }: Named): (one: Named) => boolean {
  return (one) => one.name === name && (namespace === '' || one.namespace === namespace)
}

async function findSource(named: Named, text: string, parts: Parts): Promise<Result> {
  const found = parts.options.sources().filter(isNamed(named))
  return (
    (await one(
      found,
      (spec) => `source/${spec.namespace}/${spec.name}`,
      (spec) => explainSource(spec, parts),
    )) ?? (await nothing(text, parts))
  )
}

async function explainSource(spec: SourceSpec, { chains }: Parts): Promise<Found> {
  return { subject: { kind: 'source', id: `${spec.namespace}/${spec.name}` }, steps: await chains.source(spec) }
}

async function findRelease(named: Named, text: string, parts: Parts): Promise<Result> {
  const { namespace, name } = named
  if (namespace !== '') {
    const object = await getOrNone({ ...helmReleaseKind, namespace, name }, parts)
    if (object) return await explainObject(object, 'release', parts)
  }
  const { releases, helmReleases } = await parts.candidates()
  const own = releases.filter(isNamed(named))
  const rows = own.length > 0 ? own : releases.filter((row) => row.release === name)
  const found = helmReleases.filter(({ metadata }) =>
    rows.some((row) => isNamed(row)({ namespace: metadata.namespace ?? '', name: metadata.name })),
  )
  const printed = ({ metadata }: KubeObject): string => `release/${metadata.namespace}/${metadata.name}`
  const answer = await one(found, printed, (object) => explainObject(object, 'release', parts))
  const id = idOf({ ...helmReleaseKind, namespace, name })
  return answer ?? (await findFailed(id, parts)) ?? (await nothing(text, parts))
}

async function findWorkload(
  subject: Extract<Subject, { kind: 'workload' }>,
  text: string,
  parts: Parts,
): Promise<Result> {
  const { namespace, name, object: kind } = subject
  const found =
    namespace === ''
      ? await within(timeoutMs, (signal) =>
          parts.options.cluster.list({ ...kind, fieldSelector: `metadata.name=${name}` }, signal),
        )
      : [await getOrNone({ ...kind, namespace, name }, parts)].filter((object) => object !== undefined)
  // a list is not filtered by everybody who may stand in for the API server
  const ours = found.filter(({ metadata }) => metadata.name === name)
  const answer = await one(
    ours,
    (object) => idOf(refOf(object)),
    (object) => explainObject(object, 'workload', parts),
  )
  if (answer) return answer
  const id = idOf({ ...kind, namespace, name })
  return (await findFailed(id, parts)) ?? (await findExpected(id, parts)) ?? (await nothing(text, parts))
}

async function explainObject(object: KubeObject, kind: 'workload' | 'release', { chains }: Parts): Promise<Found> {
  const id = kind === 'release' ? `${object.metadata.namespace}/${object.metadata.name}` : idOf(refOf(object))
  return { subject: { kind, id }, steps: await chains.object(object) }
}

/** Something that a source failed to apply, or holds. */
async function findFailed(id: string, parts: Parts): Promise<Found | undefined> {
  const [, name] = id.split(/:(.*)/s)
  for (const spec of parts.options.sources()) {
    const { status } = await parts.facts.source(spec)
    const isOurs = (own: string): boolean => own === id || (id.startsWith('<cluster>:') && own.endsWith(`:${name}`))
    const known = [...(status?.failed ?? []), ...(status?.held ?? [])].find((failure) => isOurs(failure.id))
    if (known) return { subject: { kind: 'object', id: known.id }, steps: await parts.chains.absent(spec, known.id) }
  }
  return undefined
}

/** What is nowhere may come with a source that is not applied yet. */
async function findExpected(id: string, parts: Parts): Promise<Found | undefined> {
  for (const spec of parts.options.sources()) {
    const steps = await parts.chains.source(spec)
    const way = steps.filter(({ step }) => step !== 'rollout' && step !== 'commit')
    if (verdictOf(way).state === 'done') continue
    const source = `${spec.namespace}/${spec.name}`
    const notes = [`${id} is not in the cluster; if source ${source} defines it, it comes with it.`]
    return { subject: { kind: 'workload', id }, steps: await parts.chains.absent(spec, id), notes }
  }
  return undefined
}

async function findImage(image: ImageRef, text: string, parts: Parts): Promise<Result> {
  const repository = repositoryOf(image)
  const { workloads, helmReleases } = await parts.candidates()
  const users = [...workloads, ...helmReleases].filter((object) =>
    imagesOf(object)?.containers.some((container) => repositoryOf(container.image) === repository),
  )
  const known = await parts.facts.repository(repository)
  if (users.length === 0 && !known.tags) return await nothing(text, parts)
  const steps = [repositoryStep(printRef(image), image.tag, known)]
  for (const user of users.slice(0, mostUsers)) steps.push(...(await stepsOfUser(user, image, parts)))
  const rest = users.length - mostUsers
  const notes = [
    ...(users.length === 0 ? ['No workload uses it.'] : []),
    ...(rest > 0 ? [`${rest} more workloads use it; ask about them by name.`] : []),
  ]
  return { subject: { kind: 'image', id: printRef(image) }, steps, notes }
}

/** A workload that does not take the tag that was asked for has nothing more to say about it. */
async function stepsOfUser(
  user: KubeObject,
  { tag, ...name }: ImageRef,
  { facts, chains, options }: Parts,
): Promise<Step[]> {
  const workload = imagesOf(user)
  if (tag === undefined || !workload) return await chains.object(user)
  const repositories = await facts.repositories(workload)
  const now = options.now().getTime()
  const known = { workload, isHealthy: true, repositories, update: undefined, updated: undefined, now }
  const asked = taggedSteps(tag, repositoryOf(name), known)
  if (asked.some(({ state }) => state === 'stopped')) return asked
  return [...asked, ...(await chains.object(user)).filter(({ step }) => step !== 'tag' && step !== 'policy')]
}

/** A name alone: a release, then a source, then a workload. */
async function findName(name: string, text: string, parts: Parts): Promise<Result> {
  const { releases, workloads } = await parts.candidates()
  if (releases.some((row) => row.name === name || row.release === name))
    return await findRelease({ namespace: '', name }, text, parts)
  if (parts.options.sources().some((spec) => spec.name === name))
    return await findSource({ namespace: '', name }, text, parts)
  const found = workloads.filter(({ metadata }) => metadata.name === name)
  const printed = (object: KubeObject): string => idOf(refOf(object))
  return (
    (await one(found, printed, (object) => explainObject(object, 'workload', parts))) ?? (await nothing(text, parts))
  )
}

async function one<T>(
  found: readonly T[],
  print: (item: T) => string,
  explain: (item: T) => Promise<Found>,
): Promise<Result | undefined> {
  const [first] = found
  if (first === undefined) return undefined
  if (found.length === 1) return await explain(first)
  return { several: `Which one? ${found.map(print).join(', ')}` }
}

/** Of other objects than workloads sources record only what went wrong. */
function untold(id: string): string {
  return `No source says that ${id} failed or is held, and more is known of workloads alone. Ask about its source.`
}

async function nothing(text: string, { candidates }: Parts): Promise<{ none: string }> {
  const near = suggestNames(text, await candidates())
  const hint = near.length > 0 ? ` Did you mean ${near.join(', ')}?` : ' See capstan status for what there is.'
  return { none: `There is no ${text}.${hint}` }
}

async function getOrNone(
  ref: { apiVersion: string; kind: string; namespace: string; name: string },
  { options }: Parts,
): Promise<KubeObject | undefined> {
  const { cluster } = options
  return await within(timeoutMs, async (signal) =>
    (await cluster.resource(ref.apiVersion, ref.kind, signal)) ? await cluster.get(ref, { signal }) : undefined,
  )
}
