import type { SyncReleaseDeps } from './deps.ts'
import { readRevisions, readStoredSecret } from './observe.ts'
import type { Work } from './work.ts'

/** helm has ended. A run that was told to stop must not write any more. */
export async function lookAgain(work: Work, deps: SyncReleaseDeps): Promise<void> {
  work.signal.throwIfAborted()
  work.revisions = await readRevisions(work.spec, deps, work.signal)
}

/** Marks helm's own record of a revision as failed, with these words. False when there is no such record. */
export async function markRevision(revision: number, why: string, work: Work, deps: SyncReleaseDeps): Promise<boolean> {
  const secret = await readStoredSecret(work, revision, deps)
  const failed = secret && deps.helm.markFailed(secret, why)
  if (!failed) return false
  deps.fence.check()
  await deps.cluster.replace(failed, work.signal)
  return true
}

/** What helm is told of every release. */
export function target({ spec }: Work): { release: string; namespace: string } {
  return { release: spec.release, namespace: spec.targetNamespace }
}

/** Readiness is waited for so long, from now on. */
export function waitFrom(now: Date, timeoutSeconds: number): { since: string; until: string } {
  return { since: now.toISOString(), until: new Date(now.getTime() + timeoutSeconds * 1000).toISOString() }
}
