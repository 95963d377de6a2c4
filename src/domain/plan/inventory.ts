import { createHash } from 'node:crypto'
import { isListOf, isText } from '../../lib/raw.ts'
import { keyOf, type ObjectRef } from '../manifest/object.ts'

/** One object that a source owns. */
export type InventoryEntry = {
  ref: ObjectRef
  /** File in git that defined it last. */
  file: string
  /** Digest of the manifest that was applied; empty until the first success. */
  applied: string
  /** Hash of the fields that we own since then (see live.ts). */
  owned: string
  /** Digest that was tried last without success, and the commit of that try; empty after a success. */
  tried: string
  triedAt: string
  /** What of the object was left alone at that apply (left-alone.ts); absent for nothing. */
  left?: string
}

/** By {@link keyOf}. */
export type Inventory = ReadonlyMap<string, InventoryEntry>

/** Text form: one line per object, sorted, so that equal inventories have equal bytes. */
export function encodeInventory(inventory: Inventory): { content: string; digest: string } {
  const lines = [...inventory.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, entry]) => {
      const { apiVersion, kind, namespace, name } = entry.ref
      return JSON.stringify([
        apiVersion,
        kind,
        namespace ?? '',
        name,
        entry.file,
        entry.applied,
        entry.owned,
        entry.tried,
        entry.triedAt,
        ...(entry.left ? [entry.left] : []),
      ])
    })
  const content = lines.join('\n')
  return { content, digest: createHash('sha256').update(content).digest('hex') }
}

/** Reads the text form; undefined when it is damaged, has more objects or its digest is another: could-not-read, never "empty". */
export function decodeInventory(
  content: string,
  { digest, mostObjects = Number.POSITIVE_INFINITY }: { digest: string; mostObjects?: number },
): Inventory | undefined {
  if (hasMoreLines(content, mostObjects)) return undefined
  if (createHash('sha256').update(content).digest('hex') !== digest) return undefined
  const inventory = new Map<string, InventoryEntry>()
  for (const line of content.split('\n')) {
    if (line === '') continue
    const fields: unknown = JSON.parse(line)
    if (!isListOf(fields, isText)) return undefined
    const entry = entryOf(fields)
    inventory.set(keyOf(entry.ref), entry)
  }
  return inventory
}

/** Without making anything of them. */
function hasMoreLines(content: string, most: number): boolean {
  let lines = 1
  for (let at = content.indexOf('\n'); at !== -1 && lines <= most; at = content.indexOf('\n', at + 1)) lines += 1
  return lines > most
}

function entryOf(fields: readonly string[]): InventoryEntry {
  const field = (index: number) => fields[index] ?? ''
  const namespace = field(2)
  const left = field(9)
  const ref: ObjectRef = { apiVersion: field(0), kind: field(1), ...(namespace ? { namespace } : {}), name: field(3) }
  return {
    ref,
    file: field(4),
    applied: field(5),
    owned: field(6),
    tried: field(7),
    triedAt: field(8),
    ...(left ? { left } : {}),
  }
}

/** The write-ahead form: everything owned before, and everything that is about to be applied (hazard A2). */
export function mergeInventory(
  before: Inventory,
  additions: Iterable<{ ref: ObjectRef; file: string }>,
): Map<string, InventoryEntry> {
  const merged = new Map(before)
  for (const { ref, file } of additions) {
    const key = keyOf(ref)
    if (!merged.has(key)) merged.set(key, { ref, file, applied: '', owned: '', tried: '', triedAt: '' })
  }
  return merged
}
