import type { Cause, Step, Verdict } from '../../domain/explain/step.ts'

/** How far something came, and the first cause that stops it. */
export type Explanation = {
  subject: { kind: 'workload' | 'object' | 'source' | 'release' | 'image' | 'commit'; id: string }
  state: Verdict['state']
  cause: Cause | null
  steps: Step[]
  /** Plain sentences about what the steps do not say. */
  notes: string[]
  /** RFC 3339. */
  observedAt: string
}

/** An explanation; or in words for people why there is none: nothing of that name, or several. */
export type Explained = Explanation | { none: string } | { several: string }

/** Whether whoever asks may read sources or releases of a namespace, or workloads (empty: of all). */
export type MayLook = (resource: 'sources' | 'releases' | 'workloads', namespace: string) => Promise<boolean>

/** What was found, before it is judged. */
export type Found = Pick<Explanation, 'subject' | 'steps'> & { notes?: string[] }
