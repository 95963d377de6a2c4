import { requestIdOf, requestJobName } from '../work/request.ts'
import type { SourceSpec } from './spec.ts'

/** The one source that fluxd's API and metrics can speak of (ruling 19): that of the flags, or the only one that there is. */
export function fluxSourceOf(specs: readonly SourceSpec[]): SourceSpec | undefined {
  return specs.find(({ origin }) => origin === 'flags') ?? (specs.length === 1 ? specs[0] : undefined)
}

/** Whether it is this one. */
export function isFluxSource(
  { namespace, name }: Pick<SourceSpec, 'namespace' | 'name'>,
  specs: readonly SourceSpec[],
): boolean {
  const spec = fluxSourceOf(specs)
  return spec?.namespace === namespace && spec.name === name
}

/** Whether a job is about this one, also a job that answers a request. */
export function isFluxJob(job: { namespace: string; name: string }, specs: readonly SourceSpec[]): boolean {
  const spec = fluxSourceOf(specs)
  const id = requestIdOf(job.name)
  const name = spec && (id === undefined ? spec.name : requestJobName({ id, name: spec.name }))
  return spec?.namespace === job.namespace && name === job.name
}
