import type { Reason } from '../status/reason.ts'
import type { UpdateResult } from '../work/update-spec.ts'
import type { RateBudget } from './rate-budget.ts'
import type { TagVerdict } from './trace.ts'

/** One container and what decides about its image. */
export type ContainerImages = {
  name: string
  /** As git has it. */
  image: string
  /** Canonical name. */
  repository: string
  /** As people write it. */
  policy: string
  choice: 'keep' | 'change' | 'hold' | 'unknown'
  /** In words for people. */
  why: string
  /** All that the registry has; `tags` may be fewer. */
  tagCount: number
  tags: TagVerdict[]
  /** RFC 3339; empty while the tags were never listed. */
  listedAt: string
  /** RFC 3339, about; empty where nothing is scanned by itself. */
  nextScanAt: string
  /** With which login the registry is asked; empty: none. */
  login: string
  /** How fast that registry is asked, and what it said about that. */
  budget: RateBudget
}

/** A workload and its images. */
export type WorkloadImages = {
  id: string
  file: string
  isAutomated: boolean
  /** Why nobody may release it; empty where one may. */
  blockedBy: string
  containers: ContainerImages[]
}

/** The answer to a request about images; lies in Redis as long as the request. Holds no secret. */
export type ImageAnswer = {
  id: string
  /** The source. */
  namespace: string
  name: string
  state: 'queued' | 'running' | 'done' | 'failed'
  /** The commit that was made, 40 hex; empty for none. */
  revision: string
  /** RFC 3339; empty before. */
  finishedAt: string
  /** Why it failed; empty unless it did. */
  reason: Reason | ''
  message: string
  result: UpdateResult
  images: WorkloadImages[]
}

/** An answer of which nothing is known yet. */
export function emptyAnswer(
  { id, namespace, name }: Pick<ImageAnswer, 'id' | 'namespace' | 'name'>,
  state: ImageAnswer['state'],
): ImageAnswer {
  return { id, namespace, name, state, revision: '', finishedAt: '', reason: '', message: '', result: {}, images: [] }
}
