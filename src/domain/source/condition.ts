import type { Problem } from '../manifest/problem.ts'
import type { Reason } from '../status/reason.ts'
import type { Suspension } from '../status/suspension.ts'
import type { SourceObject, SourceSpec } from './spec.ts'
import type { FetchFact, SourceStatus } from './status.ts'

export type Condition = {
  type: 'Ready' | 'Healthy' | 'Drifted' | 'Stalled' | 'Suspended'
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
  observedGeneration: number
  /** RFC 3339; when `status` changed last. */
  lastTransitionTime: string
}

/** The status of a Source object: a copy of what the ConfigMap says, with conditions as Kubernetes writes them. */
export type MirroredStatus = {
  observedGeneration: number
  conditions: Condition[]
  revision: string
  attempted: string
  objects: number
  failed: number
  held: number
  inventory: { parts: string[]; digest: string; count: number }
  suspended: boolean
  lastHandledRequest: string
}

/** What is known about a Source; what is absent is not known or not the case. */
export type SeenSource = {
  /** As stored in the ConfigMap. */
  status?: SourceStatus | undefined
  /** The last fetch, where it failed. */
  fetch?: Pick<FetchFact, 'reason' | 'message'> | undefined
  /** Why the object cannot be used at all. */
  problem?: Pick<Problem, 'reason' | 'message'> | undefined
}

/** Which Source, in which state of its object, and what of its spec shows in the status. */
export type MirroredSource = Pick<SourceSpec, 'namespace' | 'name' | 'suspended'> & {
  wait?: boolean
  object?: SourceObject | undefined
}

const maxMessage = 1_000

/** Standstills that end only when somebody changes something; the rest is tried again by itself and may pass. */
const needsPeople: readonly Reason[] = [
  'InvalidSource',
  'GitRefNotFound',
  'PathNotFound',
  'DependencyCycle',
  'MassDeletion',
]

/** The status that says what was seen. Times of conditions whose status is as before are kept. */
export function mirrorStatus(
  source: MirroredSource,
  seen: SeenSource,
  { before, now }: { before: Partial<MirroredStatus>; now: string },
): MirroredStatus {
  const { status } = seen
  const suspended = suspendedOf(source, seen)
  const generation = source.object?.generation ?? before.observedGeneration ?? 0
  const known = new Map((before.conditions ?? []).map((condition) => [condition.type, condition]))
  const conditions = conditionsOf(source, seen).map(({ type, message, ...rest }): Condition => {
    const earlier = known.get(type)
    const lastTransitionTime = earlier?.status === rest.status ? earlier.lastTransitionTime : now
    return { type, ...rest, message: shorten(message), observedGeneration: generation, lastTransitionTime }
  })
  return {
    observedGeneration: generation,
    conditions,
    ...factsOf(status),
    suspended: suspended !== undefined,
    lastHandledRequest: source.object?.request ?? before.lastHandledRequest ?? '',
  }
}

type Facts = Pick<MirroredStatus, 'revision' | 'attempted' | 'objects' | 'failed' | 'held' | 'inventory'>

function factsOf(status: SourceStatus | undefined): Facts {
  const nothing = { parts: [], digest: '', count: 0 }
  if (!status) return { revision: '', attempted: '', objects: 0, failed: 0, held: 0, inventory: nothing }
  const { revision, attempted, objects, failedCount, held, inventory } = status
  return { revision, attempted, objects, failed: failedCount, held: held.length, inventory }
}

/** The Ready condition as one text; a change of it is news for people. */
export function outcomeOf(status: Partial<MirroredStatus>): string {
  const ready = status.conditions?.find(({ type }) => type === 'Ready')
  return ready ? `${ready.status} ${ready.reason}` : ''
}

type Said = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>

function conditionsOf(source: MirroredSource, seen: SeenSource): Said[] {
  const suspended = suspendedOf(source, seen)
  const ready = readyOf(suspended, seen)
  const isStalled = ready.status === 'False' && needsPeople.some((reason) => reason === ready.reason)
  return [
    ready,
    ...healthOf(source, seen),
    ...driftOf(seen),
    ...(isStalled ? [{ ...ready, type: 'Stalled' as const, status: 'True' as const }] : []),
    ...(suspended ? [suspensionOf(suspended)] : []),
  ]
}

/** In the spec, or by `capstan suspend`, which the ConfigMap remembers. */
function suspendedOf({ suspended }: MirroredSource, { status }: SeenSource): Suspension | undefined {
  return suspended ?? status?.suspended
}

function readyOf(suspended: Suspension | undefined, { status, fetch, problem }: SeenSource): Said {
  const not = (reason: Reason, message: string): Said => ({ type: 'Ready', status: 'False', reason, message })
  if (problem) return not(problem.reason, problem.message)
  if (suspended) return not('Suspended', suspensionOf(suspended).message)
  if (fetch?.reason) return not(fetch.reason, fetch.message)
  if (!status) return { type: 'Ready', status: 'Unknown', reason: 'NotReady', message: 'Nothing has been applied yet.' }
  if (!status.ready) return not(status.reason || 'NotReady', status.message)
  return { type: 'Ready', status: 'True', reason: 'Applied', message: `${status.revision}: ${status.message}` }
}

function healthOf({ wait }: MirroredSource, { status }: SeenSource): Said[] {
  if (!wait || !status) return []
  const { waiting } = status
  if (!waiting) {
    if (!status.ready) return []
    return [{ type: 'Healthy', status: 'True', reason: 'Healthy', message: 'All objects are healthy.' }]
  }
  const named = waiting.unhealthy.slice(0, 3).map(({ id, message }) => `${id} (${message})`)
  const message = `${waiting.count} objects are not healthy: ${named.join(', ')}`
  return [{ type: 'Healthy', status: 'False', reason: 'NotHealthy', message }]
}

function driftOf({ status }: SeenSource): Said[] {
  const [first] = status?.drifted ?? []
  if (!status || !first) return []
  const reason = status.drifted.find((drift) => drift.reason === 'DriftFight')?.reason ?? 'Drifted'
  const what = first.fields.length > 0 ? first.fields.join(', ') : 'the whole object'
  const by = first.manager ? ` by ${first.manager}` : ''
  const rest = status.drifted.length > 1 ? ` and ${status.drifted.length - 1} more objects` : ''
  return [{ type: 'Drifted', status: 'True', reason, message: `${first.id}: ${what} changed${by}${rest}` }]
}

function suspensionOf({ by, why }: Suspension): Said {
  const message = `Suspended${by ? ` by ${by}` : ''}${why ? `: ${why}` : '.'}`
  return { type: 'Suspended', status: 'True', reason: 'Suspended', message }
}

function shorten(message: string): string {
  return message.length <= maxMessage ? message : `${message.slice(0, maxMessage - 1)}…`
}
