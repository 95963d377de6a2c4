import { CST, Parser } from 'yaml'
import { type Splice, spliced } from '../../lib/splice.ts'

/** A text of manifests after {@link markManifests}; `isWhole`: each of its objects has the annotation now. */
export type Marked = { text: string; isWhole: boolean }

type Pair = { key: string; value: string }
type Mapping = CST.BlockMap | CST.FlowCollection
type Item = Mapping['items'][number]

/** A longer text is left as it is: to read it would hold up everything else. */
const maxLength = 256 * 1024
/** Go's parser ends a line here, ours does not. */
const oddLineEnds = /\r(?!\n)|[\u0085\u2028\u2029]/

/**
 * Adds an annotation to each object of a text of manifests and leaves every other character as it is. What is not written as one expects
 * is left whole: lists, anchors, merged keys, keys that come twice, an annotation of this name that stands there already, and whatever
 * Go's parser, which helm reads it with, may take for something else. Never throws.
 */
export function markManifests(text: string, { key, value }: Pair): Marked {
  const unmarked = { text, isWhole: false }
  if (text.length > maxLength || oddLineEnds.test(text)) return unmarked
  const splices: Splice[] = []
  let isWhole = true
  for (const token of new Parser().parse(text)) {
    if (token.type === 'error') return unmarked
    if (token.type !== 'document' || !token.value) continue
    const insertion = isSound(token.value)
      ? insertionIn(token.value, { key, value: JSON.stringify(value) }, text)
      : undefined
    if (insertion) splices.push(insertion)
    else isWhole = false
  }
  return { text: spliced(text, splices), isWhole }
}

/** False where something is open at its end: Go's parser may read on there, so that nothing below is what it seems to be. */
function isSound(token: CST.Token): boolean {
  if (token.type === 'error') return false
  if (token.type === 'single-quoted-scalar' || token.type === 'double-quoted-scalar')
    return resolved(token) !== undefined
  if (token.type === 'flow-collection')
    return token.end.some(({ type }) => type === 'flow-map-end' || type === 'flow-seq-end') && areSound(token.items)
  return token.type !== 'block-map' && token.type !== 'block-seq' ? true : areSound(token.items)
}

function areSound(items: readonly { key?: CST.Token | null; value?: CST.Token }[]): boolean {
  return items.every(({ key, value }) => (!key || isSound(key)) && (!value || isSound(value)))
}

function insertionIn(object: CST.Token, pair: Pair, text: string): Splice | undefined {
  const root = plainMap(object)
  const kind = root && resolved(entryOf(root, 'kind')?.value)
  const metadata = root && plainMap(entryOf(root, 'metadata')?.value)
  if (!kind || kind.endsWith('List') || entriesOf(root, 'items').length > 0 || !metadata) return undefined
  if (entriesOf(metadata, 'annotations').length === 0) return asFirst(metadata, { ...pair, under: 'annotations' }, text)
  const found = entryOf(metadata, 'annotations')
  if (!found) return undefined
  if (!found.value) return metadata.type === 'block-map' ? insteadOfNothing(found, pair) : undefined
  const annotations = plainMap(found.value)
  return annotations && entriesOf(annotations, pair.key).length === 0 ? asFirst(annotations, pair, text) : undefined
}

function insteadOfNothing({ sep }: Item, { key, value }: Pair): Splice | undefined {
  const colon = sep?.find(({ type }) => type === 'map-value-ind')
  return colon && inserted(colon.offset + 1, ` {${key}: ${value}}`)
}

/** Before the first key of a mapping; undefined where there is no room for it. */
function asFirst(map: Mapping, { key, value, under }: Pair & { under?: string }, text: string): Splice | undefined {
  if (map.type === 'flow-collection') {
    const pair = under ? `${under}: {${key}: ${value}}` : `${key}: ${value}`
    return inserted(map.start.offset + 1, isEmpty(map) ? pair : `${pair}, `)
  }
  const at = map.items[0]?.key?.offset
  if (at === undefined) return undefined
  const indent = text.slice(text.lastIndexOf('\n', at - 1) + 1, at)
  // an anchor, a tag or a question mark stands before it
  if (!/^ *$/.test(indent)) return undefined
  const lines = under ? [`${under}:`, `${indent}  ${key}: ${value}`, indent] : [`${key}: ${value}`, indent]
  return inserted(at, lines.join('\n'))
}

function inserted(at: number, source: string): Splice {
  return { start: at, end: at, source }
}

function isEmpty({ items }: CST.FlowCollection): boolean {
  return items.every((item) => !item.key && !item.value)
}

/** A mapping all of whose keys are what they say: none is an alias, has a tag or merges something else into it. */
function plainMap(token: CST.Token | undefined): Mapping | undefined {
  const isMap =
    token?.type === 'block-map' || (token?.type === 'flow-collection' && token.start.type === 'flow-map-start')
  if (!isMap) return undefined
  const items: Item[] = token.items
  const isPlain = items.every((item) => {
    const name = resolved(item.key)
    return !item.key || (name !== undefined && name !== '<<' && !item.start.some(isProperty))
  })
  return isPlain ? token : undefined
}

/** The only entry of that name, where nothing else refers to its value. */
function entryOf(map: Mapping, name: string): Item | undefined {
  const [found, second] = entriesOf(map, name)
  return found && !second && !found.sep?.some(isProperty) ? found : undefined
}

function entriesOf(map: Mapping, name: string): Item[] {
  const items: Item[] = map.items
  return items.filter(({ key }) => resolved(key) === name)
}

function isProperty({ type }: CST.SourceToken): boolean {
  return type === 'anchor' || type === 'tag'
}

/** The text of a scalar; undefined for what is none, an alias, or not written to its end. */
function resolved(token: CST.Token | null | undefined): string | undefined {
  if (!token || token.type === 'alias') return undefined
  let isWhole = true
  const scalar = CST.resolveAsScalar(token, true, () => {
    isWhole = false
  })
  return isWhole ? scalar?.value : undefined
}
