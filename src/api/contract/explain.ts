import { type Static, Type } from 'typebox'
import { ref } from './ref.ts'

const step = Type.Enum(['tag', 'policy', 'commit', 'revision', 'queue', 'hold', 'apply', 'rollout'])
const at = Type.String({ description: 'RFC 3339: when it was done or seen so; empty when not known.' })
const command = Type.String({ description: 'What unblocks it, as a command; empty where there is none.' })
const nextTryAt = Type.String({
  description: 'RFC 3339: when it is tried next; empty when it is not tried by itself or not known.',
})

/** One step on the way of a change. */
export const ExplainStep = Type.Object(
  {
    step,
    of: Type.String({ description: 'The image, source, release or workload that it is about.' }),
    state: Type.Enum(['done', 'waiting', 'stopped', 'skipped', 'unknown']),
    at,
    reason: Type.String({ description: 'One word for why it does not go on; empty where it does.' }),
    message: Type.String(),
    command,
    nextTryAt,
  },
  { $id: 'ExplainStep' },
)
export type ExplainStep = Static<typeof ExplainStep>

/** The first thing that stands in the way. */
export const FirstCause = Type.Object(
  {
    step,
    of: Type.String(),
    at,
    reason: Type.String(),
    message: Type.String(),
    unblock: Type.String({ description: 'What it takes.' }),
    command,
    nextTryAt,
  },
  { $id: 'FirstCause' },
)
export type FirstCause = Static<typeof FirstCause>

/** How far something came on its way from a tag or a commit to running pods. */
export const Explanation = Type.Object(
  {
    subject: Type.Object({
      kind: Type.Enum(['workload', 'object', 'source', 'release', 'image', 'commit']),
      id: Type.String(),
    }),
    state: Type.Enum(['done', 'waiting', 'stopped']),
    cause: Type.Union([ref(FirstCause), Type.Null()], { description: 'Null where all is done.' }),
    steps: Type.Array(ref(ExplainStep), { description: 'In the order of the way.' }),
    notes: Type.Array(Type.String()),
    observedAt: Type.String({ description: 'RFC 3339.' }),
  },
  { $id: 'Explanation' },
)
export type Explanation = Static<typeof Explanation>

export const ExplainQuery = Type.Object({
  subject: Type.String({
    minLength: 1,
    maxLength: 400,
    description:
      'kind/name, namespace:kind/name, source/[namespace/]name, release/[namespace/]name, an image, a commit (7 digits or more), or a name.',
  }),
  namespace: Type.Optional(Type.String({ maxLength: 63, description: 'Of a kind/name; left out: wherever it is.' })),
})
export type ExplainQuery = Static<typeof ExplainQuery>
