import { type Static, Type } from 'typebox'
import { ref } from './ref.ts'

const by = Type.Optional(Type.String({ maxLength: 200, description: 'Who asks, as claimed: `Name <mail>` or a name.' }))
const message = Type.Optional(Type.String({ maxLength: 4000, description: 'Message of the commit; left out: made.' }))
const workloadId = Type.String({ minLength: 1, maxLength: 400, description: 'namespace:kind/name' })
const pattern = Type.String({ maxLength: 256 })

/** Releases images: one that is named, the newest of all, or chosen ones to chosen containers. */
export const ReleaseRequest = Type.Object(
  {
    by,
    message,
    workloads: Type.Optional(Type.Array(workloadId, { maxItems: 500, description: 'Left out: all.' })),
    exclude: Type.Optional(Type.Array(workloadId, { maxItems: 500 })),
    image: Type.Optional(Type.String({ maxLength: 400, description: 'name:tag; left out: the newest of all.' })),
    containers: Type.Optional(
      Type.Record(
        Type.String(),
        Type.Array(
          Type.Object({
            container: Type.String({ maxLength: 253 }),
            current: Type.Optional(Type.String({ maxLength: 400 })),
            target: Type.String({ maxLength: 400 }),
          }),
        ),
        { minProperties: 1, description: 'By workload; in place of workloads and image.' },
      ),
    ),
    force: Type.Optional(
      Type.Boolean({ description: 'Where workloads are named no lock, where the image is no filter counts.' }),
    ),
    dryRun: Type.Optional(Type.Boolean()),
  },
  { $id: 'ReleaseRequest' },
)
export type ReleaseRequest = Static<typeof ReleaseRequest>

const Policies = Type.Record(Type.String(), Type.String({ maxLength: 2000 }))

/** Sets policies of workloads and takes them away, by name without prefix. */
export const PolicyRequest = Type.Object(
  {
    by,
    message,
    workloads: Type.Record(
      Type.String(),
      Type.Object({ add: Type.Optional(Policies), remove: Type.Optional(Type.Array(Type.String({ maxLength: 253 }))) }),
      {
        minProperties: 1,
        description:
          'By workload: policies to set, and those to take away. `tag_all` is the filter of every container.',
      },
    ),
  },
  { $id: 'PolicyRequest' },
)
export type PolicyRequest = Static<typeof PolicyRequest>

/** Asks why which tags are chosen. */
export const ImagesRequest = Type.Object(
  {
    by,
    workload: Type.Optional(workloadId),
    all: Type.Optional(Type.Boolean({ description: 'Every tag, also those that are refused; wants a workload.' })),
  },
  { $id: 'ImagesRequest' },
)
export type ImagesRequest = Static<typeof ImagesRequest>

const rules = {
  policy: pattern,
  extract: Type.Optional(pattern),
  deny: Type.Optional(Type.String({ maxLength: 2000 })),
  minAge: Type.Optional(Type.String({ maxLength: 40 })),
}

/** Tries a policy on the tags of an image. */
export const ImagePolicyTest = Type.Object(
  { by, ...rules, image: Type.String({ minLength: 1, maxLength: 400 }) },
  { $id: 'ImagePolicyTest' },
)
export type ImagePolicyTest = Static<typeof ImagePolicyTest>

/** Tries a policy on tags that are given. */
export const PolicyTest = Type.Object(
  {
    ...rules,
    current: Type.Optional(Type.String({ maxLength: 128 })),
    tags: Type.Array(
      Type.Object({
        tag: Type.String({ maxLength: 128 }),
        created: Type.Optional(Type.String({ description: 'RFC 3339.' })),
      }),
      { maxItems: 20_000 },
    ),
  },
  { $id: 'PolicyTest' },
)
export type PolicyTest = Static<typeof PolicyTest>

/** Why one tag is taken or not. */
export const TagVerdict = Type.Object(
  {
    tag: Type.String(),
    verdict: Type.Enum(['chosen', 'candidate', 'refused']),
    isCurrent: Type.Boolean(),
    why: Type.String(),
    digest: Type.Optional(Type.String()),
    created: Type.Optional(Type.String({ description: 'RFC 3339; absent where the image says nothing.' })),
  },
  { $id: 'TagVerdict' },
)
export type TagVerdict = Static<typeof TagVerdict>

/** What a policy says of some tags: the candidates in their order, then the others. */
export const PolicyVerdict = Type.Object(
  {
    choice: Type.Enum(['keep', 'change', 'hold', 'unknown']),
    why: Type.String(),
    tags: Type.Array(ref(TagVerdict)),
  },
  { $id: 'PolicyVerdict' },
)
export type PolicyVerdict = Static<typeof PolicyVerdict>

/** How fast a registry is asked, and what it said about that. */
export const RateBudget = Type.Object({
  host: Type.String(),
  rps: Type.Number({ description: 'Requests a second that each process sends it now, at most.' }),
  mostRps: Type.Number({ description: 'The same while it does not complain (--registry-rps).' }),
  burst: Type.Integer({ description: 'Requests at once (--registry-burst).' }),
  pausedUntil: Type.String({ description: 'RFC 3339; empty unless the registry wants to be left alone.' }),
  said: Type.Optional(
    Type.Object(
      {
        limit: Type.Optional(Type.Integer({ description: 'Requests or pulls in a window.' })),
        remaining: Type.Optional(Type.Integer()),
        windowSeconds: Type.Optional(Type.Integer()),
        resetAt: Type.Optional(Type.String({ description: 'RFC 3339.' })),
        at: Type.String({ description: 'When it was said, RFC 3339.' }),
      },
      { description: 'By `ratelimit-*` or `x-ratelimit-*`; absent where it never said anything.' },
    ),
  ),
})
export type RateBudget = Static<typeof RateBudget>

const ContainerImages = Type.Object({
  name: Type.String(),
  image: Type.String(),
  repository: Type.String({ description: 'Canonical name.' }),
  policy: Type.String(),
  choice: Type.Enum(['keep', 'change', 'hold', 'unknown']),
  why: Type.String(),
  tagCount: Type.Integer(),
  tags: Type.Array(ref(TagVerdict)),
  listedAt: Type.String({ description: 'RFC 3339; empty while never.' }),
  nextScanAt: Type.String({ description: 'RFC 3339, about; empty where nothing is scanned by itself.' }),
  login: Type.String({ description: 'With which login the registry is asked; empty: none.' }),
  budget: Type.Optional(RateBudget),
})

const WorkloadImages = Type.Object({
  id: Type.String(),
  file: Type.String(),
  isAutomated: Type.Boolean(),
  blockedBy: Type.String(),
  containers: Type.Array(ContainerImages),
})

const WorkloadResult = Type.Object({
  Status: Type.Enum(['success', 'failed', 'skipped', 'ignored']),
  Error: Type.Optional(Type.String()),
  PerContainer: Type.Optional(
    Type.Array(Type.Object({ Container: Type.String(), Current: Type.String(), Target: Type.String() })),
  ),
})

/** The answer to a request about images; kept for 24 hours. */
export const ImageAnswer = Type.Object(
  {
    id: Type.String(),
    namespace: Type.String(),
    name: Type.String({ description: 'Of the source.' }),
    state: Type.Enum(['queued', 'running', 'done', 'failed']),
    revision: Type.String({ description: 'The commit that was made; empty for none.' }),
    finishedAt: Type.String({ description: 'RFC 3339; empty before.' }),
    reason: Type.String({ description: 'Why it failed, in one word; empty unless it did.' }),
    message: Type.String(),
    result: Type.Record(Type.String(), WorkloadResult, { description: 'By workload, in the words of fluxd.' }),
    images: Type.Array(WorkloadImages),
  },
  { $id: 'ImageAnswer' },
)
export type ImageAnswer = Static<typeof ImageAnswer>

/** The job that answers, and where the answer will be. */
export const AnswerAccepted = Type.Object(
  {
    job: Type.String(),
    answer: Type.String({ description: 'Its id.' }),
    requestedAt: Type.String({ description: 'RFC 3339, by the clock of the server.' }),
  },
  { $id: 'AnswerAccepted' },
)
export type AnswerAccepted = Static<typeof AnswerAccepted>
