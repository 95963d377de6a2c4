import { type Static, Type } from 'typebox'
import { Explanation } from './explain.ts'
import { Job, QueueCounts } from './job.ts'
import { ref } from './ref.ts'
import { Release, Source, Unhealthy } from './status.ts'

/** How deep one lane of the queue is. */
export const LaneDepth = Type.Object(
  {
    lane: Type.String({ description: 'person, webhook, change, image or periodic; the first goes first.' }),
    waiting: Type.Integer(),
    active: Type.Integer(),
    oldestWaitSeconds: Type.Number({ description: 'Of the job in front; 0 where none waits.' }),
  },
  { $id: 'LaneDepth' },
)
export type LaneDepth = Static<typeof LaneDepth>

/** One thing that stands still, why, and what else stands still for the same reason. */
export const StuckThing = Type.Object(
  {
    explanation: ref(Explanation),
    others: Type.Array(Type.String(), { description: 'What is stopped by the same cause; the first 20.' }),
  },
  { $id: 'StuckThing' },
)
export type StuckThing = Static<typeof StuckThing>

const Total = Type.Object({ all: Type.Integer(), ready: Type.Integer() })

/** What a person wants to see first; of long lists the part that matters. Keys are only ever added. */
export const Overview = Type.Object(
  {
    version: Type.String(),
    ready: Type.Boolean({ description: 'Every source and every release is ready.' }),
    healthy: Type.Boolean({ description: 'No workload is progressing or failed.' }),
    totals: Type.Object({ sources: Total, releases: Total }),
    sources: Type.Array(ref(Source), { description: 'The first 50; those that are not ready come first.' }),
    releases: Type.Array(ref(Release), { description: 'The first 50; those that are not ready come first.' }),
    unhealthy: Type.Array(ref(Unhealthy), { description: 'Workloads with problems; the first 50.' }),
    lanes: Type.Array(ref(LaneDepth), { description: 'Empty while Redis does not answer.' }),
    queues: Type.Union([Type.Index(QueueCounts, ['queues']), Type.Null()], {
      description: 'Null while Redis does not answer.',
    }),
    jobs: Type.Array(ref(Job), {
      description: 'What runs, what failed and is tried again, what failed for good; 30 at most.',
    }),
    stuck: Type.Array(ref(StuckThing), { description: 'First causes; the first 8.' }),
    notes: Type.Array(Type.String(), { description: 'What is not there or could not be read.' }),
    observedAt: Type.String({ description: 'RFC 3339, of the oldest reading in here.' }),
  },
  { $id: 'Overview' },
)
export type Overview = Static<typeof Overview>
