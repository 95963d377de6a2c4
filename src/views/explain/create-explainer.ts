import { verdictOf } from '../../domain/explain/step.ts'
import { parseSubject, type Subject } from '../../domain/explain/subject.ts'
import { idOf, type KubeObject, refOf } from '../../domain/manifest/object.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { RowReader } from '../rows.ts'
import { whyUnusable } from '../source-rows.ts'
import type { ViewsOptions } from '../views-options.ts'
import { readCandidates } from './candidates.ts'
import { createChains } from './chain.ts'
import { explainCommit } from './explain-commit.ts'
import type { Explained, Explanation, Found, MayLook } from './explanation.ts'
import { createFactReader } from './facts.ts'
import { findImage } from './find-image.ts'
import { findRelease } from './find-release.ts'
import { findFailed, findWorkload } from './find-workload.ts'
import { explainObject, isNamed, type Named, nothing, one, type Parts, type Result } from './parts.ts'

/**
 * Explains what stops something; `namespace` is where a `kind/name` is, empty for wherever it is. Whether whoever asks may read what is
 * named has been asked before; of sources and releases that the way leads through `may` says so.
 */
export type Explainer = (subject: string, namespace: string, may: MayLook) => Promise<Explained>

/**
 * Explanations from recorded facts alone (W7): what jobs have left in the store and in the cluster, and what the queue and the API
 * server say now. Throws ClusterUnavailable or Forbidden when the cluster cannot be asked.
 */
export function createExplainer(options: ViewsOptions, rows: RowReader): Explainer {
  const facts = createFactReader(options)
  const specs = (): readonly SourceSpec[] => (options.enable.includes('sync') ? options.sources() : [])
  const partsAsOf = (may: MayLook, notBefore?: number): Parts => {
    const readable = readableOf(may)
    const sources = async (): Promise<readonly SourceSpec[]> => await readable(specs())
    return {
      options,
      facts,
      chains: createChains({ options, facts, rows, may }),
      may,
      sources,
      brokenSources: async () => await readable(options.brokenSources?.() ?? []),
      candidates: async () => await readCandidates(rows, await sources(), notBefore),
    }
  }
  return async (text, namespace, may) => {
    const subject = parseSubject(text, namespace)
    if (!subject) return { none: `${text} is no workload, release, source, image or commit.` }
    const parts = partsAsOf(may)
    const result = await find(subject, text, parts)
    // lists that are a little old do not prove that a thing is not there
    const sure = 'none' in result ? await find(subject, text, partsAsOf(may, options.now().getTime())) : result
    return 'steps' in sure ? explanationOf(sure, parts) : sure
  }
}

/** Keeps of sources those that whoever asks may read. */
function readableOf(may: MayLook): <T extends Named>(sources: readonly T[]) => Promise<readonly T[]> {
  return async (sources) => {
    if (await may('sources', '')) return sources
    const namespaces = [...new Set(sources.map(({ namespace }) => namespace))]
    const answers = await Promise.all(namespaces.map(async (one) => ((await may('sources', one)) ? [one] : [])))
    const readable = new Set(answers.flat())
    return sources.filter(({ namespace }) => readable.has(namespace))
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

/** Of other objects than workloads sources record only what went wrong. */
function untold(id: string): string {
  return `No source says that ${id} failed or is held, and more is known of workloads alone. Ask about its source.`
}

async function findSource(named: Named, text: string, parts: Parts): Promise<Result> {
  const found = (await parts.sources()).filter(isNamed(named))
  return (
    (await one(
      found,
      (spec) => `source/${spec.namespace}/${spec.name}`,
      (spec) => explainSource(spec, parts),
    )) ??
    (await whyBroken(named, parts)) ??
    (await nothing(text, parts))
  )
}

/** A Source object that cannot be read has no way of its own: the message says all. */
async function whyBroken(named: Named, { brokenSources }: Parts): Promise<{ none: string } | undefined> {
  const found = (await brokenSources()).find(isNamed(named))
  return found && { none: whyUnusable(found) }
}

async function explainSource(spec: SourceSpec, { chains }: Parts): Promise<Found> {
  return { subject: { kind: 'source', id: `${spec.namespace}/${spec.name}` }, steps: await chains.source(spec) }
}

/** A name alone: a release, then a source, then a workload. */
async function findName(name: string, text: string, parts: Parts): Promise<Result> {
  const { releases, workloads } = await parts.candidates()
  if (releases.some((row) => row.name === name || row.release === name))
    return await findRelease({ namespace: '', name }, text, parts)
  const sources = await Promise.all([parts.sources(), parts.brokenSources()])
  if (sources.flat().some((one) => one.name === name)) return await findSource({ namespace: '', name }, text, parts)
  const found = workloads.filter(({ metadata }) => metadata.name === name)
  const printed = (object: KubeObject): string => idOf(refOf(object))
  return (
    (await one(found, printed, (object) => explainObject(object, 'workload', parts))) ?? (await nothing(text, parts))
  )
}
