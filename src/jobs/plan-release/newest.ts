import type { StoredRelease } from '../../adapters/helm/index.ts'
import type { ReleaseSpec } from '../../domain/release/spec.ts'
import type { SyncReleaseDeps } from '../sync-release/deps.ts'
import { readRevisions, readStoredSecret } from '../sync-release/revisions.ts'

/** What helm stored last, and helm's word for its newest revision; empty where there is none. */
export type Newest = { release: StoredRelease | undefined; state: string }

/** The revision that is deployed, else the newest one. */
export async function readNewest(spec: ReleaseSpec, deps: SyncReleaseDeps, signal: AbortSignal): Promise<Newest> {
  const revisions = await readRevisions(spec, deps, signal)
  const chosen = revisions.findLast(({ state }) => state === 'deployed') ?? revisions.at(-1)
  if (!chosen) return { release: undefined, state: '' }
  const secret = await readStoredSecret({ spec, signal }, chosen.revision, deps)
  return { release: secret && deps.decode(secret), state: revisions.at(-1)?.state ?? '' }
}
