import { createHash } from 'node:crypto'
import { canonicalJson } from '../../lib/canonical-json.ts'

/**
 * Digest of what a manifest says, whatever the order of its keys: 40 hex digits. Takes the place of fluxd's checksum, which was
 * taken over its own YAML (W13).
 */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 40)
}
