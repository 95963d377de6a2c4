import type { SourceSpec } from '../domain/source/spec.ts'
import type { RowReader } from './rows.ts'
import type { BrokenSource, SourceRow } from './source-row.ts'
import type { ViewsOptions } from './views-options.ts'

/** The sources of this Capstan as rows, those that cannot be used too. */
export type SourceRows = {
  /** Those that can be used; reads nothing. */
  specs: () => readonly SourceSpec[]
  broken(): readonly BrokenSource[]
  all(workloads: ReturnType<RowReader['workloads']>): Promise<SourceRow[]>
  /** Undefined when there is no such source. */
  one(
    namespace: string,
    name: string,
    workloads: () => ReturnType<RowReader['workloads']>,
  ): Promise<SourceRow | undefined>
  /** That there is no such source that can be used, and why, in a sentence; reads nothing. */
  none: (namespace: string, name: string) => string
}

export function createSourceRows(
  { enable, sources, brokenSources }: Pick<ViewsOptions, 'enable' | 'sources' | 'brokenSources'>,
  rows: Pick<RowReader, 'source' | 'broken'>,
): SourceRows {
  const specs = (): readonly SourceSpec[] => (enable.includes('sync') ? sources() : [])
  const broken = (): readonly BrokenSource[] => (enable.includes('sync') ? (brokenSources?.() ?? []) : [])
  return {
    specs,
    broken,
    all: async (workloads) =>
      await Promise.all([
        ...specs().map((spec) => rows.source(spec, workloads)),
        ...broken().map((source) => rows.broken(source)),
      ]),
    async one(namespace, name, workloads) {
      const spec = specs().find(isNamed(namespace, name))
      if (spec) return await rows.source(spec, workloads())
      const unusable = broken().find(isNamed(namespace, name))
      return unusable && (await rows.broken(unusable))
    },
    none(namespace, name) {
      const found = broken().find(isNamed(namespace, name))
      return found ? whyUnusable(found) : `There is no source ${namespace}/${name}.`
    },
  }
}

/** What is wrong with a Source object, in a sentence. */
export function whyUnusable({ namespace, name, problem }: BrokenSource): string {
  return `The source ${namespace}/${name} cannot be used: ${problem.message}.`
}

function isNamed(namespace: string, name: string) {
  return (one: { namespace: string; name: string }): boolean => one.namespace === namespace && one.name === name
}
