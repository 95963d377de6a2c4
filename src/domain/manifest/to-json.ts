import { type Alias, type Document, isAlias, isScalar, isSeq, type Node, type Pair, type YAMLMap } from 'yaml'
import type { Json } from './object.ts'

/** Why a document cannot be turned into JSON. `offset` is inside the document's text. */
export type Refusal = { message: string; offset: number }

export type Converted = { value: Json; refusals: Refusal[]; warnings: Refusal[] }

const maxDepth = 100
/** Nodes that aliases may add; a text of 5 MB without aliases cannot hold more than it has bytes (hazard G2). */
const maxAliasNodes = 200_000
/** Aliases used inside what an alias brought in: the only way to grow faster than the text (hazard G2). */
const maxNestedAliases = 50

/** Stops the walk; the refusal is in the list already. */
class Refused extends Error {}

/**
 * What kubectl would send: aliases and merge keys expanded, keys made text, the last of two equal keys kept with a warning
 * (ruling 15). Cycles, explosions and what JSON cannot hold are refused. Never throws.
 */
export function toJson(document: Document.Parsed): Converted {
  const walk = createWalk()
  try {
    return { value: walk.convert(document.contents, 0), ...walk.found }
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return { value: null, ...walk.found }
  }
}

function createWalk() {
  const found: { refusals: Refusal[]; warnings: Refusal[] } = { refusals: [], warnings: [] }
  const anchors = new Map<string, Node>()
  const entered = new Set<Node>()
  let aliasNodes = 0
  let nestedAliases = 0
  let aliasDepth = 0

  function refuse(message: string, node: Node | null | undefined): never {
    found.refusals.push({ message, offset: offsetOf(node) })
    throw new Refused()
  }

  function convert(node: Node | null, depth: number): Json {
    if (node === null) return null
    if (depth > maxDepth) refuse(`nested deeper than ${maxDepth} levels`, node)
    if (aliasDepth > 0 && ++aliasNodes > maxAliasNodes) refuse('aliases expand to too much', node)
    if (isAlias(node)) return throughAlias(node, (target) => convert(target, depth + 1))
    if ('anchor' in node && node.anchor) anchors.set(node.anchor, node)
    if (isScalar(node)) return scalarOf(node.value, node)
    entered.add(node)
    const value = isSeq(node)
      ? node.items.map((item) => convert(item as Node | null, depth + 1))
      : mapOf(node as YAMLMap<Node, Node | null>, depth)
    entered.delete(node)
    return value
  }

  function throughAlias<T>(alias: Alias, use: (target: Node) => T): T {
    const target = anchors.get(alias.source)
    if (!target) refuse('an alias (*) has no anchor before it; a text that begins so needs quotes', alias)
    if (entered.has(target)) refuse('an alias (*) contains itself', alias)
    if (aliasDepth > 0 && ++nestedAliases > maxNestedAliases) refuse('too many aliases inside aliases', alias)
    aliasDepth++
    try {
      return use(target)
    } finally {
      aliasDepth--
    }
  }

  function scalarOf(value: unknown, node: Node): Json {
    if (value instanceof Uint8Array) return new TextDecoder().decode(value)
    if (typeof value === 'number' && !Number.isFinite(value)) refuse('a number that JSON cannot hold', node)
    if (typeof value === 'symbol') return '<<'
    return (value ?? null) as Json
  }

  function mapOf(map: YAMLMap<Node, Node | null>, depth: number): Json {
    const result: { [key: string]: Json } = {}
    // Keys that stand in this mapping itself; what a merge brought may be overwritten without a warning.
    const own = new Set<string>()
    for (const pair of map.items) {
      if (isMergeKey(pair.key)) merge(result, pair, depth)
      else {
        const key = keyOf(pair.key)
        if (own.has(key))
          found.warnings.push({
            message: `key '${key}' is given twice; the last one counts`,
            offset: offsetOf(pair.key),
          })
        own.add(key)
        put(result, key, convert(pair.value, depth + 1))
      }
    }
    return result
  }

  /** Go's order: a merge overwrites what stands before it and is overwritten by what stands after it; in a list the first wins. */
  function merge(result: { [key: string]: Json }, pair: Pair<Node, Node | null>, depth: number): void {
    const given = convert(pair.value, depth + 1)
    const sources = Array.isArray(given) ? given.toReversed() : [given]
    for (const source of sources) {
      if (source === null || typeof source !== 'object' || Array.isArray(source))
        refuse('<< must name mappings', pair.key)
      for (const [key, value] of Object.entries(source)) put(result, key, value)
    }
  }

  function keyOf(node: Node | null): string {
    if (node && isAlias(node)) return throughAlias(node, keyOf)
    if (node && 'anchor' in node && node.anchor) anchors.set(node.anchor, node)
    if (!node || !isScalar(node)) refuse('a key must be a text', node)
    const value = scalarOf(node.value, node)
    if (value === null || typeof value === 'object') refuse('a key must be a text, not empty', node)
    return String(value)
  }

  return { convert, found }
}

function isMergeKey(key: unknown): boolean {
  return isScalar(key) && typeof key.value === 'symbol'
}

/** Also for `__proto__`, which assignment would swallow (hazard G7). */
function put(target: { [key: string]: Json }, key: string, value: Json): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
  else target[key] = value
}

function offsetOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0
}
