import { readPolicies } from '../../domain/manifest/annotations.ts'
import { mostAppliedCommits } from '../../domain/source/applied.ts'
import type { DesiredObject } from './desired.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'

/**
 * Leaves behind for people which commits are applied and which policies git sets, neither of which the cluster shows. Kept anew by
 * each sync, since Redis may forget; a sync does not fail for want of it.
 */
export async function rememberApplied(
  sync: Sync,
  deps: Pick<SyncSourceDeps, 'git' | 'sources' | 'remember' | 'log'>,
  signal: AbortSignal,
): Promise<void> {
  try {
    const commits = await readHistory(sync, deps, signal)
    await deps.remember(sync.spec, { revision: sync.revision, commits, policies: policiesOf(sync.desired.objects) })
  } catch (error) {
    signal.throwIfAborted()
    deps.log.debug({ error: String(error) }, 'what is applied could not be kept for people')
  }
}

async function readHistory(
  { spec, commit, memory }: Sync,
  { git, sources }: Pick<SyncSourceDeps, 'git' | 'sources'>,
  signal: AbortSignal,
): Promise<string[]> {
  if (memory.history?.commit === commit) return memory.history.commits
  const remote = await sources.remote(spec, signal)
  const entries = await git.log(remote, { to: commit, limit: mostAppliedCommits }, signal)
  const commits = entries.map((entry) => entry.commit)
  memory.history = { commit, commits }
  return commits
}

function policiesOf(objects: readonly DesiredObject[]): Record<string, Record<string, string>> {
  const found: Record<string, Record<string, string>> = {}
  for (const { id, annotations } of objects) {
    const policies = readPolicies(annotations)
    if (policies.size > 0) found[id] = Object.fromEntries(policies)
  }
  return found
}
