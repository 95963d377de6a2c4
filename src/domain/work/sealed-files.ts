import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'

const tagBytes = 16
/** Each upload has a key of its own, used once: the counter may start at zero (NIST SP 800-38D, 8.2). */
const start = new Uint8Array(12)

/**
 * Uploaded files on their way through Redis, where all lies open: encrypted and authenticated (AES-256-GCM) with a key made from
 * ours for this request alone. As base64.
 */
export function sealFiles(bytes: Uint8Array, id: string, key: Uint8Array): string {
  const cipher = createCipheriv('aes-256-gcm', keyFor(id, key), start)
  return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]).toString('base64')
}

/** The files, when they were sealed with this key for this request; else undefined. */
export function openFiles(text: string, id: string, key: Uint8Array): Uint8Array | undefined {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length < tagBytes) return undefined
  const decipher = createDecipheriv('aes-256-gcm', keyFor(id, key), start)
  decipher.setAuthTag(bytes.subarray(-tagBytes))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(0, -tagBytes)), decipher.final()])
  } catch {
    return undefined
  }
}

function keyFor(id: string, key: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, id, 'capstan upload', 32))
}
