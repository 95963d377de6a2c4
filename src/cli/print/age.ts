/** How long ago an RFC 3339 time was, in one unit: `12s`, `5m`, `3h`, `2d`; `-` when it is not known. */
export function ageOf(time: string | undefined, now: number): string {
  const ms = now - Date.parse(time ?? '')
  if (!Number.isFinite(ms)) return '-'
  return durationOf(Math.max(ms, 0))
}

/** How long until then, as `in 5m`; `now` when it is past. */
export function untilOf(time: string | undefined, now: number): string {
  const ms = Date.parse(time ?? '') - now
  if (!Number.isFinite(ms)) return '-'
  return ms <= 0 ? 'now' : `in ${durationOf(ms)}`
}

/** How long it took, or has taken so far: `0.3s`, `12s`, `5m`; `-` where it has not begun. */
export function tookOf(startedAt: string | undefined, finishedAt: string | undefined, now: number): string {
  const start = Date.parse(startedAt ?? '')
  const end = finishedAt === undefined ? now : Date.parse(finishedAt)
  // a job that is run again has the end of its last run
  const ms = (end < start ? now : end) - start
  if (!Number.isFinite(ms)) return '-'
  return ms < 10_000 ? `${(Math.max(ms, 0) / 1000).toFixed(1)}s` : durationOf(ms)
}

/** In one unit, the coarsest that still tells something. */
export function durationOf(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7200) return `${Math.round(seconds / 60)}m`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)}h` : `${Math.round(seconds / 86_400)}d`
}
