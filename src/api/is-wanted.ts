import type { ReleaseQuery, SourceQuery } from './contract/status.ts'

type Row = { namespace: string; name: string; ready: boolean; reason: string }
type Filter = Pick<SourceQuery, 'namespace' | 'name' | 'ready' | 'reason'> & Pick<ReleaseQuery, 'chart' | 'state'>

/** Whether a source or release is one of those that a query asks for; what is left out does not restrict. */
export function isWanted(row: Row & { release?: string; chart?: string; state?: string }, filter: Filter): boolean {
  const { namespace, name = '', ready, reason, chart = '', state } = filter
  const same = <T>(own: T, wanted: T | undefined): boolean => wanted === undefined || own === wanted
  return (
    (namespace?.includes(row.namespace) ?? true) &&
    same(row.ready, ready) &&
    same(row.reason, reason) &&
    same(row.state, state) &&
    (row.chart ?? '').includes(chart) &&
    [row.name, row.release ?? ''].some((text) => text.includes(name))
  )
}
