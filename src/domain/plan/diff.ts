import { structuredPatch } from 'diff'
import { stringify } from 'yaml'
import type { KubeObject } from '../manifest/object.ts'
import { maskPair, type Redact } from './masked.ts'

const contextLines = 3
/** More lines of one object nobody reads. */
const mostLines = 200
const mostLineLength = 400
/** Texts that differ more than this are not compared line by line: the time for it grows with the square. */
const mostEdits = 1000

/**
 * How an object would change, as a unified diff of YAML with three lines of context, at most 200 lines; masked as {@link maskPair}
 * says. Without `before` it would be made, without `after` deleted. Empty when nothing can be seen.
 */
export function diffObjects(before: KubeObject | undefined, after: KubeObject | undefined, redact: Redact): string {
  const shown = maskPair(before, after, redact)
  const [old, fresh] = [toYaml(shown.before), toYaml(shown.after)]
  if (old === fresh) return ''
  const patch = structuredPatch('', '', old, fresh, '', '', { context: contextLines, maxEditLength: mostEdits })
  if (!patch) return `(${countLines(old)} lines become ${countLines(fresh)} others)`
  return bound(
    patch.hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
      `@@ -${oldStart},${oldLines} +${newStart},${newLines} @@`,
      ...lines,
    ]),
  )
}

function toYaml(object: KubeObject | undefined): string {
  return object ? stringify(object, { lineWidth: 0, aliasDuplicateObjects: false, version: '1.1' }) : ''
}

function countLines(text: string): number {
  return text.split('\n').length - 1
}

function bound(lines: readonly string[]): string {
  const kept = lines.length > mostLines ? lines.slice(0, mostLines - 1) : lines
  const more = lines.length - kept.length
  return [...kept.map(shorten), ...(more > 0 ? [`(${more} more lines)`] : [])].join('\n')
}

function shorten(line: string): string {
  return line.length > mostLineLength ? `${line.slice(0, mostLineLength)}… (${line.length} characters)` : line
}
