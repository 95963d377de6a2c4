import { repositoryStep, taggedSteps, untakenSteps } from '../../domain/explain/image-steps.ts'
import type { Step } from '../../domain/explain/step.ts'
import { type ImageRef, printRef, repositoryOf } from '../../domain/image/ref.ts'
import { idOf, type KubeObject, refOf } from '../../domain/manifest/object.ts'
import { antecedentAnnotation } from '../../domain/release/ownership.ts'
import type { Candidates } from './candidates.ts'
import { imagesOf } from './facts.ts'
import { nothing, type Parts, type Result } from './parts.ts'

/** Workloads of one image that are told, the first so many. */
const mostUsers = 10

/** An image that a registry is known to have or that a workload uses, and the way of each workload that does. */
export async function findImage(image: ImageRef, text: string, parts: Parts): Promise<Result> {
  const repository = repositoryOf(image)
  const users = usersOf(repository, await parts.candidates())
  const known = await parts.facts.repository(repository, users[0]?.metadata.namespace ?? '')
  if (users.length === 0 && !known.tags) return await nothing(text, parts)
  const ways = await Promise.all(users.slice(0, mostUsers).map((user) => stepsOfUser(user, image, parts)))
  const steps = [repositoryStep(printRef(image), image.tag, known), ...inOrder(ways)]
  const rest = users.length - mostUsers
  const notes = [
    ...(users.length === 0 ? ['No workload uses it.'] : []),
    ...(rest > 0 ? [`${rest} more workloads use it; ask about them by name.`] : []),
  ]
  return { subject: { kind: 'image', id: printRef(image) }, steps, notes }
}

/** What uses a repository; a workload that a HelmRelease made goes with that. */
function usersOf(repository: string, { workloads, helmReleases }: Candidates): KubeObject[] {
  const isUser = (object: KubeObject): boolean =>
    imagesOf(object)?.containers.some(({ image }) => repositoryOf(image) === repository) ?? false
  const releases = helmReleases.filter(isUser)
  const ids = new Set(releases.map((object) => idOf(refOf(object))))
  const others = workloads.filter(({ metadata }) => !ids.has(metadata.annotations?.[antecedentAnnotation] ?? ''))
  return [...others.filter(isUser), ...releases]
}

type Way = { takes: 'yes' | 'maybe' | 'no'; steps: Step[] }

/** Those that take the image come first, else those that may; where there are any, it stops nothing that others do not. */
function inOrder(ways: readonly Way[]): Step[] {
  const best = (['yes', 'maybe'] as const).find((word) => ways.some(({ takes }) => takes === word)) ?? 'no'
  const others = ways.filter(({ takes }) => takes !== best).flatMap(({ steps }) => steps)
  return [
    ...ways.filter(({ takes }) => takes === best).flatMap(({ steps }) => steps),
    ...others.map((step): Step => ({ ...step, state: 'skipped', command: '' })),
  ]
}

/** A workload that does not take the tag that was asked for tells only whether git may name it and it does not get through. */
async function stepsOfUser(
  user: KubeObject,
  { tag, ...name }: ImageRef,
  { facts, chains, options }: Parts,
): Promise<Way> {
  const workload = imagesOf(user)
  if (tag === undefined || !workload) return { takes: 'yes', steps: await chains.object(user) }
  const repositories = await facts.repositories(workload)
  const now = options.now().getTime()
  const known = { workload, isHealthy: true, repositories, update: undefined, updated: undefined, now }
  const asked = taggedSteps(tag, repositoryOf(name), known)
  const rest = (await chains.object(user)).filter(({ step }) => step !== 'tag' && step !== 'policy')
  if (asked.every(({ state }) => state !== 'stopped')) return { takes: 'yes', steps: [...asked, ...rest] }
  const { mayCome, steps } = untakenSteps(asked, rest)
  return { takes: mayCome ? 'maybe' : 'no', steps }
}
