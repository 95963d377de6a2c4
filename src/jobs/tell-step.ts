import type { Store } from '../adapters/store/index.ts'
import { makeEvent } from '../domain/event/event.ts'
import { severityOf } from '../domain/event/outcome.ts'
import { isPassing } from '../domain/source/passing.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import type { Reason } from '../domain/status/reason.ts'
import type { History } from './history.ts'

/** How a step that leaves no trace in a source's status ended; `reason` is empty where it went well, `message` where the usual words will do. */
export type StepEnd = { step: 'fetch' | 'images'; reason: Reason | ''; message: string; commit: string }

type Deps = { store: Pick<Store, 'get' | 'set'>; history?: History; now: () => Date }

const wellAgain = { fetch: 'The repository is fetched again', images: 'Images are updated again' } as const
/** Longer than anything waits between two tries. */
export const rememberMs = 30 * 86_400_000

/** Tells that a step fails, or works again; once, until that changes. Trouble of ours is passed over. */
export async function tellStep(
  { namespace, name }: Pick<SourceSpec, 'namespace' | 'name'>,
  { step, reason, message, commit }: StepEnd,
  { store, history, now }: Deps,
): Promise<void> {
  if (!history || (reason !== '' && isPassing(reason))) return
  const key = `told:${step}:${namespace}/${name}`
  if (((await store.get(key)) ?? '') === reason) return
  const at = now().toISOString()
  const event = makeEvent({
    type: 'error',
    metadata: { step },
    source: { kind: 'source', namespace, name },
    startedAt: at,
    endedAt: at,
    severity: severityOf({ ready: reason === '', reason }),
    reason,
    commit,
    message: reason === '' ? message || wellAgain[step] : `${reason}: ${message}`,
  })
  await history.tell([event])
  await store.set(key, reason, { ttlMs: rememberMs })
}
