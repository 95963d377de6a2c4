import type { SourceSpec } from './spec.ts'

/**
 * What a source does not follow, and somebody wants compared all the same: an uploaded folder, or a commit of another branch. Whoever
 * wrote it chose which objects are looked at, with the rights that the source is applied with.
 */
type Reach = Pick<SourceSpec, 'namespace' | 'serviceAccount' | 'generate' | 'gitSecret'>

/**
 * The namespace that a proposal for this source may look into; empty for all. Commands of `.flux.yaml` run beside Capstan's own
 * credentials, and `git secret` opens files with Capstan's own keys, so that a service account bounds neither.
 */
export function reachOf({ namespace, serviceAccount, generate, gitSecret }: Reach): string {
  return serviceAccount === '' || generate || gitSecret ? '' : namespace
}

/** Whether who may see `seen` whole (a namespace, empty for all, undefined for none) may have a proposal for this source compared. */
export function mayPropose(seen: string | undefined, source: Reach): boolean {
  return seen === '' || seen === reachOf(source)
}
