import { type Static, Type } from 'typebox'
import { listQuery, next } from './list.ts'
import { ref } from './ref.ts'

const revision = 'branch@<40 hex>; empty when there is none yet.'

/** An object or file that stands still. */
export const Failure = Type.Object(
  {
    id: Type.String({ description: 'namespace:kind/name; empty for a file that could not be read.' }),
    file: Type.String(),
    line: Type.Integer({ description: '0 when not known.' }),
    reason: Type.String(),
    message: Type.String(),
    since: Type.String({ description: 'Commit at which it failed first.' }),
  },
  { $id: 'Failure' },
)
export type Failure = Static<typeof Failure>

/** A workload that is not healthy. */
export const Unhealthy = Type.Object(
  { id: Type.String(), state: Type.Enum(['progressing', 'failed']), message: Type.String() },
  { $id: 'Unhealthy' },
)
export type Unhealthy = Static<typeof Unhealthy>

/** An object whose fields are not what git says, and that is left so. */
export const Drift = Type.Object(
  {
    id: Type.String(),
    file: Type.String(),
    line: Type.Integer(),
    manager: Type.String({ description: 'Who changed it; empty when a field or the object is gone.' }),
    at: Type.String({ description: 'RFC 3339; empty when not known.' }),
    fields: Type.Array(Type.String(), { description: 'Empty when the whole object is gone.' }),
    reason: Type.Enum(['Drifted', 'DriftFight']),
  },
  { $id: 'Drift' },
)
export type Drift = Static<typeof Drift>

/** Who stopped a source, why, and when (RFC 3339). */
export const Suspension = Type.Object(
  { by: Type.String(), why: Type.String(), since: Type.String() },
  { $id: 'Suspension' },
)
export type Suspension = Static<typeof Suspension>

/** The commit that the sync tag or Secret names, and why it could not be moved. */
export const Marker = Type.Object({ commit: Type.String(), problem: Type.String() }, { $id: 'Marker' })
export type Marker = Static<typeof Marker>

/** A git repository that is kept applied. */
export const Source = Type.Object(
  {
    namespace: Type.String(),
    name: Type.String(),
    url: Type.String({ description: 'Without password.' }),
    branch: Type.String({ description: 'Empty when a tag, range or commit is followed.' }),
    ref: Type.String({ description: 'What is followed: branch main, tag v1, semver ~1.2, commit 4f5e….' }),
    paths: Type.Array(Type.String()),
    revision: Type.String({ description: `Applied and pruned without failure: ${revision}` }),
    attempted: Type.String({ description: `Loaded and tried last: ${revision}` }),
    head: Type.String({ description: '40 hex of the branch as fetched last; empty when not known.' }),
    ready: Type.Boolean({ description: 'At its branch head, fetched lately, applied and pruned without failure.' }),
    healthy: Type.Boolean({ description: 'No workload of it is progressing or failed.' }),
    reason: Type.String({ description: 'One word for why it is not ready; empty when it is.' }),
    message: Type.String(),
    objects: Type.Integer({ description: 'Objects in the inventory.' }),
    failed: Type.Array(ref(Failure), { description: 'The first 100.' }),
    failedCount: Type.Integer(),
    held: Type.Array(ref(Failure), { description: 'Deletions that wait for somebody.' }),
    drifted: Type.Array(ref(Drift), { description: 'Differences from git that are left as they are; the first 100.' }),
    suspended: Type.Union([ref(Suspension), Type.Null()], { description: 'Who stopped it and why.' }),
    marker: Type.Union([ref(Marker), Type.Null()], {
      description: 'The sync tag or Secret; null where the cluster itself keeps the state.',
    }),
    unhealthy: Type.Array(ref(Unhealthy), { description: 'The first 20.' }),
    fetchedAt: Type.String({ description: 'RFC 3339; empty when not known.' }),
    changedAt: Type.String({
      description: 'RFC 3339, of the last sync that changed anything here; empty when none did.',
    }),
    observedAt: Type.String({ description: 'RFC 3339: how old `healthy` may be.' }),
  },
  { $id: 'Source' },
)
export type Source = Static<typeof Source>

/** Whether a commit is applied: it, or one that it lies behind, was loaded whole and each object tried. */
export const CommitApplied = Type.Object(
  {
    applied: Type.Boolean({ description: 'It, or one that it lies behind, was loaded whole and each object tried.' }),
    reason: Type.String({
      description: 'One word for why the source is not ready; empty when it is, or when the commit is applied.',
    }),
    message: Type.String(),
  },
  { $id: 'CommitApplied' },
)
export type CommitApplied = Static<typeof CommitApplied>

/** A HelmRelease and what helm made of it. */
export const Release = Type.Object(
  {
    namespace: Type.String(),
    name: Type.String(),
    release: Type.String({ description: "Helm's name of it." }),
    targetNamespace: Type.String(),
    chart: Type.String({ description: 'name@version, or git:path@<sha>.' }),
    revision: Type.Integer({ description: "Helm's number; 0 while there is none." }),
    state: Type.String({ description: "Helm's word, or absent." }),
    ready: Type.Boolean({ description: 'deployed at the wanted chart and values.' }),
    healthy: Type.Boolean({ description: 'No workload of it is progressing or failed.' }),
    reason: Type.String(),
    message: Type.String(),
    phase: Type.String(),
    unhealthy: Type.Array(ref(Unhealthy), { description: 'The first 20.' }),
  },
  { $id: 'Release' },
)
export type Release = Static<typeof Release>

/** Everything at once. Keys are only ever added. */
export const Status = Type.Object(
  {
    ready: Type.Boolean({ description: 'Every source and every release is ready.' }),
    healthy: Type.Boolean({ description: 'No workload is progressing or failed.' }),
    sources: Type.Array(ref(Source)),
    releases: Type.Array(ref(Release)),
    notes: Type.Array(Type.String(), { description: 'What is not there or could not be read.' }),
    observedAt: Type.String({ description: 'RFC 3339, of the oldest reading in here.' }),
  },
  { $id: 'Status' },
)
export type Status = Static<typeof Status>

export const SourceList = Type.Object({ sources: Type.Array(ref(Source)), next }, { $id: 'SourceList' })
export type SourceList = Static<typeof SourceList>

export const ReleaseList = Type.Object(
  { releases: Type.Array(ref(Release)), next, observedAt: Type.String({ description: 'RFC 3339.' }) },
  { $id: 'ReleaseList' },
)
export type ReleaseList = Static<typeof ReleaseList>

const isReady = Type.Optional(Type.Boolean({ description: 'Only those that are ready, or are not.' }))
const reason = Type.Optional(
  Type.String({ maxLength: 63, description: 'Only those that stand still for this reason.' }),
)
const byWords = { description: 'What comes first; with a minus the other way round.' }

export const SourceQuery = Type.Object({
  ...listQuery,
  name: Type.Optional(Type.String({ maxLength: 253, description: 'Only those whose name holds this text.' })),
  ready: isReady,
  reason,
  sort: Type.Optional(Type.Enum(['name', '-name', 'ready', '-ready', 'changed', '-changed'], byWords)),
})
export type SourceQuery = Static<typeof SourceQuery>

export const ReleaseQuery = Type.Object({
  ...listQuery,
  name: Type.Optional(
    Type.String({ maxLength: 253, description: 'Only those whose name, or helm name, holds this text.' }),
  ),
  chart: Type.Optional(Type.String({ maxLength: 253, description: 'Only those whose chart holds this text.' })),
  state: Type.Optional(Type.String({ maxLength: 63, description: 'Only those of which helm says this.' })),
  ready: isReady,
  reason,
  sort: Type.Optional(Type.Enum(['name', '-name', 'ready', '-ready', 'state', '-state', 'chart', '-chart'], byWords)),
})
export type ReleaseQuery = Static<typeof ReleaseQuery>

/** Of which namespaces the status is wanted. */
export const StatusQuery = Type.Object({ namespace: listQuery.namespace })
export type StatusQuery = Static<typeof StatusQuery>
