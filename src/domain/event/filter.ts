import { type Event, type EventType, type Severity, severities } from './event.ts'

/** Which events are wanted; what is left out does not restrict. */
export type EventFilter = {
  types?: readonly EventType[] | undefined
  /** This and more urgent ones. */
  severity?: Severity | undefined
  /** `name` or `namespace/name` of sources and HelmReleases. */
  sources?: readonly string[] | undefined
  /** Of what the event is about, or of a workload in it. */
  namespaces?: readonly string[] | undefined
  /** Nothing of other namespaces may be seen: of an event there, only what is about workloads of `namespaces` alone. */
  isStrict?: boolean | undefined
  /** RFC 3339; events that ended before are left out. */
  since?: string | undefined
}

type Judged = Pick<Event, 'type' | 'severity' | 'source' | 'serviceIDs' | 'endedAt'>

/** Whether an event is wanted. */
export function isWanted(event: Judged, filter: EventFilter): boolean {
  const { types, severity, sources, namespaces, since } = filter
  const { namespace, name } = event.source
  if (types && !types.includes(event.type)) return false
  if (severity && severities.indexOf(event.severity) < severities.indexOf(severity)) return false
  if (sources && !sources.includes(name) && !sources.includes(`${namespace}/${name}`)) return false
  if (namespaces && !isIn(event, namespaces, filter.isStrict === true)) return false
  return !since || Date.parse(event.endedAt) >= Date.parse(since)
}

function isIn({ source, serviceIDs }: Judged, namespaces: readonly string[], isStrict: boolean): boolean {
  const isNamed = (id: string): boolean => namespaces.includes(id.split(':', 1)[0] ?? '')
  if (namespaces.includes(source.namespace)) return true
  return isStrict ? serviceIDs.length > 0 && serviceIDs.every(isNamed) : serviceIDs.some(isNamed)
}
