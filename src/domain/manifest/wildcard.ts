/** Tests a text against a pattern. Time grows with the length of both, never with their combinations (hazard L11). */
export type Wildcard = (text: string) => boolean

type Token = { type: 'star' } | { type: 'one'; takes: (character: string) => boolean }

const classes: Readonly<Record<string, RegExp>> = {
  alnum: /[a-z0-9]/i,
  alpha: /[a-z]/i,
  blank: /[ \t]/,
  digit: /[0-9]/,
  lower: /[a-z]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /\s/,
  upper: /[A-Z]/,
  xdigit: /[0-9a-f]/i,
}

/** `*` is any text, also with `/` or empty; everything else is itself, case and all: fluxd's globs (flux-v1 §10). */
export function starWildcard(pattern: string): Wildcard {
  return makeTest(Array.from(pattern).map((character) => (character === '*' ? { type: 'star' } : literal(character))))
}

/**
 * One part of a gitignore pattern, without slashes: `*`, `?`, `[a-z]`, `[!a]`, `[[:alpha:]]` and `\` before what is meant
 * literally. A part that cannot be read (an open bracket, a backslash at its end) matches nothing, as in git.
 */
export function partWildcard(pattern: string): Wildcard {
  const characters = Array.from(pattern)
  const tokens: Token[] = []
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string
    if (character === '*') tokens.push({ type: 'star' })
    else if (character === '?') tokens.push({ type: 'one', takes: () => true })
    else if (character === '[') {
      const found = readClass(characters, at)
      if (!found) return () => false
      tokens.push({ type: 'one', takes: found.takes })
      at = found.end
    } else if (character === '\\') {
      const next = characters[++at]
      if (next === undefined) return () => false
      tokens.push(literal(next))
    } else tokens.push(literal(character))
  }
  return makeTest(tokens)
}

function literal(wanted: string): Token {
  return { type: 'one', takes: (character) => character === wanted }
}

/** Greedy with one way back, to the last star: enough, since a star takes anything. */
function makeTest(tokens: readonly Token[]): Wildcard {
  return (text) => {
    const characters = Array.from(text)
    let token = 0
    let at = 0
    let star = -1
    let starAt = 0
    while (at < characters.length) {
      const next = tokens[token]
      if (next?.type === 'star') {
        star = token++
        starAt = at
      } else if (next?.takes(characters[at] as string)) {
        token++
        at++
      } else if (star >= 0) {
        token = star + 1
        at = ++starAt
      } else return false
    }
    return tokens.slice(token).every(({ type }) => type === 'star')
  }
}

type CharacterClass = { takes: (character: string) => boolean; end: number }

/** The bracket that opens at `start`; `end` is where it closes. */
function readClass(characters: readonly string[], start: number): CharacterClass | undefined {
  const isNegated = characters[start + 1] === '!' || characters[start + 1] === '^'
  const first = start + (isNegated ? 2 : 1)
  const tests: ((character: string) => boolean)[] = []
  for (let at = first; at < characters.length; ) {
    if (characters[at] === ']' && at > first) {
      return { takes: (character) => tests.some((test) => test(character)) !== isNegated, end: at }
    }
    const named = namedClass(characters, at)
    if (named) {
      tests.push((character) => named.class.test(character))
      at = named.end
      continue
    }
    const from = memberAt(characters, at)
    if (!from) return undefined
    const isRange = characters[from.end] === '-' && ![undefined, ']'].includes(characters[from.end + 1])
    const to = isRange ? memberAt(characters, from.end + 1) : from
    if (!to) return undefined
    tests.push((character) => character >= from.character && character <= to.character)
    at = to.end
  }
  return undefined
}

function memberAt(characters: readonly string[], at: number): { character: string; end: number } | undefined {
  const isEscape = characters[at] === '\\'
  const character = characters[isEscape ? at + 1 : at]
  return character === undefined ? undefined : { character, end: at + (isEscape ? 2 : 1) }
}

function namedClass(characters: readonly string[], at: number): { class: RegExp; end: number } | undefined {
  if (characters[at] !== '[' || characters[at + 1] !== ':') return undefined
  const close = characters.indexOf(':', at + 2)
  const known = classes[characters.slice(at + 2, close).join('')]
  return close > 0 && characters[close + 1] === ']' && known ? { class: known, end: close + 2 } : undefined
}
