import { isMap, isScalar, type Pair, parseDocument, type Scalar, type YAMLMap } from 'yaml'
import { digestOf } from '../manifest/digest.ts'
import { manifestYaml } from '../manifest/go-yaml.ts'
import type { KubeObject } from '../manifest/object.ts'
import { type OpenObject, openManifests } from './open-manifests.ts'
import { sealed } from './workload.ts'

/** An annotation to set, or to take away where there is no value. */
export type AnnotationChange = { key: string; value: string | undefined }

type Splice = { start: number; end: number; source: string }
type Refusal = { why: string }
type Entry = Pair & { key: Scalar }

/**
 * Sets and takes away annotations of one of a file's objects. No other byte changes: comments, quotes, line ends and other documents
 * stay; the last annotation takes the whole map with it (flux-v1 §2). The result is read again, and refused where anything else would
 * differ. `index` counts as {@link openManifests} does.
 */
export function annotate(
  text: string,
  index: number,
  changes: readonly AnnotationChange[],
): { text: string } | Refusal {
  const before = openManifests(text)
  let result = text
  for (const change of changes) {
    const found = openManifests(result)[index]
    const splice = found ? spliceFor(result, found, change) : { why: 'the file does not say what was expected' }
    if (!splice) continue
    if ('why' in splice) return splice
    result = result.slice(0, splice.start) + splice.source + result.slice(splice.end)
  }
  if (isExactly(before, openManifests(result), index, changes)) return { text: result }
  return { why: 'its annotations are used elsewhere in the file, so that more than this one place would change' }
}

/** Undefined when the text says so already. */
function spliceFor(text: string, open: OpenObject, change: AnnotationChange): Splice | Refusal | undefined {
  const { node, offset, isSealed } = open
  if (isSealed) return { why: `the file is ${sealed}; edit it by hand` }
  const metadata = entryOf(node, 'metadata')
  const map = metadata?.value
  if (!metadata || !isMap(map)) return { why: 'its metadata come from an alias or a merge' }
  const annotations = entryOf(map, 'annotations')
  if (annotations && isMap(annotations.value))
    return inMap(text, { offset, owner: annotations, outer: map, map: annotations.value }, change)
  const { key, value } = change
  if (value === undefined) return undefined
  if (!annotations) return addMap(text, { offset, owner: metadata, map }, key, value)
  const { value: list } = annotations
  const isEmpty = list === null || (isScalar(list) && list.value === null && list.source === '')
  if (!isEmpty || map.flow) return { why: 'its annotations are no map, or come from an alias' }
  return afterLine(text, offset + startOf(annotations.key), (indent, eol) => `${eol}${indent}  ${print(key, value)}`)
}

function inMap(
  text: string,
  place: Place & { outer: YAMLMap },
  { key, value }: AnnotationChange,
): Splice | Refusal | undefined {
  const entry = entryOf(place.map, key)
  if (value === undefined) return entry && removeEntry(text, place, entry)
  if (!entry) return addEntry(text, place, key, value)
  return replaceValue(text, place.offset, entry, { value, isFlow: place.map.flow === true })
}

/** Of equal keys the last one counts. */
function entryOf(node: unknown, key: string): Entry | undefined {
  if (!isMap(node)) return undefined
  return node.items.findLast((pair): pair is Entry => isScalar(pair.key) && pair.key.value === key)
}

function startOf({ range }: { range?: [number, number, number] | null | undefined }): number {
  return range?.[0] ?? 0
}
function endOf(node: unknown): number {
  return (node as { range?: [number, number, number] | null } | null)?.range?.[1] ?? 0
}

type Place = { offset: number; owner: Entry; map: YAMLMap }

/** Right below the line of the map's name, where comments that belong to an entry stay with it. */
function addEntry(text: string, { offset, owner, map }: Place, key: string, value: string): Splice | Refusal {
  if (map.flow) return intoFlow(text, offset + startOf(map), printFlow(text, { offset, map }, key, value), map)
  const [first] = map.items as Entry[]
  const indent = indentAt(text, offset + startOf(first?.key ?? owner.key))
  if (indent === undefined) return { why: 'its annotations are not on lines of their own' }
  return afterLine(text, offset + startOf(owner.key), (_, eol) => `${eol}${indent}${print(key, value)}`)
}

function addMap(text: string, { offset, owner, map }: Place, key: string, value: string): Splice | Refusal {
  const whole = `{${printFlow(text, { offset, map }, key, value)}}`
  if (map.flow) {
    const name = isJson(text, { offset, map }) ? '"annotations"' : 'annotations'
    return intoFlow(text, offset + startOf(map), `${name}: ${whole}`, map)
  }
  const [first] = map.items as Entry[]
  const indent = indentAt(text, offset + startOf(first?.key ?? owner.key))
  if (indent === undefined) return { why: 'its metadata are not on lines of their own' }
  return afterLine(text, offset + startOf(owner.key), (_, eol) => {
    return `${eol}${indent}annotations:${eol}${indent}  ${print(key, value)}`
  })
}

function intoFlow(text: string, brace: number, source: string, map: YAMLMap): Splice {
  const space = /^[ \t]*/.exec(text.slice(brace + 1))?.[0].length ?? 0
  const at = map.items.length > 0 ? brace + 1 + space : brace + 1
  return { start: at, end: at, source: map.items.length > 0 ? `${source}, ` : source }
}

function replaceValue(
  text: string,
  offset: number,
  { value: old }: Entry,
  { value, isFlow }: { value: string; isFlow: boolean },
): Splice | Refusal | undefined {
  if (!isScalar(old) || !old.range || old.tag !== undefined || old.anchor !== undefined)
    return { why: 'the annotation comes from an alias or has a tag of its own' }
  if (old.value === value) return undefined
  const [start, end] = [offset + old.range[0], offset + old.range[1]]
  const source = text.slice(start, end)
  if (source.includes('\n')) return { why: 'the annotation is a text over several lines' }
  const quoted = source.startsWith('"')
    ? JSON.stringify(value)
    : source.startsWith("'")
      ? quote(value)
      : printValue(value, isFlow)
  return { start, end, source: start === end ? ` ${quoted}` : quoted }
}

/** With its line, or with the comma beside it; the last one with the map. */
function removeEntry(
  text: string,
  { offset, owner, outer, map }: Place & { outer: YAMLMap },
  entry: Entry,
): Splice | Refusal {
  const isLast = map.items.length === 1
  const [from, within] = isLast ? [owner, outer] : [entry, map]
  if (within.flow) return outOfFlow(offset, from, within)
  if (map.flow && !isLast) return outOfFlow(offset, from, map)
  const start = text.lastIndexOf('\n', offset + startOf(from.key) - 1) + 1
  if (text.slice(start, offset + startOf(from.key)).trim() !== '') return { why: 'it is not on a line of its own' }
  const end = text.indexOf('\n', offset + Math.max(endOf(from.value) - 1, endOf(from.key)))
  return { start, end: end < 0 ? text.length : end + 1, source: '' }
}

function outOfFlow(offset: number, entry: Entry, map: YAMLMap): Splice {
  const at = map.items.indexOf(entry)
  const next = map.items[at + 1] as Entry | undefined
  const before = map.items[at - 1] as Entry | undefined
  const [start, end] = [offset + startOf(entry.key), offset + Math.max(endOf(entry.value), endOf(entry.key))]
  if (next) return { start, end: offset + startOf(next.key), source: '' }
  return { start: before ? offset + Math.max(endOf(before.value), endOf(before.key)) : start, end, source: '' }
}

/** Behind the line in which a name stands; its own comment stays with it. */
function afterLine(text: string, at: number, source: (indent: string, eol: string) => string): Splice | Refusal {
  const indent = indentAt(text, at)
  if (indent === undefined) return { why: 'it is not on a line of its own' }
  const newline = text.indexOf('\n', at)
  const end = newline < 0 ? text.length : text[newline - 1] === '\r' ? newline - 1 : newline
  return { start: end, end, source: source(indent, text.includes('\r\n') ? '\r\n' : '\n') }
}

/** The blanks before a name; undefined where something else stands there, too. A list's dash counts as a blank. */
function indentAt(text: string, at: number): string | undefined {
  const line = text.slice(text.lastIndexOf('\n', at - 1) + 1, at).replace('\ufeff', '')
  const blank = line.replaceAll('-', ' ')
  return blank.trim() === '' ? blank : undefined
}

function print(key: string, value: string): string {
  return `${isPlain(key) ? key : quote(key)}: ${printValue(value, false)}`
}

function printFlow(text: string, where: { offset: number; map: YAMLMap }, key: string, value: string): string {
  if (isJson(text, where)) return `${JSON.stringify(key)}: ${JSON.stringify(value)}`
  return `${isPlain(key) ? key : quote(key)}: ${printValue(value, true)}`
}

/** A file in JSON stays one. */
function isJson(text: string, { offset, map }: { offset: number; map: YAMLMap }): boolean {
  const [first] = map.items as Entry[]
  return map.flow === true && first !== undefined && text[offset + startOf(first.key)] === '"'
}

function printValue(value: string, isFlow: boolean): string {
  if (/[\p{Cc}\u2028\u2029\ufeff]/u.test(value)) return JSON.stringify(value)
  return isPlain(value) && !(isFlow && /[,[\]{}]/.test(value)) ? value : quote(value)
}

function quote(value: string): string {
  return /[\p{Cc}\u2028\u2029\ufeff]/u.test(value) ? JSON.stringify(value) : `'${value.replaceAll("'", "''")}'`
}

function isPlain(value: string): boolean {
  if (value === '' || value.startsWith('---') || value.startsWith('...')) return false
  const document = parseDocument(`a: ${value}`, manifestYaml)
  return document.errors.length === 0 && document.get('a') === value
}

/** Whether the objects after are those before, with these annotations changed and nothing else. */
function isExactly(
  before: readonly OpenObject[],
  after: readonly OpenObject[],
  index: number,
  changes: readonly AnnotationChange[],
): boolean {
  if (before.length !== after.length) return false
  return before.every(({ object }, at) => {
    const expected = at === index ? withChanges(object, changes) : object
    return digestOf(expected) === digestOf(after[at]?.object)
  })
}

function withChanges(object: KubeObject, changes: readonly AnnotationChange[]): KubeObject {
  const copy = structuredClone(object)
  const annotations: Record<string, string> = { ...copy.metadata.annotations }
  for (const { key, value } of changes) {
    if (value === undefined) delete annotations[key]
    else annotations[key] = value
  }
  const hadNone = copy.metadata.annotations === undefined || copy.metadata.annotations === null
  if (Object.keys(annotations).length > 0) copy.metadata.annotations = annotations
  else if (!hadNone && Object.keys(copy.metadata.annotations ?? {}).length > 0) delete copy.metadata.annotations
  return copy
}
