import { AppError } from '../../domain/error.ts'

/** The option that names a key, as `-S<key>`; none where nothing is to be signed. */
export function signWith(option: string, key: string | undefined): string[] {
  if (!key) return []
  if (/^-|[\p{Cc}]/u.test(key)) throw new AppError('SigningFailed', 'the signing key is not the name of a key')
  return [`${option}${key}`]
}

/** What git's word for a signature (`%G?`) means for people. */
const words: Readonly<Record<string, string>> = {
  N: 'it is not signed',
  B: 'its signature is bad',
  U: 'its key is not trusted',
  X: 'its signature has expired',
  Y: 'its key has expired',
  R: 'its key was revoked',
  E: 'its key is not known',
}

/**
 * Why the signature of a commit does not count, or undefined. It counts with the word `G` alone, and only where gpg named the
 * fingerprint of the key that it is valid for (flux-v1 §13, hazard D9).
 */
export function commitProblem(word: string, fingerprint: string): string | undefined {
  if (word !== 'G') return words[word] ?? 'its signature cannot be checked'
  return isFingerprint(fingerprint) ? undefined : 'gpg named no key for its signature'
}

/** Words of gpg's status that end the matter, whatever else it says. */
const fatalWords: readonly (readonly [word: string, why: string])[] = [
  ['BADSIG', 'its signature is bad'],
  ['REVKEYSIG', 'its key was revoked'],
  ['EXPKEYSIG', 'its key has expired'],
  ['EXPSIG', 'its signature has expired'],
  ['ERRSIG', 'its key is not known'],
  ['TRUST_UNDEFINED', 'its key is not trusted'],
  ['TRUST_NEVER', 'its key is not trusted'],
]

/**
 * Why the signature of a tag does not count, or undefined, read from gpg's status lines: exactly one good signature, valid for a named
 * key that is trusted. The exit code alone says nothing (CVE-2006-0455).
 */
export function statusProblem(raw: string): string | undefined {
  const status = [...raw.matchAll(/^\[GNUPG:\] (\w+) ?(.*?)\r?$/gm)].map(([, word = '', rest = '']) => ({ word, rest }))
  const has = (word: string) => status.filter((one) => one.word === word)
  if (!status.some(({ word }) => word.endsWith('SIG'))) return 'it is not signed'
  for (const [word, why] of fatalWords) if (has(word).length > 0) return why
  const [valid] = has('VALIDSIG')
  const single = has('GOODSIG').length === 1 && has('VALIDSIG').length === 1
  if (!single || !valid || !isFingerprint(valid.rest.split(' ')[0] ?? '')) return 'its signature cannot be checked'
  const trusted = ['TRUST_ULTIMATE', 'TRUST_FULLY', 'TRUST_MARGINAL'].some((word) => has(word).length > 0)
  return trusted ? undefined : 'its key is not trusted'
}

function isFingerprint(text: string): boolean {
  return /^(?:[0-9A-F]{40}|[0-9A-F]{64})$/.test(text)
}
