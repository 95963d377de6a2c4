/** The kinds of work; each is a BullMQ queue of that name. */
export const jobKinds = [
  'fetch-source',
  'sync-source',
  'sync-release',
  'scan-image',
  'update-images',
  'plan-source',
  'change-source',
  'plan-release',
  'change-release',
  'deliver-event',
  'resync',
] as const
export type JobKind = (typeof jobKinds)[number]

/** Who asks, most urgent first (law 5). Lower runs earlier. */
export const lanes = { person: 0, webhook: 1, change: 2, image: 3, periodic: 4 } as const
export type Lane = keyof typeof lanes

/** A job names an object and says why; it never carries state, URLs, values or secrets (law 2). ≤ 1 KB. */
export type JobPayload = {
  kind: JobKind
  namespace: string
  /** Object name. For scan-image the canonical repository; for resync what is listed: `sources`, `releases` or `images`; for
   * what needs arguments (plan-source, change-release, …) `<object>@<request id>`, see request.ts. */
  name: string
  /** Plain words for people: "push to main", "generation 3", "periodic". */
  reason: string
  /** RFC 3339; the time of the oldest request that this run answers. */
  requestedAt: string
}

/**
 * How a run ended. A failure is thrown as AppError; `again` asks for another run after that time (waiting holds no worker). `answered`:
 * what was asked for was tried, so that the next run has {@link reasonOfRetry} for its reason.
 */
export type Outcome = { end: 'done'; summary: string } | { end: 'again'; afterMs: number; why: string; answered?: true }

/** What a caller asks for. */
export type WorkRequest = {
  kind: JobKind
  namespace: string
  name: string
  reason: string
  lane: Lane
  /** Do not start before this many milliseconds. A person's request ignores it. */
  delayMs?: number
  /** A run that goes on answers it, too: who asks saw nothing new. Left out: another run follows that one. */
  joinsRun?: boolean
}

/** Puts work into the queue (or joins it to the job that waits already) and gives the id of the job that will do it. */
export type Enqueue = (request: WorkRequest) => Promise<{ jobId: string }>

/** Reasons that decide how a run behaves are words of a closed list; any other text is for people only. */
export const periodicReason = 'periodic'

/** `requested by …` and `push …` start a reason of a person or a webhook; everything else is a change or periodic. */
export function laneOfReason(reason: string): Lane {
  if (reason === periodicReason) return 'periodic'
  if (reason.startsWith('requested')) return 'person'
  if (reason.startsWith('push')) return 'webhook'
  return 'change'
}

/** The reason of a run that nobody asked for, after one that has answered a request for this `reason`. */
export function reasonOfRetry(reason: string): string {
  return `again after ${reason}`
}
