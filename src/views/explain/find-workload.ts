import { verdictOf } from '../../domain/explain/step.ts'
import type { Subject } from '../../domain/explain/subject.ts'
import { idOf, refOf } from '../../domain/manifest/object.ts'
import { within } from '../cached.ts'
import type { Found } from './explanation.ts'
import { timeoutMs } from './facts.ts'
import { explainObject, getOrNone, hintFor, nothing, one, type Parts, type Result } from './parts.ts'

/** A live workload, one that could not be applied, or one that may come with a source. */
export async function findWorkload(
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
  const bare = `${kind.kind.toLowerCase()}/${name}`
  const id = namespace === '' ? bare : `${namespace}:${bare}`
  return (
    (await findFailed(id, parts)) ??
    (await findExpected({ kind: 'workload', id }, text, parts)) ??
    (await nothing(text, parts))
  )
}

/** Something that a source failed to apply, or holds; an ID without its namespace is one in any. */
export async function findFailed(id: string, parts: Parts): Promise<Found | undefined> {
  const isMeant = (own: string): boolean => own === id || (!id.includes(':') && own.endsWith(`:${id}`))
  for (const spec of await parts.sources()) {
    const { status } = await parts.facts.source(spec)
    const known = [...(status?.failed ?? []), ...(status?.held ?? [])].find((failure) => isMeant(failure.id))
    if (known) return { subject: { kind: 'object', id: known.id }, steps: await parts.chains.absent(spec, known.id) }
  }
  return undefined
}

/** What is nowhere may come with a source that is not applied yet. */
export async function findExpected(subject: Found['subject'], text: string, parts: Parts): Promise<Found | undefined> {
  for (const spec of await parts.sources()) {
    const steps = await parts.chains.source(spec)
    const way = steps.filter(({ step }) => step !== 'rollout' && step !== 'commit')
    if (verdictOf(way).state === 'done') continue
    const source = `${spec.namespace}/${spec.name}`
    const near = await hintFor(text, parts)
    const note = `It is not in the cluster; if source ${source} defines it, it comes with it. ${near}`.trim()
    return { subject, steps: await parts.chains.absent(spec, subject.id), notes: [note] }
  }
  return undefined
}
