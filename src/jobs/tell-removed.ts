import type { Store } from '../adapters/store/index.ts'
import { makeEvent } from '../domain/event/event.ts'
import type { ReadStatus } from '../domain/source/status.ts'
import type { History } from './history.ts'
import type { KnownSource } from './source-registry.ts'
import { rememberMs, tellStep } from './tell-step.ts'

type Named = { namespace: string; name: string }
type Deps = { store: Pick<Store, 'get' | 'set'>; readStatus: ReadStatus; history: History; now: () => Date }

const over = 'the Source was removed'

/**
 * Tells that what kept a source is over since it is no more: an alert would else fire until its own end. A status that went with the
 * namespace is told by the object's, as it was seen last. Throws what `readStatus` does.
 */
export async function tellRemoved(
  source: Named & Pick<KnownSource, 'reported'>,
  deps: Deps,
  signal: AbortSignal,
): Promise<void> {
  const { store, readStatus, history, now } = deps
  for (const step of ['fetch', 'images'] as const)
    await tellStep(source, { step, reason: '', message: over, commit: '' }, deps)
  const status = await readStatus(source, signal)
  const { ready, reason } = status ?? { ready: source.reported.reason === 'Applied', ...source.reported }
  if (ready || reason === '') return
  const at = now().toISOString()
  const { namespace, name } = source
  const about = { source: { kind: 'source' as const, namespace, name }, startedAt: at, endedAt: at }
  await history.tell([makeEvent({ type: 'error', metadata: {}, ...about, message: over })])
  await store.set(keyOf(source), at, { ttlMs: rememberMs })
}

/** Whether its end was told since this was asked last: a Source of the same name has its status, and begins anew for who is told. */
export async function takeRemoval(source: Named, store: Pick<Store, 'get' | 'delete'>): Promise<boolean> {
  if ((await store.get(keyOf(source))) === undefined) return false
  await store.delete(keyOf(source))
  return true
}

function keyOf({ namespace, name }: Named): string {
  return `told:removed:${namespace}/${name}`
}
