const joined = /^[\p{M}\p{Cf}]+$/u
/** East Asian wide and full-width forms, and what is drawn as a picture (UAX #11, UTS #51). */
const wide =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f$/u
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Columns that a text takes at a terminal; it must hold no control characters. */
export function widthOf(text: string): number {
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += widthOfOne(segment)
  return width
}

/** The text, or as much of its start as fits with `…` behind it. */
export function shorten(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let [start, used] = ['', 0]
  for (const { segment } of graphemes.segment(text)) {
    used += widthOfOne(segment)
    if (used > width - 1) break
    start += segment
  }
  return width > 0 ? `${start}…` : ''
}

function widthOfOne(grapheme: string): number {
  if (joined.test(grapheme)) return 0
  return wide.test(grapheme) ? 2 : 1
}
