import { type Lane, lanes } from './job.ts'

/** Places in one lane. Five lanes of them stay below BullMQ's highest priority, 2,097,151. */
const places = 100_000
const laneNames = Object.keys(lanes) as Lane[]

/**
 * The virtual clock of one lane of one queue (W3). `head` is the place that is served now, `last` the last place
 * given to each namespace that is ahead of it. Start with {@link stoppedClock}.
 */
export type LaneClock = { head: number; last: ReadonlyMap<string, number> }

export const stoppedClock: LaneClock = { head: 0, last: new Map() }

/**
 * The next place for a namespace: one after its own last place, never before the place that is served now. A
 * namespace with 5,000 waiting jobs therefore stands at 5,000 while the first job of another is served next.
 * `head` is the lowest place that waits, undefined when the lane is empty. A head that went back means that the lane
 * ran empty or was moved down, so old places mean nothing any more. Past the last place it is first come, first served.
 */
export function takePlace(
  clock: LaneClock,
  namespace: string,
  head: number | undefined,
): { place: number; clock: LaneClock } {
  const served = head ?? 0
  const known = head === undefined || served < clock.head ? new Map<string, number>() : clock.last
  const place = Math.min(Math.max(served, known.get(namespace) ?? 0) + 1, places - 1)
  const last = new Map([...known].filter(([, taken]) => taken > served))
  return { place, clock: { head: served, last: last.set(namespace, place) } }
}

/** BullMQ priority of a place in a lane: lane × 10^5 + place. Lower runs earlier. */
export function priorityOf(lane: Lane, place: number): number {
  return lanes[lane] * places + Math.min(Math.max(place, 1), places - 1)
}

/** The lane that a priority lies in; `periodic` for anything out of range. */
export function laneOf(priority: number): Lane {
  return laneNames[Math.floor(priority / places)] ?? 'periodic'
}

/** Lowest and highest priority of a lane, both inclusive. */
export function laneRange(lane: Lane): { from: number; to: number } {
  return { from: lanes[lane] * places, to: lanes[lane] * places + places - 1 }
}

/** The place inside its lane that a priority stands for. */
export function placeOf(priority: number): number {
  return priority % places
}

/** True when a request of this lane may shorten a back-off: a person, or a new revision or generation (W2). */
export function shortensBackoff(lane: Lane): boolean {
  return lanes[lane] <= lanes.change
}

/** The lane of a try that nobody asked for: a person's request is answered by the first run. */
export function laneOfRetry(lane: Lane): Lane {
  return lanes[lane] < lanes.change ? 'change' : lane
}
