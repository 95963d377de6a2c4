import type { KubeObject } from '../manifest/object.ts'
import { decodeInventory, type Inventory } from './inventory.ts'

/** Key of an inventory's bytes in each of the ConfigMaps that hold it. */
export const inventoryKey = 'inventory.gz'

/** The inventory that ConfigMaps hold together, in their order; undefined when one is missing or damaged: could-not-read, never "empty". */
export async function inventoryOf(
  parts: readonly (KubeObject | undefined)[],
  { digest, unpack }: { digest: string; unpack: (bytes: Uint8Array) => Promise<string> },
): Promise<Inventory | undefined> {
  const texts = parts.map((part) => (part?.binaryData as Record<string, string> | undefined)?.[inventoryKey])
  if (parts.length === 0 || texts.includes(undefined)) return undefined
  const chunks = texts.map((text = '') => Uint8Array.from(Buffer.from(text, 'base64')))
  try {
    return decodeInventory(await unpack(Buffer.concat(chunks)), digest)
  } catch {
    return undefined
  }
}
