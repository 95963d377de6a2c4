import { sourceKind } from '../../domain/source/resource.ts'
import { parseRevision } from '../../domain/source/revision.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { statusRef } from '../../domain/source/status.ts'
import { announceOn } from '../kube-event.ts'
import type { Head } from '../read-head.ts'
import type { Ledger } from './ledger.ts'
import type { SyncSourceDeps } from './sync.ts'

type RewriteDeps = Pick<SyncSourceDeps, 'sources' | 'git' | 'cluster' | 'log' | 'now'>

/**
 * The commit that the branch was rewritten away from, now or before and not yet tried whole without new failures; empty for none. A new rewrite is told
 * with both commits, in the log and by an event (hazard D2).
 */
export async function readRewrite(
  { spec, ledger, head }: { spec: SourceSpec; ledger: Ledger; head: Head },
  deps: RewriteDeps,
  signal: AbortSignal,
): Promise<string> {
  const { attempted, rewrittenFrom = '' } = ledger.status
  const last = parseRevision(attempted)
  if (!last || last.commit === head.commit || last.branch !== head.branch || spec.ref.kind !== 'branch')
    return rewrittenFrom
  const remote = await deps.sources.remote(spec, signal)
  if ((await deps.git.relation(remote, last.commit, head.commit, signal)) !== 'rewritten') return rewrittenFrom
  const message = `the history of ${head.branch} was rewritten: from ${last.commit} to ${head.commit}; it is followed, and nothing is deleted while a new or changed object fails`
  deps.log.warn(
    { source: `${spec.namespace}/${spec.name}`, reason: 'HistoryRewritten', from: last.commit, to: head.commit },
    message,
  )
  await tell(spec, message, deps, signal)
  return last.commit
}

/** On the Source object, or on the status of the flag source. */
async function tell(spec: SourceSpec, message: string, deps: RewriteDeps, signal: AbortSignal): Promise<void> {
  const { namespace, name } = spec
  const ref = spec.origin === 'resource' ? { ...sourceKind, namespace, name } : statusRef(spec)
  const found = await deps.cluster.get(ref, { metadataOnly: true, signal })
  if (!found) return
  const about = { ...ref, uid: found.metadata.uid ?? '' }
  await announceOn(about, { type: 'Warning', reason: 'HistoryRewritten', message }, deps, signal)
}
