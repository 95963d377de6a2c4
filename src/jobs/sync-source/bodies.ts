import { type DesiredObject, loadBodies } from './desired.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'

/** Whole objects as JSON, by key. */
export async function readBodies(
  wanted: readonly DesiredObject[],
  { spec, desired }: Sync,
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const remote = await deps.sources.remote(spec, signal)
  return await loadBodies(wanted, desired, { remote, deps: readingOf(spec, deps) }, signal)
}

/** What reads the files of this source. */
export function readingOf(spec: Sync['spec'], { git, parse, secrets }: SyncSourceDeps) {
  const { isEncrypted, open } = secrets
  const own = { isEncrypted, open: async (signal: AbortSignal) => await open(spec, signal) }
  return { git, parse, secrets: spec.sops ? own : undefined }
}
