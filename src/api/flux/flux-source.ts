import { fluxSourceOf } from '../../domain/source/flux-source.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { Views } from '../../views/create-views.ts'
import { userError } from './errors.ts'

/** The one source that fluxctl can speak of: that of the flags, or the only one that there is. */
export function fluxSource(views: Pick<Views, 'sourceSpecs'>): SourceSpec | undefined {
  return fluxSourceOf(views.sourceSpecs())
}

/** The same where there must be one. */
export function needFluxSource(views: Pick<Views, 'sourceSpecs'>): SourceSpec {
  const source = fluxSource(views)
  if (source) return source
  if (views.sourceSpecs().length === 0)
    throw userError('no git repository is configured', 'Give --git-url, or make a Source.')
  const help = 'fluxctl can speak of one repository only; use the capstan command.'
  throw userError('several git repositories are configured', help)
}
