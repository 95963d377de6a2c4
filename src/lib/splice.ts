/** A stretch of a text, from `start` up to `end` (both in UTF-16 units), and what takes its place. */
export type Splice = { start: number; end: number; source: string }

/** The text with all of these stretches replaced; none may reach into another. */
export function spliced(text: string, splices: readonly Splice[]): string {
  const pieces: string[] = []
  let at = 0
  for (const { start, end, source } of splices.toSorted((a, b) => a.start - b.start)) {
    pieces.push(text.slice(at, start), source)
    at = end
  }
  return [...pieces, text.slice(at)].join('')
}
