import { AppError } from '../error.ts'

/** Keys that open files of one source. */
export type KeySecret = {
  /** Lines `AGE-SECRET-KEY-1…`. */
  age: string[]
  /** Armored private PGP keys. */
  pgp: string[]
}

/**
 * Reads the `data` of a Secret with keys for sops, as Flux 2 has them: `*.agekey` holds age keys, one a line, `*.asc` a private PGP key
 * without a passphrase. Logins of key services (`sops.*`) are not used. Throws DecryptFailed that names the Secret, never a value.
 */
export function readKeySecret(data: unknown, secret: string): KeySecret {
  const entries = typeof data === 'object' && data !== null ? Object.entries(data) : []
  const texts = (ending: string) => entries.filter(([key]) => key.endsWith(ending)).map(([, value]) => textOf(value))
  const age = texts('.agekey').flatMap((text) => text.match(/^AGE-SECRET-KEY-1[A-Z0-9]+(?=\s*$)/gm) ?? [])
  const pgp = texts('.asc').filter((text) => text.includes('-----BEGIN PGP PRIVATE KEY BLOCK-----'))
  if (age.length > 0 || pgp.length > 0) return { age, pgp }
  const why =
    'it has no age key under a name that ends with .agekey, and no private PGP key under one that ends with .asc'
  throw new AppError('DecryptFailed', `The Secret ${secret} opens no files: ${why}.`)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? Buffer.from(value, 'base64').toString() : ''
}
