import { notApplied } from '../../domain/source/applied.ts'
import type { Views } from '../../views/create-views.ts'
import { missing } from './errors.ts'
import { needFluxSource } from './flux-source.ts'

/** The commits that must still be applied until the named one is; anything but an error means "wait" to fluxctl. */
export async function syncStatus(ref: string, { views }: { views: Views }): Promise<string[]> {
  if (ref === '') throw missing('no revision was named')
  const spec = needFluxSource(views)
  const [commits, source] = await Promise.all([views.appliedCommits(spec), views.standing(spec.namespace, spec.name)])
  return notApplied(ref, { commits, head: source?.head ?? '', branch: spec.branch })
}
