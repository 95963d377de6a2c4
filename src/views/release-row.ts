import { type Condition, conditionOf, isObserved, mapAt } from '../domain/health/fields.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import { type ChartSource, readSpec } from '../domain/release/spec.ts'
import { type Reason, reasons } from '../domain/status/reason.ts'
import { type Suspension, suspensionMessage } from '../domain/status/suspension.ts'
import type { Unhealthy } from './workloads.ts'

/** What the labels of helm's newest release Secret say. */
export type StoredRelease = { revision: number; state: string }

/** A release as people and programs see it (W35; keys are only ever added). */
export type ReleaseRow = {
  namespace: string
  name: string
  /** Helm's name of it, and the namespace it is in. */
  release: string
  targetNamespace: string
  /** `name@version` or `git:path@<sha>`. */
  chart: string
  /** Helm's number; 0 while there is none. */
  revision: number
  /** Helm's word, or `absent`. */
  state: string
  /** `deployed` at the wanted chart and values. */
  ready: boolean
  /** No workload of it is progressing or failed. */
  healthy: boolean
  /** A word of the closed list, or the phase that the HelmRelease is in. */
  reason: string
  message: string
  phase: string
  unhealthy: Unhealthy[]
}

/** Defaults that no view shows. */
const specDefaults = { gitRef: '', updateDependencies: true }

/** Name and namespace of the helm release that a HelmRelease asks for (helm-operator §2). */
export function releaseTarget(object: KubeObject): { release: string; namespace: string } {
  const { release, targetNamespace } = readSpec(object, specDefaults)
  return { release, namespace: targetNamespace }
}

/** Facts → row. `stored` is undefined where helm has no such release, `unhealthy` where the workloads could not be read. */
export function releaseRow(
  object: KubeObject,
  stored: StoredRelease | undefined,
  unhealthy: Unhealthy[] | undefined,
): ReleaseRow {
  const { namespace, name, release, targetNamespace, chart, suspended } = readSpec(object, specDefaults)
  const status = mapAt(object, 'status')
  const { revision, state } = stored ?? { revision: 0, state: 'absent' }
  return {
    namespace,
    name,
    release,
    targetNamespace,
    chart: printChart(chart, textAt(status, 'revision') || textAt(status, 'lastAttemptedRevision')),
    revision,
    state,
    ...readyOf(object, stored, suspended),
    healthy: unhealthy?.length === 0,
    phase: textAt(status, 'phase'),
    unhealthy: unhealthy ?? [],
  }
}

function readyOf(
  object: KubeObject,
  stored: StoredRelease | undefined,
  suspended: Suspension | undefined,
): Pick<ReleaseRow, 'ready' | 'reason' | 'message'> {
  const standstill = standstillOf(object, stored)
  const message = standstill?.message ?? conditionOf(object, 'Released')?.message ?? ''
  const reason = standstill && suspended ? 'Suspended' : (standstill?.reason ?? '')
  return {
    ready: !standstill,
    reason,
    message: suspended ? `${suspensionMessage(suspended)}. ${message}`.trim() : message,
  }
}

type Standstill = { reason: string; message: string }

/** The first cause why a release is not as it should be; undefined when it is. */
function standstillOf(object: KubeObject, stored: StoredRelease | undefined): Standstill | undefined {
  const released = conditionOf(object, 'Released')
  if (object.metadata.deletionTimestamp) return { reason: 'NotReady', message: 'It is being deleted.' }
  if (released?.status === 'False') return fromCondition(released)
  if (!released || !isObserved(object) || !mapAt(object, 'status').observedGeneration) {
    return { reason: 'NotReady', message: 'The latest change has not been worked on yet.' }
  }
  if (stored?.state !== 'deployed') {
    return { reason: 'NotReady', message: stored ? `helm says: ${stored.state}.` : 'helm has no such release.' }
  }
  return released.status === 'True' ? undefined : { reason: 'NotReady', message: released.message }
}

/** The ancestor's reason is its phase; a message that begins with a word of our list says more. */
function fromCondition({ reason, message }: Condition): Standstill {
  const [, word = '', rest = ''] = /^([A-Za-z0-9]+): (.*)$/s.exec(message) ?? []
  return isReason(word) ? { reason: word, message: rest } : { reason, message }
}

function isReason(word: string): word is Reason {
  return Object.hasOwn(reasons, word)
}

/** `revision` is what was deployed or tried; until then the wanted one stands in for it. */
function printChart(chart: ChartSource, revision: string): string {
  if (chart.kind === 'none') return ''
  if (chart.kind === 'git') return `git:${chart.path}@${revision || chart.ref}`
  return `${chart.name}@${revision || chart.version}`
}

function textAt(map: Record<string, unknown>, field: string): string {
  const value = map[field]
  return typeof value === 'string' ? value : ''
}
