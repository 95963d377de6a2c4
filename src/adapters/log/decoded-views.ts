/** A text with its escapes undone. `origin` says where each of its characters began in the text itself, and where that ends. */
export type View = { text: string; origin: (at: number) => number }

type Piece = { text: string; width: number }
type Decoder = { mark: string; pattern: RegExp; read: (found: string) => Piece[] }

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\u0007',
}

/** Of JSON, and of what Go prints as %q. */
const backslashes: Decoder = {
  mark: '\\',
  pattern: /\\(?:u[0-9a-f]{4}|U[0-9a-f]{8}|x[0-9a-f]{2}|[^])/gi,
  read: (found) => [{ text: unescape(found), width: found.length }],
}

/** Of URLs, whatever set of characters somebody chose to encode. */
const percents: Decoder = { mark: '%', pattern: /(?:%[0-9a-f]{2})+/gi, read: readBytes }

/** Of forms, where a plus is a blank. */
const pluses: Decoder = { mark: '+', pattern: /\+/g, read: () => [{ text: ' ', width: 1 }] }

/**
 * The text, and what it says when escapes are undone: none, once, twice (JSON in JSON), and those of URLs in each of them. Costs
 * nothing for what does not occur.
 */
export function viewsOf(text: string): View[] {
  const views: View[] = [{ text, origin: (at) => at }]
  for (let depth = 0; depth < 2; depth++) addDecoded(views, views.slice(-1), backslashes)
  // a blank is a plus before a plus is a percent
  addDecoded(views, [...views], pluses)
  addDecoded(views, [...views], percents)
  return views
}

function addDecoded(views: View[], of: readonly View[], decoder: Decoder): void {
  for (const view of of) {
    const decoded = decode(view, decoder)
    if (decoded) views.push(decoded)
  }
}

/** Nothing when there is nothing to undo. */
function decode(view: View, { mark, pattern, read }: Decoder): View | undefined {
  if (!view.text.includes(mark)) return undefined
  const parts: string[] = []
  const starts: number[] = []
  let kept = 0
  function keep(to: number): void {
    parts.push(view.text.slice(kept, to))
    for (; kept < to; kept++) starts.push(view.origin(kept))
  }
  for (const { 0: found, index } of view.text.matchAll(pattern)) {
    keep(index)
    for (const piece of read(found)) {
      parts.push(piece.text)
      for (let unit = 0; unit < piece.text.length; unit++) starts.push(view.origin(kept))
      kept += piece.width
    }
  }
  keep(view.text.length)
  starts.push(view.origin(view.text.length))
  return { text: parts.join(''), origin: (at) => starts[at] ?? 0 }
}

function unescape(found: string): string {
  const letter = found.charAt(1)
  if (found.length === 2) return escapes[letter] ?? letter
  const code = Number.parseInt(found.slice(2), 16)
  return code > 0x10_ffff ? '\ufffd' : String.fromCodePoint(code)
}

/** UTF-8 as `%C3%B6`; a byte that is none stands for itself. */
function readBytes(found: string): Piece[] {
  const bytes = Buffer.from(found.replaceAll('%', ''), 'hex')
  const pieces: Piece[] = []
  for (let at = 0; at < bytes.length; ) {
    const character = bytes.subarray(at, at + characterLength(bytes[at] ?? 0))
    const text = character.toString()
    const isText = Buffer.from(text).equals(character)
    const width = isText ? character.length : 1
    pieces.push({ text: isText ? text : character.toString('latin1', 0, 1), width: width * 3 })
    at += width
  }
  return pieces
}

function characterLength(lead: number): number {
  if (lead < 0x80) return 1
  if (lead < 0xe0) return 2
  return lead < 0xf0 ? 3 : 4
}
