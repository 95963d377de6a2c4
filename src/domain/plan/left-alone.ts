import { createHash } from 'node:crypto'
import type { InventoryEntry } from './inventory.ts'
import { type FieldPath, printPath } from './field-path.ts'

const scaledMark = 'scaled:'

/**
 * What of an object is left alone, in a few letters, so that the next sync sees when a rule or an autoscaler came or went; empty
 * for nothing.
 */
export function leftMark({ ignored, scaled }: { ignored: readonly FieldPath[]; scaled: readonly FieldPath[] }): string {
  const paths = [...ignored, ...scaled].map(printPath)
  if (paths.length === 0) return ''
  const hash = createHash('sha256').update(JSON.stringify(paths.sort())).digest('hex').slice(0, 12)
  return scaled.length > 0 ? `${scaledMark}${hash}` : hash
}

/** An autoscaler had a say in the last apply of this object. */
export function wasScaled({ left }: Pick<InventoryEntry, 'left'>): boolean {
  return left?.startsWith(scaledMark) ?? false
}
