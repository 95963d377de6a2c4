import { Lexer } from 'yaml'

/** Deepest nesting of collections that is parsed. Real objects stay below 40; parsers die somewhere above 1,000 (hazard G1). */
export const maxDepth = 64

/**
 * Whether a document nests deeper than {@link maxDepth}, told from its text before any recursive code sees it.
 * May count a little more than is there, never less.
 */
export function isTooDeep(document: string): boolean {
  return depthBound(document) > maxDepth && depthByTokens(document) > maxDepth
}

/** The block collections that are open, by column. */
function openBlocks() {
  const levels: { column: number; kind: 'seq' | 'map' }[] = []

  function close(column: number): void {
    for (let top = levels.at(-1); top && top.column > column; top = levels.at(-1)) levels.pop()
  }

  return {
    /** A `-` at this column: an item of the sequence there, inside a mapping of the same column if there is one. */
    item(column: number): void {
      close(column)
      const top = levels.at(-1)
      if (top?.column !== column || top.kind !== 'seq') levels.push({ column, kind: 'seq' })
    },
    /** Anything else at this column; taken for a mapping. */
    content(column: number): void {
      close(column)
      const top = levels.at(-1)
      if (top?.column === column && top.kind === 'seq') levels.pop()
      if (levels.at(-1)?.column !== column) levels.push({ column, kind: 'map' })
    },
    depth: () => levels.length,
  }
}

/** Each level takes one of these characters at least, a `[` may make two: a bound that lets most documents through at once. */
function depthBound(document: string): number {
  let bound = 0
  for (let at = 0; at < document.length && bound <= maxDepth; at++) {
    const code = document.charCodeAt(at)
    if (code === 0x5b) bound += sequenceWeight
    else if (code === 0x7b || code === 0x2d || code === 0x3a || code === 0x3f) bound++
  }
  return bound
}

/** `[a: b]` is a mapping inside a sequence, so that each `[` may be two levels. */
const sequenceWeight = 2

/**
 * The parser's own lexer says what is text and what is structure; it does not recurse. Indicators in the wrong place are errors in
 * YAML, but the parser nests at them before it says so: each counts as a level that nothing closes.
 */
function depthByTokens(document: string): number {
  const count = countTokens()
  let deepest = 0
  let isText = false
  for (const token of new Lexer().lex(document)) {
    const kind = isText ? 'text' : kindOf(token)
    isText = token === '\x1f'
    if (kind !== 'mark' || token === flowCut) deepest = Math.max(deepest, count(token, kind))
    if (deepest > maxDepth) break
  }
  return deepest
}

/** The lexer's token for brackets that were not closed before something that cannot be in them. */
const flowCut = '\x18'

/** Takes the tokens one after the other; gives the depth at each. */
function countTokens(): (token: string, kind: TokenKind) => number {
  const blocks = openBlocks()
  const flow: { weight: number; seen: string }[] = []
  let flowDepth = 0
  let misplaced = 0
  let column = 0
  let line: 'start' | 'content' | 'key' = 'start'
  let afterProperty = false

  function inBlock(token: string, kind: TokenKind): void {
    if (kind === 'space' || kind === 'newline') return
    if (line === 'start') {
      if (token === '-') blocks.item(column)
      else blocks.content(column)
      if (kind !== 'indicator') line = 'content'
    } else if (kind === 'indicator') {
      if (line !== 'content' || token !== ':' || afterProperty) misplaced++
      line = 'key'
    }
    afterProperty = kind === 'property'
  }

  /** More than `? key : value` in one item, and any `-`, are errors, but the parser nests there too. */
  function inFlow(token: string, kind: TokenKind): void {
    const inner = flow.at(-1)
    if (inner && token === ',') inner.seen = '-'
    else if (inner && (kind === 'indicator' || kind === 'text' || kind === 'open')) {
      const what = kind === 'indicator' ? token : inner.seen.includes(':') ? 'value' : 'key'
      if (inner.seen.includes(what)) misplaced++
      inner.seen += what
    }
    if (kind === 'open') {
      const weight = token === '[' ? sequenceWeight : 1
      flow.push({ weight, seen: '-' })
      flowDepth += weight
    } else if (kind === 'close') flowDepth -= flow.pop()?.weight ?? 0
  }

  function cutFlow(): void {
    misplaced += flowDepth + 1
    flowDepth = 0
    flow.length = 0
  }

  return (token, kind) => {
    if (token === flowCut) {
      cutFlow()
      return blocks.depth() + misplaced + 2
    }
    if (flow.length === 0) inBlock(token, kind)
    inFlow(token, kind)
    const newline = token.lastIndexOf('\n')
    column = newline < 0 ? column + token.length : token.length - newline - 1
    if (kind === 'newline' && flow.length === 0) line = 'start'
    // What is broken at all may be nested a little differently than it looks.
    return blocks.depth() + flowDepth + (misplaced && misplaced + 2)
  }
}

type TokenKind = 'mark' | 'space' | 'newline' | 'indicator' | 'property' | 'open' | 'close' | 'text'

const tokenKinds: Readonly<Record<string, TokenKind>> = {
  '\x02': 'mark',
  '\x18': 'mark',
  '\x1f': 'mark',
  ' ': 'space',
  '#': 'space',
  ',': 'space',
  '\t': 'space',
  '\r': 'newline',
  '\n': 'newline',
  '-': 'indicator',
  '?': 'indicator',
  ':': 'indicator',
  '!': 'property',
  '&': 'property',
  '[': 'open',
  '{': 'open',
  ']': 'close',
  '}': 'close',
}

function kindOf(token: string): TokenKind {
  const kind = tokenKinds[token[0] ?? ''] ?? 'text'
  return kind === 'indicator' && token.length > 1 ? 'text' : kind
}
