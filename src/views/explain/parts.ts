import { idOf, type KubeObject, refOf } from '../../domain/manifest/object.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { within } from '../cached.ts'
import type { BrokenSource } from '../source-row.ts'
import type { ViewsOptions } from '../views-options.ts'
import { type Candidates, suggestNames } from './candidates.ts'
import type { Chains } from './chain.ts'
import type { Found, MayLook } from './explanation.ts'
import { type FactReader, timeoutMs } from './facts.ts'

/** What a search works with; `sources` are those that are synced and that whoever asks may read. */
export type Parts = {
  options: Pick<ViewsOptions, 'cluster' | 'now'>
  facts: FactReader
  chains: Chains
  may: MayLook
  sources: () => Promise<readonly SourceSpec[]>
  brokenSources: () => Promise<readonly BrokenSource[]>
  candidates: () => Promise<Candidates>
}

/** What a search came to: nothing, or several of that name, in words for people. */
export type Result = Found | { none: string } | { several: string }

/** An empty namespace is any. */
export type Named = { namespace: string; name: string }

/** Whether something has this name. */
export function isNamed({ namespace, name }: Named): (one: Named) => boolean {
  return (one) => one.name === name && (namespace === '' || one.namespace === namespace)
}

/** The way of something live. */
export async function explainObject(
  object: KubeObject,
  kind: 'workload' | 'release',
  { chains }: Parts,
): Promise<Found> {
  const id = kind === 'release' ? `${object.metadata.namespace}/${object.metadata.name}` : idOf(refOf(object))
  return { subject: { kind, id }, steps: await chains.object(object) }
}

/** The only one that was found; undefined for none. */
export async function one<T>(
  found: readonly T[],
  print: (item: T) => string,
  explain: (item: T) => Promise<Found>,
): Promise<Result | undefined> {
  const [first] = found
  if (first === undefined) return undefined
  if (found.length === 1) return await explain(first)
  return { several: `Which one? ${found.map(print).join(', ')}` }
}

/** Names that are near, in a sentence; empty where there is none, and for who may not look everywhere. */
export async function hintFor(text: string, { candidates, may }: Parts): Promise<string> {
  if (!(await may('workloads', ''))) return ''
  const near = suggestNames(text, await candidates())
  return near.length > 0 ? `Did you mean ${near.join(', ')}?` : ''
}

/** That there is no such thing, and what is near. */
export async function nothing(text: string, parts: Parts): Promise<{ none: string }> {
  return { none: `There is no ${text}. ${(await hintFor(text, parts)) || 'See capstan status for what there is.'}` }
}

/** A live object; undefined when it or its kind is not there. */
export async function getOrNone(
  ref: { apiVersion: string; kind: string; namespace: string; name: string },
  { options }: Parts,
): Promise<KubeObject | undefined> {
  const { cluster } = options
  return await within(timeoutMs, async (signal) =>
    (await cluster.resource(ref.apiVersion, ref.kind, signal)) ? await cluster.get(ref, { signal }) : undefined,
  )
}
