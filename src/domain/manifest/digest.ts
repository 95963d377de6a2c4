import { hash } from 'node:crypto'
import { canonicalJson } from '../../lib/canonical-json.ts'

/**
 * Digest of what a manifest says, whatever the order of its keys: 40 hex digits. Takes the place of fluxd's checksum, which was
 * taken over its own YAML (W13).
 */
export function digestOf(value: unknown): string {
  return digestOfText(canonicalJson(value))
}

/** {@link digestOf} of a value that stands there as canonical JSON already. */
export function digestOfText(canonical: string): string {
  return hash('sha256', canonical, 'hex').slice(0, 40)
}
