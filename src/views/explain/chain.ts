import { imageSteps } from '../../domain/explain/image-steps.ts'
import { releaseSteps } from '../../domain/explain/release-steps.ts'
import { rolloutStep } from '../../domain/explain/rollout-step.ts'
import { sourceSteps } from '../../domain/explain/source-steps.ts'
import { makeStep, type Step } from '../../domain/explain/step.ts'
import { commitsStep } from '../../domain/explain/update-step.ts'
import { healthOf } from '../../domain/health/check.ts'
import { mapAt } from '../../domain/health/fields.ts'
import { idOf, type KubeObject, refOf } from '../../domain/manifest/object.ts'
import { isMadeBy } from '../../domain/release/helm-owner.ts'
import { antecedentAnnotation, readAntecedent } from '../../domain/release/ownership.ts'
import { helmReleaseKind } from '../../domain/release/spec.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { within } from '../cached.ts'
import { releaseTarget } from '../release-row.ts'
import type { RowReader } from '../rows.ts'
import type { ViewsOptions } from '../views-options.ts'
import { isOfSource, readMadeByHelm } from '../workloads.ts'
import type { MayLook } from './explanation.ts'
import { type FactReader, imagesOf, timeoutMs } from './facts.ts'

/** Makes the steps of what exists. */
export type Chains = {
  /** The whole way of a source. */
  source(spec: SourceSpec): Promise<Step[]>
  /** The way of an object that a source names and the cluster does not have. */
  absent(spec: SourceSpec, id: string): Promise<Step[]>
  /** The way of a live workload or HelmRelease, from its images to its pods. */
  object(object: KubeObject): Promise<Step[]>
}

type Options = Pick<ViewsOptions, 'cluster' | 'sources' | 'enable' | 'now'>
type Parts = { options: Options; facts: FactReader; rows: Pick<RowReader, 'workloads'>; may: MayLook }

/** Workloads that do not run are told one by one, up to so many. */
const mostRollouts = 5

export function createChains(parts: Parts): Chains {
  return {
    async source(spec) {
      const [facts, updates] = await Promise.all([parts.facts.source(spec), parts.facts.queue.updatesOf(spec)])
      const rollout = await rolloutOfSource(spec, facts.id, parts)
      return [...commitsStep(facts.id, updates), ...sourceSteps(facts), ...rollout]
    },
    absent: async (spec, id) => sourceSteps(await parts.facts.source(spec), { id, isLive: false, appliedAt: '' }),
    object: (object) => chainOf(object, parts),
  }
}

async function chainOf(object: KubeObject, parts: Parts): Promise<Step[]> {
  const owner = ownerOf(object, parts.options)
  const spec = owner && (await parts.may('sources', owner.namespace)) ? owner : undefined
  const isRelease = object.kind === helmReleaseKind.kind
  const rollout = isRelease ? await rolloutOfRelease(object, parts) : [await rollOut(object, parts)]
  const isHealthy = rollout.every(({ state }) => state === 'done' || state === 'skipped')
  const made = isRelease ? [] : await antecedentSteps(object, parts)
  const images = await stepsOfImages(object, { spec, isHealthy }, parts)
  const about = { id: idOf(refOf(object)), isLive: true, appliedAt: appliedAt(object) }
  return [
    ...(made.length > 0 ? images.filter(({ step }) => step === 'tag') : images),
    ...(spec ? sourceSteps(await parts.facts.source(spec), about) : []),
    ...(owner && !spec ? [hiddenStep(about.id, 'source', owner.namespace)] : []),
    ...made,
    ...(isRelease ? releaseSteps(await parts.facts.release(object)) : []),
    ...rollout,
  ]
}

function ownerOf(object: KubeObject, { sources, enable }: Options): SourceSpec | undefined {
  return enable.includes('sync') ? sources().find((spec) => isOfSource(spec)(object)) : undefined
}

async function stepsOfImages(
  object: KubeObject,
  { spec, isHealthy }: { spec: SourceSpec | undefined; isHealthy: boolean },
  { options, facts }: Parts,
): Promise<Step[]> {
  const workload = options.enable.includes('images') ? imagesOf(object) : undefined
  if (!workload) return []
  const [repositories, updates] = await Promise.all([
    facts.repositories(workload),
    spec ? facts.queue.updatesOf(spec) : { update: undefined, updated: undefined },
  ])
  return imageSteps({ workload, isHealthy, repositories, ...updates, now: options.now().getTime() })
}

/** Anybody may have written on an object what it comes from: nothing is told of it, not even whether it is there. */
function hiddenStep(of: string, kind: 'source' | 'HelmRelease', namespace: string): Step {
  const message = `by its own account it comes from a ${kind} in namespace ${namespace}, which you may not read`
  return makeStep('apply', of, 'unknown', { message })
}

/**
 * The way of the HelmRelease that made a workload, without its other workloads. The annotation alone is nobody's word: helm's own, which
 * helm looks at before it touches an object, must name the release that the HelmRelease stands for.
 */
async function antecedentSteps(object: KubeObject, parts: Parts): Promise<Step[]> {
  const named = readAntecedent(object.metadata.annotations?.[antecedentAnnotation] ?? '')
  if (!named || !parts.options.enable.includes('releases')) return []
  if (!(await parts.may('releases', named.namespace)))
    return [hiddenStep(idOf(refOf(object)), 'HelmRelease', named.namespace)]
  const ref = { ...helmReleaseKind, ...named }
  const release = await within(timeoutMs, (signal) => parts.options.cluster.get(ref, { signal }))
  if (!release) return []
  const target = releaseTarget(release)
  if (!isMadeBy(object, { release: target.release, targetNamespace: target.namespace })) return []
  return (await chainOf(release, parts)).filter(({ step }) => step !== 'rollout')
}

/** Only of its own namespace: the workloads of ten thousand releases are not listed for one. */
async function rolloutOfRelease(object: KubeObject, parts: Parts): Promise<Step[]> {
  const { cluster, now } = parts.options
  const { release, namespace } = releaseTarget(object)
  const made = await within(timeoutMs, (signal) => readMadeByHelm(cluster, namespace, signal))
  const ours = made.filter((one) => isMadeBy(one, { release, targetNamespace: namespace }))
  return await rolloutOf(ours, { of: `${object.metadata.namespace}/${object.metadata.name}`, at: now() }, parts)
}

async function rolloutOfSource(spec: SourceSpec, of: string, parts: Parts): Promise<Step[]> {
  const { reading, failure } = await parts.rows.workloads()
  if (!reading || failure) {
    return [makeStep('rollout', of, 'unknown', { message: failure?.message ?? 'the workloads were not read' })]
  }
  return await rolloutOf(reading.value.ofSources.filter(isOfSource(spec)), { of, at: new Date(reading.at) }, parts)
}

/** What of many workloads does not run; one step where all do. */
async function rolloutOf(
  ours: readonly KubeObject[],
  { of, at: readAt }: { of: string; at: Date },
  parts: Parts,
): Promise<Step[]> {
  const at = readAt.toISOString()
  const bad = ours.filter((object) => healthOf(object).state !== 'healthy').slice(0, mostRollouts)
  if (bad.length > 0) return await Promise.all(bad.map((object) => rollOut(object, parts)))
  if (ours.length === 0) return [makeStep('rollout', of, 'skipped', { at, message: 'it has no workloads' })]
  return [makeStep('rollout', of, 'done', { at, message: `${ours.length} workloads are healthy` })]
}

async function rollOut(object: KubeObject, { options: { cluster, now } }: Parts): Promise<Step> {
  const observedAt = now().toISOString()
  const labels = Object.entries(mapAt(mapAt(mapAt(object, 'spec'), 'selector'), 'matchLabels'))
  if (healthOf(object).state === 'healthy' || labels.length === 0) return rolloutStep({ object, pods: [], observedAt })
  const labelSelector = labels.map(([key, value]) => `${key}=${String(value)}`).join(',')
  const query = { apiVersion: 'v1', kind: 'Pod', namespace: object.metadata.namespace ?? '', labelSelector }
  const pods = await within(timeoutMs, (signal) => cluster.list(query, signal))
  return rolloutStep({ object, pods, observedAt })
}

/** When we applied it last. */
function appliedAt({ metadata: { managedFields = [] } }: KubeObject): string {
  return managedFields.find(({ manager, operation }) => manager === 'capstan' && operation === 'Apply')?.time ?? ''
}
