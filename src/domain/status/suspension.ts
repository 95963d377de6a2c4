/** Who stopped a source or a release and why. All texts may be empty; `since` is RFC 3339. */
export type Suspension = { by: string; why: string; since: string }

/** The annotation that stands for a suspension. Any text but `false` stops: one that cannot be read was meant all the same. */
export function readSuspension(text: string | undefined): Suspension | undefined {
  if (!text || text === 'false') return undefined
  if (text === 'true') return { by: '', why: '', since: '' }
  try {
    const { by, why, since } = JSON.parse(text) as Partial<Suspension>
    return { by: String(by ?? ''), why: String(why ?? ''), since: String(since ?? '') }
  } catch {
    return { by: '', why: text.slice(0, 200), since: '' }
  }
}

/** In words: who, since when and why, as far as they are known. */
export function suspensionMessage({ by, why, since }: Suspension): string {
  const who = by === '' ? 'somebody' : by
  return `suspended by ${who}${since === '' ? '' : ` at ${since}`}${why === '' ? '' : `: ${why}`}`
}
