import type { Store } from '../adapters/store/index.ts'
import type { Deployment } from '../domain/event/deployment.ts'
import type { Event } from '../domain/event/event.ts'
import { fitJson } from '../domain/event/fit.ts'
import { deploymentStream, eventStream } from '../domain/event/stored.ts'
import type { Logger } from '../lib/logger.ts'

/** 13 months, as the ancestors' hosted service kept them. */
const maxAgeMs = 396 * 24 * 3_600_000
/** With at most 8 KB each, and mostly less than one. */
const maxLength = 50_000

/** What happened, kept for people and told to sinks. None of it fails or holds up who tells it: without Redis it is not kept. */
export type History = {
  tell: (events: readonly Event[]) => Promise<void>
  /** One attempt; the job is filled in. */
  record: (deployment: Omit<Deployment, 'job'>) => Promise<void>
}

export type HistoryParts = {
  store: Pick<Store, 'append'>
  /** Takes known secrets out of a text. */
  redact: (text: string) => string
  /** Called with what was kept. */
  onTold?: (events: readonly Event[]) => Promise<void>
  log: Logger
}

/** The history as seen from one job. */
export function createHistory(parts: HistoryParts): (jobId: string) => History {
  return (jobId) => ({
    async tell(events) {
      for (const event of events) await keep(eventStream, event, parts)
      if (events.length > 0) await parts.onTold?.(events).catch((error: unknown) => warn(error, parts))
    },
    async record(deployment) {
      await keep(deploymentStream, { ...deployment, job: jobId }, parts)
    },
  })
}

async function keep(stream: string, value: object, parts: HistoryParts): Promise<void> {
  try {
    const json = fitJson(redactAll(value, parts.redact) as object)
    if (json === undefined) throw new Error(`it is larger than an entry of ${stream} may be`)
    await parts.store.append(stream, { json }, { maxLength, maxAgeMs })
  } catch (error) {
    warn(error, parts)
  }
}

function warn(error: unknown, { log }: HistoryParts): void {
  log.warn({ error: String(error) }, 'what happened could not be told')
}

/** By text and not over the JSON: a secret that was cut in two by an escape is still one. */
function redactAll(value: unknown, redact: (text: string) => string): unknown {
  if (typeof value === 'string') return redact(value)
  if (Array.isArray(value)) return value.map((one) => redactAll(one, redact))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, redactAll(one, redact)]))
}
