import { describe, expect, it } from 'vitest'
import { commitProblem, signWith, statusProblem } from './signature.ts'

const fingerprint = '006D16FCA1E6B0C2AFADF9B0B2CF7482CFEAFB0F'
const good = [
  'NEWSIG a@example.com',
  'GOODSIG B2CF7482CFEAFB0F A <a@example.com>',
  `VALIDSIG ${fingerprint} 2026-11-21 1795250000 0 4 0 22 8 00 ${fingerprint}`,
  'TRUST_ULTIMATE 0 pgp',
]

function raw(lines: readonly string[]): string {
  return lines.map((line) => `[GNUPG:] ${line}\n`).join('')
}

describe('what gpg says of a tag', () => {
  it.each<[string, readonly string[], string | undefined]>([
    ['one good signature of a trusted key', good, undefined],
    ['nothing', [], 'it is not signed'],
    [
      'a key that is not there',
      ['ERRSIG B2CF7482CFEAFB0F 22 8 00 1 9', 'NO_PUBKEY B2CF7482CFEAFB0F'],
      'its key is not known',
    ],
    ['a bad signature', ['BADSIG B2CF7482CFEAFB0F A'], 'its signature is bad'],
    ['a good and a bad one', [...good, 'BADSIG B2CF7482CFEAFB0F A'], 'its signature is bad'],
    ['two good ones', [...good, ...good], 'its signature cannot be checked'],
    [
      'an expired key',
      [good[0] ?? '', 'EXPKEYSIG B2CF7482CFEAFB0F A', good[2] ?? '', good[3] ?? ''],
      'its key has expired',
    ],
    ['a revoked key', ['REVKEYSIG B2CF7482CFEAFB0F A', ...good.slice(2)], 'its key was revoked'],
    ['an expired signature', ['EXPSIG B2CF7482CFEAFB0F A', ...good.slice(2)], 'its signature has expired'],
    ['a key that nobody trusts', [...good.slice(0, 3), 'TRUST_UNDEFINED 0 pgp'], 'its key is not trusted'],
    ['nothing of trust', good.slice(0, 3), 'its key is not trusted'],
    ['no fingerprint', [good[0] ?? '', good[1] ?? '', 'TRUST_ULTIMATE'], 'its signature cannot be checked'],
    ['half a fingerprint', [good[1] ?? '', 'VALIDSIG 1234', 'TRUST_ULTIMATE'], 'its signature cannot be checked'],
  ])('%s', (_, lines, expected) => {
    expect(statusProblem(raw(lines))).toBe(expected)
  })

  it('does not count where it does not come from gpg', () => {
    expect(statusProblem(`gpg: ${raw(good).replaceAll('\n[', '\ngpg: [')}`)).toBe('it is not signed')
  })
})

describe('git’s word for the signature of a commit', () => {
  it.each([
    ['G', fingerprint, undefined],
    ['G', '', 'gpg named no key for its signature'],
    ['G', 'SHA256:abc', 'gpg named no key for its signature'],
    ['U', fingerprint, 'its key is not trusted'],
    ['X', fingerprint, 'its signature has expired'],
    ['Y', fingerprint, 'its key has expired'],
    ['R', fingerprint, 'its key was revoked'],
    ['B', '', 'its signature is bad'],
    ['E', '', 'its key is not known'],
    ['N', '', 'it is not signed'],
    ['', '', 'its signature cannot be checked'],
    ['g', fingerprint, 'its signature cannot be checked'],
  ])('%s with the key %j', (word, key, expected) => {
    expect(commitProblem(word, key)).toBe(expected)
  })
})

describe('a signing key', () => {
  it('is one word of one option, or none', () => {
    expect(signWith('-S', 'A <a@b>')).toEqual(['-SA <a@b>'])
    expect(signWith('-S', '')).toEqual([])
    expect(signWith('-S', undefined)).toEqual([])
    expect(() => signWith('-S', '--output=/x')).toThrow('not the name of a key')
  })
})
