import { allWorkloads, type UpdateResult } from '../work/update-spec.ts'
import type { AutoReleaseMetadata, EventCommit, ReleaseMetadata, SyncMetadata } from './event.ts'

/** fluxd's sentence for a sync: the commits, and what they changed. */
export function syncText({ commits = [] }: SyncMetadata, ids: readonly string[]): string {
  return `Sync: ${rangeOf(commits)}, ${listOf(ids, 'no workloads changed')}`
}

/** fluxd's sentence for a commit of ours. */
export function commitText(revision: string, ids: readonly string[]): string {
  return `Commit: ${short(revision)}, ${listOf(ids, '<no changes>')}`
}

/** fluxd's sentence for a release that somebody asked for. */
export function releaseText({ result, spec, cause }: ReleaseMetadata, ids: readonly string[]): string {
  const isAll = spec.ReleaseImageSpec?.ServiceSpecs.includes(allWorkloads) === true
  const to = isAll ? 'all workloads' : listOf(ids, 'no workloads')
  const by = cause.User === '' ? '' : `, by ${cause.User}`
  const words = cause.Message === '' ? '' : `, with message ${JSON.stringify(cause.Message)}`
  return `Released: ${listOf(changedImages(result), 'no image changes')} to ${to}${by}${words}`
}

/** fluxd's sentence for what policies released. */
export function autoReleaseText({ result }: Pick<AutoReleaseMetadata, 'result'>): string {
  return `Automated release of ${listOf(changedImages(result), 'no image changes')}`
}

/** Images that containers got. */
export function changedImages(result: UpdateResult): string[] {
  const done = Object.values(result).filter(({ Status }) => Status === 'success')
  return [...new Set(done.flatMap(({ PerContainer = [] }) => PerContainer.map(({ Target }) => Target)))].toSorted()
}

/** A commit as people write it: its first 12 digits. */
export function short(revision: string): string {
  return revision.slice(0, 12)
}

function rangeOf(commits: readonly EventCommit[]): string {
  const [newest, second, ...older] = commits
  if (!newest) return '<no revision>'
  const oldest = older.at(-1)
  return second && oldest ? `${short(oldest.revision)}..${short(newest.revision)}` : short(newest.revision)
}

function listOf(words: readonly string[], none: string): string {
  return words.length === 0 ? none : words.toSorted().join(', ')
}
