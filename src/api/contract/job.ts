import { type Static, Type } from 'typebox'
import { jobKindNames, jobStateNames } from './job-names.ts'
import { listQuery, mostRows, next } from './list.ts'
import { ref } from './ref.ts'

/** One piece of work. */
export const Job = Type.Object(
  {
    id: Type.String(),
    kind: Type.Enum([...jobKindNames]),
    namespace: Type.String(),
    name: Type.String(),
    reason: Type.String({ description: 'Why it is done.' }),
    state: Type.Enum([...jobStateNames]),
    lane: Type.String({ description: 'Who asks: person, webhook, change, image or periodic; the first goes first.' }),
    attempts: Type.Integer({ description: 'Times it was started.' }),
    requestedAt: Type.String({ description: 'RFC 3339.' }),
    startedAt: Type.Optional(Type.String()),
    finishedAt: Type.Optional(Type.String()),
    nextRunAt: Type.Optional(Type.String({ description: 'When a delayed job runs next.' })),
    waitsFor: Type.Optional(Type.String({ description: 'Why a delayed job asked to run again.' })),
    failure: Type.Optional(Type.String({ description: 'Reason and sentence of the last failure.' })),
    result: Type.Optional(
      Type.String({ description: 'Summary of the last run; ends in "→ <id>" where a job follows.' }),
    ),
    worker: Type.Optional(Type.String({ description: 'Process that runs it, or ran it last.' })),
    progress: Type.Optional(
      Type.Object(
        {
          step: Type.String(),
          done: Type.Integer(),
          total: Type.Integer({ description: '0 where nobody can tell.' }),
        },
        { description: 'How far a job that runs has come.' },
      ),
    ),
  },
  { $id: 'Job' },
)
export type Job = Static<typeof Job>

export const JobList = Type.Object({ jobs: Type.Array(ref(Job)), next }, { $id: 'JobList' })
export type JobList = Static<typeof JobList>

export const JobQuery = Type.Object({
  kind: Type.Optional(Type.Array(Type.Enum([...jobKindNames]))),
  state: Type.Optional(Type.Array(Type.Enum([...jobStateNames]))),
  ...listQuery,
  name: Type.Optional(Type.String({ maxLength: 253, description: 'Only those whose name holds this text.' })),
  lane: Type.Optional(Type.Enum(['person', 'webhook', 'change', 'image', 'periodic'])),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: mostRows, default: 50 })),
})
export type JobQuery = Static<typeof JobQuery>

const Count = Type.Object({
  waiting: Type.Integer(),
  active: Type.Integer(),
  delayed: Type.Integer(),
  completed: Type.Integer(),
  failed: Type.Integer(),
})

/** Jobs per kind and state. */
export const QueueCounts = Type.Object(
  {
    queues: Type.Object({
      'fetch-source': Count,
      'sync-source': Count,
      'sync-release': Count,
      'scan-image': Count,
      'update-images': Count,
      'plan-source': Count,
      'change-source': Count,
      'plan-release': Count,
      'change-release': Count,
      'deliver-event': Count,
      resync: Count,
    }),
    paused: Type.Array(Type.Enum([...jobKindNames]), { description: 'Kinds of which no jobs are taken.' }),
    lanes: Type.Object(
      {
        person: Type.Integer(),
        webhook: Type.Integer(),
        change: Type.Integer(),
        image: Type.Integer(),
        periodic: Type.Integer(),
      },
      { description: 'Jobs in line, over all kinds; the first lane goes first.' },
    ),
  },
  { $id: 'QueueCounts' },
)
export type QueueCounts = Static<typeof QueueCounts>

/** What was written while a job ran. */
export const JobLog = Type.Object(
  {
    lines: Type.Array(Type.String({ description: 'A time by RFC 3339, then words.' })),
    next: Type.Integer({ description: 'Where to read on, as from.' }),
  },
  { $id: 'JobLog' },
)
export type JobLog = Static<typeof JobLog>

/** Whether jobs of a kind are taken. */
export const QueueChanged = Type.Object(
  { kind: Type.Enum([...jobKindNames]), paused: Type.Boolean() },
  { $id: 'QueueChanged' },
)
export type QueueChanged = Static<typeof QueueChanged>

/** The job that will do what was asked for. */
export const Accepted = Type.Object(
  { jobId: Type.String(), requestedAt: Type.String({ description: 'RFC 3339, by the clock of the server.' }) },
  { $id: 'Accepted' },
)
export type Accepted = Static<typeof Accepted>

export const JobsAccepted = Type.Object({ jobIds: Type.Array(Type.String()) }, { $id: 'JobsAccepted' })
export type JobsAccepted = Static<typeof JobsAccepted>

/** The job that was changed; a retry of an ended job is a new one. */
export const JobChanged = Type.Object({ jobId: Type.String() }, { $id: 'JobChanged' })
export type JobChanged = Static<typeof JobChanged>

/** Body of what people ask for; it may be left out. */
export const Asker = Type.Object(
  { by: Type.Optional(Type.String({ maxLength: 100, description: 'Who asks, as claimed; shown to others.' })) },
  { $id: 'Asker' },
)
export type Asker = Static<typeof Asker>
