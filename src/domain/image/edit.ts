import { isAlias, isMap, isScalar, isSeq, type Node, parseDocument, Scalar } from 'yaml'
import { type Splice, spliced } from '../../lib/splice.ts'
import { digestOf } from '../manifest/digest.ts'
import { manifestYaml } from '../manifest/go-yaml.ts'
import type { KubeObject } from '../manifest/object.ts'
import { type OpenObject, openManifests } from './open-manifests.ts'
import { type Path, valueAt } from './value-at.ts'
import { sealed } from './workload.ts'

/** One scalar to change. */
export type ScalarEdit = {
  /** Which of the file's objects, as {@link openManifests} counts. */
  index: number
  path: Path
  /** What it says now; an edit of anything else is refused. */
  from: string
  to: string
}

export type Edited<T extends ScalarEdit> = {
  /** The new text of the whole file; the old one when nothing was done. */
  text: string
  done: T[]
  /** Edits that cannot be made, and why, in words for people. */
  refused: { edit: T; why: string }[]
}

type EditSplice<T> = Splice & { edit: T }

/**
 * Changes the bytes of these scalars and nothing else (law 9): comments, quotes, anchors, line ends and other documents stay. The
 * result is read again: a text in which anything but these values would change is refused, edit by edit. `open` reads the file.
 */
export function editFile<T extends ScalarEdit>(
  text: string,
  edits: readonly T[],
  open: (text: string) => OpenObject[] = openManifests,
): Edited<T> {
  const objects = open(text)
  const refused: Edited<T>['refused'] = []
  const splices: EditSplice<T>[] = []
  for (const edit of edits) {
    const splice = makeSplice(text, objects[edit.index], edit)
    if ('why' in splice) refused.push({ edit, why: splice.why })
    else if (splices.some(({ start }) => start === splice.start)) refused.push({ edit, why: 'it is changed already' })
    else splices.push(splice)
  }
  const together = spliced(text, splices)
  if (isExactly(objects, open(together), splices)) return { text: together, done: splices.map(editOf), refused }
  return oneByOne(text, splices.map(editOf), refused, open)
}

function editOf<T>({ edit }: EditSplice<T>): T {
  return edit
}

/** Slow, and only for files in which one of the edits is impossible. */
function oneByOne<T extends ScalarEdit>(
  text: string,
  edits: readonly T[],
  refused: Edited<T>['refused'],
  open: (text: string) => OpenObject[],
): Edited<T> {
  const result: Edited<T> = { text, done: [], refused: [...refused] }
  for (const edit of edits) {
    const objects = open(result.text)
    const splice = makeSplice(result.text, objects[edit.index], edit)
    const next = 'why' in splice ? undefined : spliced(result.text, [splice])
    if ('why' in splice) result.refused.push({ edit, why: splice.why })
    else if (next !== undefined && isExactly(objects, open(next), [splice])) {
      result.text = next
      result.done.push(edit)
    } else {
      const why = 'its value is used elsewhere in the file, so that more than this one place would change'
      result.refused.push({ edit, why })
    }
  }
  return result
}

function makeSplice<T extends ScalarEdit>(
  text: string,
  found: OpenObject | undefined,
  edit: T,
): EditSplice<T> | { why: string } {
  if (!found || valueAt(found.object, edit.path) !== edit.from)
    return { why: 'the file does not say what was expected' }
  if (found.isSealed) return { why: `the file is ${sealed}; edit it by hand` }
  const node = nodeAt(found.node, edit.path)
  if (!node || !isScalar(node)) return { why: 'it comes from an alias or a merge' }
  const [start, end] = node.range ?? [0, 0]
  const old = text.slice(found.offset + start, found.offset + end)
  const source = sourceFor(node, old, edit.to)
  if (source === undefined) return { why: 'it is a text over several lines or has a tag of its own' }
  return { edit, start: found.offset + start, end: found.offset + end, source }
}

/** The node at a path in the text itself; undefined where an alias or a merge key is on the way. */
function nodeAt(root: Node | null, path: Path): Node | undefined {
  let node: unknown = root
  for (const step of path) {
    if (isSeq(node)) node = node.items[Number(step)]
    // of equal keys the last one counts
    else if (isMap(node)) node = node.items.findLast(({ key }) => isScalar(key) && key.value === step)?.value
    else return undefined
  }
  return isAlias(node) ? undefined : ((node ?? undefined) as Node | undefined)
}

/** How the new value is written in place of the old: with the same quotes, or with quotes where it would not be read as a text. */
function sourceFor(node: Scalar, old: string, value: string): string | undefined {
  if (node.tag !== undefined || old.includes('\n')) return undefined
  if (node.type === Scalar.QUOTE_SINGLE && old.startsWith("'")) return `'${value}'`
  if (node.type === Scalar.QUOTE_DOUBLE && old.startsWith('"')) return `"${value}"`
  if (node.type === Scalar.PLAIN) return isPlainText(value) ? value : `'${value}'`
  return undefined
}

function isPlainText(value: string): boolean {
  return parseDocument(value, manifestYaml).toJS() === value
}

/** Whether the objects after are those before with these values changed and nothing else. */
function isExactly(
  before: readonly OpenObject[],
  after: readonly OpenObject[],
  splices: readonly EditSplice<ScalarEdit>[],
): boolean {
  if (before.length !== after.length) return false
  const byIndex = Map.groupBy(splices, ({ edit }) => edit.index)
  return before.every(({ object }, index) => {
    const edits = byIndex.get(index)
    const expected = edits ? withValues(object, edits.map(editOf)) : object
    return digestOf(expected) === digestOf(after[index]?.object)
  })
}

function withValues(object: KubeObject, edits: readonly ScalarEdit[]): KubeObject {
  const copy = structuredClone(object)
  for (const { path, to } of edits) {
    const parent = valueAt(copy, path.slice(0, -1)) as Record<string | number, unknown>
    parent[path.at(-1) ?? ''] = to
  }
  return copy
}
