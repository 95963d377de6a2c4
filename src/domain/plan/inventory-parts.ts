import type { KubeObject } from '../manifest/object.ts'
import { decodeInventory, type Inventory } from './inventory.ts'

/** Key of an inventory's bytes in each of the ConfigMaps that hold it. */
export const inventoryKey = 'inventory.gz'

/** So many packed bytes are in one ConfigMap at most. */
export const partBytes = 256 * 1024
/** More is read than `--max-source-objects` allows: what it was before, and what stays though it left git, must be readable, too. */
const fewestRead = 200_000
/** The text of one object is 400 bytes as a rule, and a fourth of that when it is packed. */
const objectBytes = 640

/** Unpacks gzip up to so many bytes, beyond which it rejects. */
export type Unpack = (bytes: Uint8Array, mostBytes: number) => Promise<string>

/** What a status says of the inventory of a source. */
type Stored = { parts: readonly string[]; digest: string }

/** Name of the ConfigMap that holds one part; says whose it is and what is in it. */
export function partName(source: string, digest: string, index: number): string {
  return `${source}-inventory-${digest.slice(0, 10)}-${index}`
}

/** How much of an inventory is read at most. */
function boundsOf(maxObjects: number): { objects: number; bytes: number; parts: number } {
  const objects = Math.max(2 * maxObjects, fewestRead)
  const bytes = objects * objectBytes
  return { objects, bytes, parts: Math.ceil(bytes / 2 / partBytes) }
}

/** These are the names that a sync of this source gives; somebody else may have written others. */
export function arePartNames(source: string, { parts, digest }: Stored): boolean {
  return /^[0-9a-f]{64}$/.test(digest) && parts.every((part, index) => part === partName(source, digest, index))
}

/**
 * The inventory that ConfigMaps hold together, or why it cannot be read: could-not-read, never "empty". `get` gives one of them by its
 * name. Whoever may write ConfigMaps beside a source may have written them, so no more is read and unpacked than a source may have.
 */
export async function readParts(
  { name, maxObjects }: { name: string; maxObjects: number },
  stored: Stored,
  { get, unpack }: { get: (part: string) => Promise<KubeObject | undefined>; unpack: Unpack },
): Promise<{ inventory: Inventory } | { problem: string }> {
  const { parts, digest } = stored
  const most = boundsOf(maxObjects)
  if (parts.length === 0 || parts.length > most.parts || !arePartNames(name, stored))
    return { problem: 'the status names other ConfigMaps than a sync writes' }
  const chunks: Uint8Array[] = []
  for (const part of parts) {
    const chunk = bytesOf(await get(part))
    if (!chunk) return { problem: `ConfigMap ${part} is gone or holds something else` }
    chunks.push(chunk)
  }
  const inventory = await inventoryIn(chunks, digest, { unpack, most })
  return inventory ? { inventory } : { problem: 'it is damaged or too large' }
}

async function inventoryIn(
  chunks: readonly Uint8Array[],
  digest: string,
  { unpack, most }: { unpack: Unpack; most: ReturnType<typeof boundsOf> },
): Promise<Inventory | undefined> {
  try {
    const content = await unpack(Buffer.concat(chunks), most.bytes)
    return decodeInventory(content, { digest, mostObjects: most.objects })
  } catch {
    return undefined
  }
}

function bytesOf(part: KubeObject | undefined): Uint8Array | undefined {
  const text = (part?.binaryData as Record<string, string> | undefined)?.[inventoryKey]
  const bytes = text === undefined ? undefined : Buffer.from(text, 'base64')
  return bytes && bytes.length <= partBytes ? bytes : undefined
}
