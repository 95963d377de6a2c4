import { entryId } from './stored.ts'

/** How far a sink is; kept beside the events, and lost with them. */
export type SinkState = {
  /** The last event that was sent or left out; empty for none. */
  cursor: string
  /** Up to this event all are sent, however old they are; empty where nobody asked for it. */
  replayUntil: string
  /** Tries in a row that failed. */
  failures: number
  /** Why the last one did; empty when it did not. */
  failure: string
  /** RFC 3339; empty for never. */
  deliveredAt: string
}

export const freshState: SinkState = { cursor: '', replayUntil: '', failures: 0, failure: '', deliveredAt: '' }

/** The stream whose newest entry is the state of a sink: other than a value, it says when it cannot be read. */
export function sinkStream(name: string): string {
  return `sink:${name}`
}

/** Redis is untrusted (hazard B7): anything odd is as if it were not there. */
export function readSinkState(text: string | undefined): SinkState | undefined {
  try {
    const { cursor, replayUntil, failures, failure, deliveredAt } = JSON.parse(text ?? 'null') as SinkState
    const areIds = [cursor, replayUntil].every((id) => id === '' || entryId.test(id))
    const areTexts = typeof failure === 'string' && typeof deliveredAt === 'string'
    if (!areIds || !areTexts || !Number.isInteger(failures)) return undefined
    return { cursor, replayUntil, failures, failure, deliveredAt }
  } catch {
    return undefined
  }
}
