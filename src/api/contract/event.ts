import { type Static, Type } from 'typebox'
import { eventTypeNames, severityNames } from './event-names.ts'
import { mostRows } from './list.ts'
import { ref } from './ref.ts'

/** What an event or a record is about. */
export const EventSource = Type.Object(
  { kind: Type.Enum(['source', 'release', 'sink']), namespace: Type.String(), name: Type.String() },
  { $id: 'EventSource' },
)
export type EventSource = Static<typeof EventSource>

const time = Type.String({ description: 'RFC 3339.' })

/** What happened, with the field names of fluxd. */
export const Event = Type.Object(
  {
    id: Type.String({ description: 'Grows with each event; a cursor.' }),
    serviceIDs: Type.Array(Type.String(), { description: 'Workloads that it is about, as namespace:kind/name.' }),
    type: Type.Enum([...eventTypeNames]),
    startedAt: time,
    endedAt: time,
    logLevel: Type.Enum(['debug', 'info', 'warn', 'error']),
    message: Type.String({ description: 'One line for people.' }),
    metadata: Type.Unsafe<Record<string, unknown>>({
      type: 'object',
      additionalProperties: true,
      description: 'By type; the fields of fluxd for the types that it has.',
    }),
    severity: Type.Enum([...severityNames]),
    reason: Type.String({ description: 'The word for what stands in the way; empty where nothing does.' }),
    source: ref(EventSource),
    commit: Type.String({ description: 'The commit that it is about; empty for none.' }),
  },
  { $id: 'Event' },
)
export type Event = Static<typeof Event>

const next = Type.String({ description: 'Where to read on, as cursor; empty at the end of what there is.' })

export const EventList = Type.Object({ events: Type.Array(ref(Event)), next }, { $id: 'EventList' })
export type EventList = Static<typeof EventList>

const cursor = Type.Optional(Type.String({ pattern: '^[0-9]{1,15}-[0-9]{1,15}$', description: 'Read on from here.' }))
const order = Type.Optional(Type.Enum(['newest', 'oldest'], { description: 'What comes first; default newest.' }))
const names = Type.Array(Type.String({ minLength: 1, maxLength: 317 }), { maxItems: 50 })

/** Which events are wanted. */
export const EventFilter = Type.Object({
  type: Type.Optional(Type.Array(Type.Enum([...eventTypeNames]))),
  severity: Type.Optional(Type.Enum([...severityNames], { description: 'This and more urgent ones.' })),
  source: Type.Optional(names),
  namespace: Type.Optional(names),
  since: Type.Optional(Type.String({ format: 'date-time' })),
})
export type EventFilter = Static<typeof EventFilter>

export const EventQuery = Type.Object({
  ...EventFilter.properties,
  cursor,
  order,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: mostRows, default: 100 })),
})
export type EventQuery = Static<typeof EventQuery>

/** One attempt that changed something or failed. */
export const Deployment = Type.Object(
  {
    id: Type.String({ description: 'Grows with each record; a cursor.' }),
    source: ref(EventSource),
    cause: Type.Object({
      by: Type.String({ description: 'Who asked, as claimed; else webhook, change or periodic.' }),
      why: Type.String({ description: 'The reason of the job.' }),
    }),
    job: Type.String({ description: 'The job that did it.' }),
    startedAt: time,
    endedAt: time,
    outcome: Type.Enum(['done', 'failed']),
    reason: Type.String(),
    message: Type.String(),
    revision: Type.String({ description: 'branch@commit of a source; version or commit of the chart of a release.' }),
    before: Type.String({ description: 'The revision before; empty for none.' }),
    chart: Type.String({ description: 'Name and version of the chart; empty for a source.' }),
    chartDigest: Type.String(),
    valuesDigest: Type.String(),
    helmRevision: Type.Integer({ description: "helm's number; 0 for none." }),
    images: Type.Array(Type.String(), { description: 'Images of what changed.' }),
    counts: Type.Record(Type.String(), Type.Integer(), { description: 'Objects by what became of them.' }),
    changes: Type.Array(Type.Object({ id: Type.String(), action: Type.String(), reason: Type.String() }), {
      description: 'Objects that changed or failed; the first ones.',
    }),
  },
  { $id: 'Deployment' },
)
export type Deployment = Static<typeof Deployment>

export const DeploymentList = Type.Object({ deployments: Type.Array(ref(Deployment)), next }, { $id: 'DeploymentList' })
export type DeploymentList = Static<typeof DeploymentList>

export const HistoryQuery = Type.Object({
  about: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 600,
      description: 'Name or namespace/name of a source or HelmRelease, or namespace:kind/name of a workload.',
    }),
  ),
  namespace: Type.Optional(names),
  outcome: Type.Optional(Type.Enum(['done', 'failed'])),
  cursor,
  order,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: mostRows, default: 50 })),
})
export type HistoryQuery = Static<typeof HistoryQuery>

/** Where events are sent; its address and secrets are told to nobody. */
export const Sink = Type.Object(
  {
    name: Type.String(),
    type: Type.String({ description: 'webhook, slack, teams, discord, alertmanager, github, gitlab or upstream.' }),
    failures: Type.Integer({ description: 'Tries in a row that failed.' }),
    failure: Type.String({ description: 'Why the last one did; empty when it did not.' }),
    deliveredAt: Type.String({ description: 'RFC 3339, of the last event that it took; empty for none yet.' }),
  },
  { $id: 'Sink' },
)
export type Sink = Static<typeof Sink>

export const SinkList = Type.Object({ sinks: Type.Array(ref(Sink)) }, { $id: 'SinkList' })
export type SinkList = Static<typeof SinkList>

export const ReplayRequest = Type.Object(
  {
    by: Type.Optional(Type.String({ maxLength: 100, description: 'Who asks, as claimed; shown to others.' })),
    since: Type.String({ format: 'date-time', description: 'What was told since then is sent again.' }),
  },
  { $id: 'ReplayRequest' },
)
export type ReplayRequest = Static<typeof ReplayRequest>
