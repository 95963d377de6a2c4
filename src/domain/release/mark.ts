import { CST, Parser } from 'yaml'

/** A text of manifests after {@link markManifests}; `isWhole`: each of its objects has the annotation now. */
export type Marked = { text: string; isWhole: boolean }

type Insertion = { at: number; text: string }
type Pair = { key: string; value: string }
type Item = (CST.BlockMap | CST.FlowCollection)['items'][number]

/** A longer text is left as it is: to read it would hold up everything else. */
const maxLength = 1024 * 1024

/**
 * Adds an annotation to each object of a text of manifests and leaves every other character as it is. What is not written as one expects
 * is left whole: lists, anchors, merged keys, keys that come twice, an annotation of this name that stands there already.
 */
export function markManifests(text: string, { key, value }: Pair): Marked {
  const unmarked = { text, isWhole: false }
  if (text.length > maxLength) return unmarked
  const insertions: Insertion[] = []
  let isWhole = true
  for (const token of new Parser().parse(text)) {
    if (token.type === 'error') return unmarked
    if (token.type !== 'document' || !token.value) continue
    const insertion = insertionIn(token.value, { key, value: JSON.stringify(value) }, text)
    if (insertion) insertions.push(insertion)
    else isWhole = false
  }
  return { text: withInserted(text, insertions), isWhole }
}

function insertionIn(object: CST.Token, pair: Pair, text: string): Insertion | undefined {
  const kind = scalarOf(plainEntry(object, 'kind')?.value)
  const metadata = plainEntry(object, 'metadata')?.value
  if (kind === undefined || kind.endsWith('List') || !metadata || entriesOf(metadata, '<<').length > 0) return undefined
  if (entriesOf(metadata, 'annotations').length === 0) return asFirst(metadata, { ...pair, under: 'annotations' }, text)
  const annotations = plainEntry(metadata, 'annotations')
  if (!annotations) return undefined
  if (annotations.value)
    return entriesOf(annotations.value, pair.key).length > 0 ? undefined : asFirst(annotations.value, pair, text)
  const colon = annotations.sep?.find(({ type }) => type === 'map-value-ind')
  return colon && { at: colon.offset + 1, text: ` {${pair.key}: ${pair.value}}` }
}

/** Before the first key of a mapping; undefined where that is no mapping with room for it. */
function asFirst(
  map: CST.Token,
  { key, value, under }: Pair & { under?: string },
  text: string,
): Insertion | undefined {
  if (map.type === 'flow-collection' && map.start.type === 'flow-map-start') {
    const pair = under ? `${under}: {${key}: ${value}}` : `${key}: ${value}`
    return { at: map.start.offset + 1, text: isEmpty(map) ? pair : `${pair}, ` }
  }
  const at = map.type === 'block-map' ? map.items[0]?.key?.offset : undefined
  if (at === undefined) return undefined
  const indent = text.slice(text.lastIndexOf('\n', at - 1) + 1, at)
  // an anchor, a tag or a question mark stands before it
  if (!/^ *$/.test(indent)) return undefined
  const lines = under ? [`${under}:`, `${indent}  ${key}: ${value}`, indent] : [`${key}: ${value}`, indent]
  return { at, text: lines.join('\n') }
}

function isEmpty({ items }: CST.FlowCollection): boolean {
  return items.every((item) => !item.key && !item.value)
}

/** The only entry of that name, where nothing else refers to its value. */
function plainEntry(map: CST.Token, name: string): Item | undefined {
  const [found, second] = entriesOf(map, name)
  if (!found || second) return undefined
  return found.sep?.some(({ type }) => type === 'anchor' || type === 'tag') ? undefined : found
}

function entriesOf(map: CST.Token, name: string): Item[] {
  if (map.type !== 'block-map' && map.type !== 'flow-collection') return []
  const items: Item[] = map.items
  return items.filter(({ key }) => scalarOf(key) === name)
}

function scalarOf(token: CST.Token | null | undefined): string | undefined {
  return token ? CST.resolveAsScalar(token)?.value : undefined
}

function withInserted(text: string, insertions: readonly Insertion[]): string {
  const pieces: string[] = []
  let from = 0
  for (const { at, text: piece } of insertions) {
    pieces.push(text.slice(from, at), piece)
    from = at
  }
  return [...pieces, text.slice(from)].join('')
}
