import { html, type Html } from './html.ts'

/** How something stands, for its colour and its sign; never by colour alone. */
export type Tone = 'good' | 'wait' | 'bad' | 'quiet'

const signs: Record<Tone, string> = { good: '✓', wait: '…', bad: '✕', quiet: '–' }
const mostLetters = 600

/** A word with its sign in its colour. */
export function badge(tone: Tone, word: string): Html {
  return html`<span class="badge ${tone}"><span aria-hidden="true">${signs[tone]}</span> ${word}</span>`
}

/** A time as its distance, which the script keeps true; empty for one that is not known. */
export function age(time: string | undefined, now: number): Html | string {
  const ms = Math.max(0, now - Date.parse(time ?? ''))
  if (!Number.isFinite(ms)) return ''
  const text = distance(ms)
  return html`<time datetime="${time}" title="${time}">${text} ago</time>`
}

/** A time to come as its distance, `now` once it is there; the script keeps it true. */
export function due(time: string, now: number): Html {
  const ms = Date.parse(time) - now
  return html`<time data-due datetime="${time}" title="${time}">${ms > 0 ? `in ${distance(ms)}` : 'now'}</time>`
}

/** So many milliseconds in one unit. */
export function distance(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}

/** Seven digits of the commit in `branch@commit`. */
export function shortRevision(revision: string): string {
  return revision.replace(/([0-9a-f]{7})[0-9a-f]{33}$/, '$1')
}

/** As much of a message as a person reads. */
export function brief(text: string): string {
  return text.length > mostLetters ? `${text.slice(0, mostLetters)} …` : text
}

/** `1 job`, `2 jobs`. */
export function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? '' : 's'}`
}
