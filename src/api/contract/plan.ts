import { type Static, Type } from 'typebox'
import { ref } from './ref.ts'

export { mostUploadBytes } from './upload.ts'

const by = Type.Optional(Type.String({ maxLength: 100, description: 'Who asks, as claimed; shown to others.' }))

/** What a plan is asked for; it may be left out. */
export const PlanRequest = Type.Object(
  {
    by,
    ref: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 250,
        pattern: '^[^\\s\\x00-\\x1f\\x7f~^:?*\\[\\\\-][^\\s\\x00-\\x1f\\x7f~^:?*\\[\\\\]*$',
        description: 'Commit, tag or branch; left out: what the source follows, fetched now.',
      }),
    ),
    full: Type.Optional(Type.Boolean({ description: 'Try every object, also those that seem not to differ.' })),
  },
  { $id: 'PlanRequest' },
)
export type PlanRequest = Static<typeof PlanRequest>

/** The same beside an uploaded folder. */
export const PlanQuery = Type.Object({ by, full: Type.Optional(Type.Boolean({ default: false })) })

/** The job that makes a plan, and where the plan will be. */
export const PlanAccepted = Type.Object(
  {
    job: Type.String(),
    plan: Type.String({ description: 'Its id; it is kept for an hour.' }),
    requestedAt: Type.String({ description: 'RFC 3339, by the clock of the server.' }),
  },
  { $id: 'PlanAccepted' },
)
export type PlanAccepted = Static<typeof PlanAccepted>

/** What would happen to one object. */
export const PlanChange = Type.Object(
  {
    id: Type.String({ description: 'namespace:kind/name; empty for a file that could not be read.' }),
    action: Type.Enum(['created', 'configured', 'unchanged', 'deleted', 'skipped', 'failed']),
    file: Type.String(),
    line: Type.Integer({ description: '0 when not known.' }),
    reason: Type.Optional(Type.String()),
    message: Type.Optional(Type.String()),
    diff: Type.Optional(Type.String({ description: 'Unified diff of YAML, secrets masked.' })),
    overruled: Type.Optional(
      Type.Array(Type.String(), { description: 'Managers whose fields git would take, as `manager: field, field`.' }),
    ),
  },
  { $id: 'PlanChange' },
)
export type PlanChange = Static<typeof PlanChange>

/** A deletion that something holds. */
export const PlanHold = Type.Object(
  { id: Type.String(), file: Type.String(), reason: Type.String(), message: Type.String() },
  { $id: 'PlanHold' },
)

/** One value of a release. */
export const PlanValue = Type.Object(
  {
    path: Type.String({ description: 'As helm --set writes it.' }),
    value: Type.String({ description: 'JSON; masked where it came from a Secret.' }),
    source: Type.String({ description: 'Where it came from.' }),
    over: Type.Array(Type.String(), { description: 'Sources whose value here it replaced.' }),
  },
  { $id: 'PlanValue' },
)
export type PlanValue = Static<typeof PlanValue>

/** The change set that a revision would cause. */
export const Plan = Type.Object(
  {
    id: Type.String(),
    namespace: Type.String(),
    name: Type.String({ description: 'Of the source or the release.' }),
    state: Type.Enum(['queued', 'running', 'done', 'failed']),
    revision: Type.String({ description: 'branch@<40 hex>, upload, or chart@version; empty when not known yet.' }),
    finishedAt: Type.String({ description: 'RFC 3339; empty before.' }),
    reason: Type.String({ description: 'Why there is no plan, in one word; empty unless it failed.' }),
    message: Type.String(),
    changes: Type.Array(ref(PlanChange), { description: 'Everything but what would stay as it is.' }),
    counts: Type.Object({
      created: Type.Integer(),
      configured: Type.Integer(),
      unchanged: Type.Integer(),
      deleted: Type.Integer(),
      skipped: Type.Integer(),
      failed: Type.Integer(),
      held: Type.Integer(),
    }),
    held: Type.Array(ref(PlanHold), { description: 'Deletions that wait for somebody.' }),
    warnings: Type.Array(Type.String()),
    values: Type.Optional(Type.Array(ref(PlanValue), { description: 'Of a release, where they were asked for.' })),
  },
  { $id: 'Plan' },
)
export type Plan = Static<typeof Plan>

/** Approves the deletions that a mass deletion guard holds, at one commit. */
export const ApproveRequest = Type.Object(
  { by, commit: Type.String({ pattern: '^[0-9a-f]{40}$', description: 'The commit whose deletions may go.' }) },
  { $id: 'ApproveRequest' },
)
export type ApproveRequest = Static<typeof ApproveRequest>

export const SuspendRequest = Type.Object(
  { by, why: Type.Optional(Type.String({ maxLength: 1000, description: 'Shown to everybody.' })) },
  { $id: 'SuspendRequest' },
)
export type SuspendRequest = Static<typeof SuspendRequest>
