import type { ReleaseQuery, SourceQuery } from './contract/status.ts'

type Row = { namespace: string; name: string; ready: boolean; reason: string }
type Filter = Pick<SourceQuery, 'namespace' | 'name' | 'ready' | 'reason'> & Pick<ReleaseQuery, 'chart' | 'state'>

/** Whether a source or release is one of those that a query asks for; what is left out does not restrict. */
export function isWanted(row: Row & { release?: string; chart?: string; state?: string }, filter: Filter): boolean {
  const { namespace, name = '', ready, reason, chart = '', state } = filter
  if (namespace && !namespace.includes(row.namespace)) return false
  if (ready !== undefined && row.ready !== ready) return false
  if (reason !== undefined && row.reason !== reason) return false
  if (state !== undefined && row.state !== state) return false
  if (chart !== '' && !row.chart?.includes(chart)) return false
  return row.name.includes(name) || row.release?.includes(name) === true
}
