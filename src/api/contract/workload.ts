import { type Static, Type } from 'typebox'
import { listQuery, next } from './list.ts'
import { ref } from './ref.ts'

const byWords = { description: 'What comes first; with a minus the other way round.' }
const part = (what: string) =>
  Type.Optional(Type.String({ maxLength: 253, description: `Only those whose ${what} holds this text.` }))

/** An object that a source owns. */
export const OwnedObject = Type.Object(
  {
    source: Type.String({ description: 'namespace/name.' }),
    id: Type.String({ description: 'namespace:kind/name' }),
    apiVersion: Type.String(),
    kind: Type.String(),
    namespace: Type.String({ description: 'Empty for what is in none.' }),
    name: Type.String(),
    file: Type.String({ description: 'In git.' }),
    applied: Type.Boolean({ description: 'As git has it, as far as the last sync knows.' }),
    reason: Type.String({ description: 'Why it stands still; empty where it does not.' }),
    message: Type.String(),
  },
  { $id: 'OwnedObject' },
)
export type OwnedObject = Static<typeof OwnedObject>

export const OwnedObjectList = Type.Object(
  {
    objects: Type.Array(ref(OwnedObject)),
    next,
    notes: Type.Array(Type.String(), { description: 'What could not be read.' }),
  },
  { $id: 'OwnedObjectList' },
)
export type OwnedObjectList = Static<typeof OwnedObjectList>

export const ObjectQuery = Type.Object({
  ...listQuery,
  namespace: Type.Optional({
    ...listQuery.namespace,
    description: 'Only of sources in these namespaces.',
  } as typeof listQuery.namespace),
  in: Type.Optional(Type.String({ maxLength: 63, description: 'Only objects in this namespace.' })),
  kind: Type.Optional(Type.String({ maxLength: 63 })),
  name: part('name'),
  applied: Type.Optional(Type.Boolean()),
  sort: Type.Optional(Type.Enum(['id', '-id', 'kind', '-kind', 'file', '-file'], byWords)),
})
export type ObjectQuery = Static<typeof ObjectQuery>

/** A workload as it runs, and what git says of it. */
export const Workload = Type.Object(
  {
    id: Type.String({ description: 'namespace:kind/name' }),
    namespace: Type.String(),
    kind: Type.String(),
    name: Type.String(),
    containers: Type.Array(Type.Object({ name: Type.String(), image: Type.String() })),
    status: Type.String({ description: 'ready, updating, started or error; of a HelmRelease what its release says.' }),
    rollout: Type.Object({
      desired: Type.Integer(),
      updated: Type.Integer(),
      ready: Type.Integer(),
      available: Type.Integer(),
      outdated: Type.Integer(),
      messages: Type.Array(Type.String()),
    }),
    source: Type.String({ description: 'namespace/name; empty for what is not in git.' }),
    release: Type.String({ description: 'ID of the HelmRelease that made it; empty for none.' }),
    syncError: Type.String({ description: 'Why the last sync could not apply it; empty where it could.' }),
    automated: Type.Boolean(),
    locked: Type.Boolean(),
    ignored: Type.Boolean(),
    policies: Type.Record(Type.String(), Type.String(), { description: 'As git has them.' }),
  },
  { $id: 'Workload' },
)
export type Workload = Static<typeof Workload>

export const WorkloadList = Type.Object({ workloads: Type.Array(ref(Workload)), next }, { $id: 'WorkloadList' })
export type WorkloadList = Static<typeof WorkloadList>

export const WorkloadQuery = Type.Object({
  ...listQuery,
  name: part('ID'),
  status: Type.Optional(Type.String({ maxLength: 63 })),
  automated: Type.Optional(Type.Boolean()),
  locked: Type.Optional(Type.Boolean()),
  sort: Type.Optional(Type.Enum(['id', '-id', 'status', '-status'], byWords)),
})
export type WorkloadQuery = Static<typeof WorkloadQuery>

const KnownTag = Type.Object({
  tag: Type.String(),
  digest: Type.String({ description: 'Empty when not known.' }),
  created: Type.Optional(Type.String({ description: 'RFC 3339.' })),
})

/** What is known of the images that a workload could have. */
export const WorkloadImages = Type.Object(
  {
    id: Type.String({ description: 'namespace:kind/name' }),
    containers: Type.Array(
      Type.Object({
        name: Type.String(),
        image: Type.String(),
        wanted: Type.String({ description: 'Tag that the policy would choose; empty when none, or not known.' }),
        newer: Type.Optional(
          Type.Integer({
            description:
              'Tags before the current one, in the order of the policy. Absent where the times are not known that decide.',
          }),
        ),
        newerWanted: Type.Optional(
          Type.Integer({ description: 'Those of them that the policy takes; absent likewise.' }),
        ),
        tags: Type.Array(KnownTag, { description: 'The best by the policy, as many as were asked for.' }),
        problem: Type.String({
          description: 'Why nothing is known, or nothing taken; empty where there is no problem.',
        }),
      }),
    ),
  },
  { $id: 'WorkloadImages' },
)
export type WorkloadImages = Static<typeof WorkloadImages>

export const WorkloadImagesList = Type.Object(
  { images: Type.Array(ref(WorkloadImages)), next },
  { $id: 'WorkloadImagesList' },
)
export type WorkloadImagesList = Static<typeof WorkloadImagesList>

export const WorkloadImagesQuery = Type.Object({
  ...listQuery,
  name: part('ID'),
  tags: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, default: 10, description: 'Tags of each container.' })),
  sort: Type.Optional(Type.Enum(['id', '-id'], byWords)),
})
export type WorkloadImagesQuery = Static<typeof WorkloadImagesQuery>

/** Of which namespaces the objects are wanted. */
export const ExportQuery = Type.Object({ namespace: listQuery.namespace })
export type ExportQuery = Static<typeof ExportQuery>
