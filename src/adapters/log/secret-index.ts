import { shortestSecret } from './secret-forms.ts'

/** A part of a text, from its first character to the one after its last. */
export type Span = { from: number; to: number }

/** Many texts, found in another one in time that hardly grows with how many they are. A text that is added twice is removed twice. */
export type SecretIndex = {
  add: (form: string) => void
  remove: (form: string) => void
  isEmpty: () => boolean
  /** Each place where a form begins, with the longest form that begins there. Spans may overlap. */
  find: (text: string) => Span[]
}

/** How many forms of each length begin with the same characters; `lengths` has the longest first. */
type Bucket = { counts: Map<number, number>; lengths: number[] }

export function createSecretIndex(): SecretIndex {
  const forms = new Map<string, number>()
  // by what a form begins with: a text is looked at once, however many forms there are
  const buckets = new Map<number, Bucket>()

  function count(form: string, by: 1 | -1): void {
    const before = forms.get(form) ?? 0
    if (before + by > 0) forms.set(form, before + by)
    else forms.delete(form)
    if (before === 0 || before + by === 0) countLength(form, by)
  }

  function countLength(form: string, by: 1 | -1): void {
    const start = startOf(form, 0)
    const bucket: Bucket = buckets.get(start) ?? { counts: new Map(), lengths: [] }
    const before = bucket.counts.get(form.length) ?? 0
    if (before + by > 0) bucket.counts.set(form.length, before + by)
    else bucket.counts.delete(form.length)
    if (before === 0 || before + by === 0) bucket.lengths = [...bucket.counts.keys()].toSorted((a, b) => b - a)
    if (bucket.lengths.length > 0) buckets.set(start, bucket)
    else buckets.delete(start)
  }

  function longestAt(text: string, at: number): number {
    const lengths = buckets.get(startOf(text, at))?.lengths ?? []
    return lengths.find((length) => at + length <= text.length && forms.has(text.slice(at, at + length))) ?? 0
  }

  return {
    add: (form) => count(form, 1),
    remove: (form) => count(form, -1),
    isEmpty: () => forms.size === 0,
    find(text) {
      const spans: Span[] = []
      for (let at = 0; at + shortestSecret <= text.length; at++) {
        const length = longestAt(text, at)
        if (length > 0) spans.push({ from: at, to: at + length })
      }
      return spans
    },
  }
}

/** The first characters as one number; small enough that V8 keeps it without an object. */
function startOf(text: string, at: number): number {
  let hash = 0
  for (let next = at; next < at + shortestSecret; next++) hash = (Math.imul(hash, 31) + text.charCodeAt(next)) | 0
  return hash & 0x3fff_ffff
}
