import { generateKeyPairSync, type KeyObject } from 'node:crypto'

/** A new age key: what a file is encrypted for, and what opens it. */
export function makeAgeKey(): { recipient: string; secret: string } {
  const { publicKey, privateKey } = generateKeyPairSync('x25519')
  return {
    recipient: bech32('age', rawKey(publicKey, 'x')),
    secret: bech32('age-secret-key-', rawKey(privateKey, 'd')).toUpperCase(),
  }
}

function rawKey(key: KeyObject, part: 'x' | 'd'): Buffer {
  return Buffer.from(key.export({ format: 'jwk' })[part] ?? '', 'base64url')
}

const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

/** BIP 173, which age writes its keys in. */
function bech32(prefix: string, bytes: Uint8Array): string {
  const data = inFives(bytes)
  const head = [...Buffer.from(prefix)]
  const expanded = [...head.map((code) => code >> 5), 0, ...head.map((code) => code & 31)]
  const sum = checksum([...expanded, ...data, 0, 0, 0, 0, 0, 0]) ^ 1
  const digits = Array.from({ length: 6 }, (_, place) => (sum >> (5 * (5 - place))) & 31)
  return `${prefix}1${[...data, ...digits].map((value) => alphabet[value]).join('')}`
}

function inFives(bytes: Uint8Array): number[] {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? []).map((five) => Number.parseInt(five.padEnd(5, '0'), 2))
}

function checksum(values: readonly number[]): number {
  const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
  let sum = 1
  for (const value of values) {
    const top = sum >> 25
    sum = ((sum & 0x1ffffff) << 5) ^ value
    for (const [bit, term] of generator.entries()) if ((top >> bit) & 1) sum ^= term
  }
  return sum
}
