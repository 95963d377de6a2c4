/** What a registry said of how much it answers, the last time that it said something. */
export type SaidBudget = {
  /** Requests (or pulls, where those are what it counts) in one window. */
  limit?: number
  remaining?: number
  windowSeconds?: number
  /** When the count begins anew, RFC 3339. */
  resetAt?: string
  /** When it was said, RFC 3339. */
  at: string
}

/** How fast one registry is asked, and what it said about that. */
export type RateBudget = {
  host: string
  /** Requests a second that each process sends it now, at most. */
  rps: number
  /** The same as long as the registry does not complain (`--registry-rps`). */
  mostRps: number
  /** Requests at once (`--registry-burst`). */
  burst: number
  /** Until when it is left alone, RFC 3339; empty while it is not. */
  pausedUntil: string
  /** Absent where it never said anything. */
  said?: SaidBudget
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** From here on a number is a time of the clock and no count of seconds, which some hosts write into the same header. */
const firstClockSecond = 1_000_000_000
/** The latest time that a `Date` can hold, in seconds. */
const lastClockSecond = 8_640_000_000_000

/**
 * What the headers of an answer say: `ratelimit-limit`, `-remaining` and `-reset`, or the same with `x-` before them, each
 * as `100` or `100;w=21600`. Undefined where they say nothing. `now` in milliseconds since 1970.
 */
export function readBudget(headers: Headers, now: number): SaidBudget | undefined {
  const [limit, remaining, reset] = ['limit', 'remaining', 'reset'].map(
    (name) => textOf(headers[`ratelimit-${name}`]) ?? textOf(headers[`x-ratelimit-${name}`]),
  )
  const window = numberIn(/;\s*w=(\d{1,9})\s*(?:[;,]|$)/.exec(limit ?? remaining ?? ''))
  const found = {
    ...optional('limit', countIn(limit)),
    ...optional('remaining', countIn(remaining)),
    ...optional('windowSeconds', window),
    ...optional('resetAt', resetIn(reset, now)),
  }
  return Object.keys(found).length === 0 ? undefined : { ...found, at: new Date(now).toISOString() }
}

/** Reads what was stored as JSON of a {@link SaidBudget}; undefined for anything else. */
export function toSaidBudget(value: Readonly<Record<string, unknown>> | undefined): SaidBudget | undefined {
  if (typeof value?.at !== 'string') return undefined
  const { limit, remaining, windowSeconds, resetAt, at } = value
  return {
    ...(typeof limit === 'number' ? { limit } : {}),
    ...(typeof remaining === 'number' ? { remaining } : {}),
    ...(typeof windowSeconds === 'number' ? { windowSeconds } : {}),
    ...(typeof resetAt === 'string' ? { resetAt } : {}),
    at,
  }
}

function optional<Name extends string, Value>(name: Name, value: Value | undefined): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>)
}

function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header
}

function numberIn(match: RegExpExecArray | null): number | undefined {
  return match?.[1] === undefined ? undefined : Number(match[1])
}

function countIn(text: string | undefined): number | undefined {
  return numberIn(/^\s*(\d{1,15})\s*(?:[;,]|$)/.exec(text ?? ''))
}

function resetIn(text: string | undefined, now: number): string | undefined {
  const seconds = numberIn(/^\s*(\d{1,15})(?:\.\d+)?\s*(?:[;,]|$)/.exec(text ?? ''))
  if (seconds === undefined) return undefined
  const at = seconds < firstClockSecond ? now / 1000 + seconds : seconds
  return at > lastClockSecond ? undefined : new Date(at * 1000).toISOString()
}
