const unitMs = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
const part = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g

/** Milliseconds of a duration as Go writes it (`5m`, `1m30s`, `1.5h`, `0`); undefined for anything else, also for a negative one. */
export function parseDuration(text: string): number | undefined {
  if (text === '0' || text === '+0') return 0
  const body = text.startsWith('+') ? text.slice(1) : text
  if (body === '' || body.replaceAll(part, '') !== '') return undefined
  let ms = 0
  for (const [, amount, unit] of body.matchAll(part)) ms += Number(amount) * unitMs[unit as keyof typeof unitMs]
  return Number.isFinite(ms) ? ms : undefined
}
