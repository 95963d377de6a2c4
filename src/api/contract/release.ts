import { type Static, Type } from 'typebox'
import { ref } from './ref.ts'

const by = Type.Optional(Type.String({ maxLength: 100, description: 'Who asks, as claimed; shown to others.' }))

/** What a plan of a release is asked for; it may be left out. */
export const ReleasePlanRequest = Type.Object(
  {
    by,
    show: Type.Optional(
      Type.Enum(['changes', 'values'], { description: 'What an upgrade would change, or each value with its source.' }),
    ),
  },
  { $id: 'ReleasePlanRequest' },
)
export type ReleasePlanRequest = Static<typeof ReleasePlanRequest>

/** To which revision a release is rolled back; it may be left out. */
export const RollbackRequest = Type.Object(
  {
    by,
    revision: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 2 ** 31 - 1,
        description: "helm's number; left out: the last good one before the newest.",
      }),
    ),
  },
  { $id: 'RollbackRequest' },
)
export type RollbackRequest = Static<typeof RollbackRequest>

/** One revision that helm stored. */
export const ReleaseRevision = Type.Object(
  {
    revision: Type.Integer(),
    state: Type.String({ description: "helm's word." }),
    chart: Type.String({ description: 'name@version; empty when it cannot be read.' }),
    appVersion: Type.String(),
    updatedAt: Type.String({ description: 'RFC 3339; empty when not known.' }),
    description: Type.String({ description: "helm's words, without what an error said." }),
  },
  { $id: 'ReleaseRevision' },
)
export type ReleaseRevision = Static<typeof ReleaseRevision>

/** What helm stored of a release, newest first. */
export const ReleaseHistory = Type.Object(
  { release: Type.String({ description: "helm's name of it." }), revisions: Type.Array(ref(ReleaseRevision)) },
  { $id: 'ReleaseHistory' },
)
export type ReleaseHistory = Static<typeof ReleaseHistory>
