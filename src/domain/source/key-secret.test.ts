import { describe, expect, it } from 'vitest'
import { readKeySecret } from './key-secret.ts'

const age = 'AGE-SECRET-KEY-1QQPZRY9X8'
const pgp = '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nhunter2\n-----END PGP PRIVATE KEY BLOCK-----\n'

function read(texts: Record<string, string>) {
  const data = Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, Buffer.from(text).toString('base64')]),
  )
  return readKeySecret(data, 'team/keys')
}

describe('readKeySecret', () => {
  const good: [string, Record<string, string>, object][] = [
    ['an age key', { 'age.agekey': age }, { age: [age], pgp: [] }],
    [
      'an age key as age-keygen prints it',
      { 'a.agekey': `# created: x\n# public key: age1x\n${age}\r\n` },
      { age: [age] },
    ],
    ['two age keys in two entries', { 'a.agekey': age, 'b.agekey': `${age}2` }, { age: [age, `${age}2`] }],
    ['a PGP key', { 'sops.asc': pgp }, { age: [], pgp: [pgp] }],
    [
      'both, beside a login that is not used',
      { 'a.agekey': age, 'b.asc': pgp, 'sops.vault-token': 'x' },
      { age: [age] },
    ],
    ['no plugin of age, which is a program', { 'a.agekey': `AGE-PLUGIN-SE-1QQ\n${age}` }, { age: [age] }],
  ]
  it.each(good)('finds %s', (_what, texts, expected) => {
    expect(read(texts)).toMatchObject(expected)
  })

  const bad: [string, Record<string, string>][] = [
    ['has nothing', {}],
    ['has other names', { age: age, identity: pgp }],
    ['has a public key alone', { 'a.agekey': 'age1abc', 'b.asc': pgp.replaceAll('PRIVATE', 'PUBLIC') }],
    ['has logins of key services alone', { 'sops.aws-kms': 'hunter2' }],
  ]
  it.each(bad)('refuses a Secret that %s and shows nothing of it', (_what, texts) => {
    expect(() => read(texts)).toThrow(/^The Secret team\/keys opens no files: it has no age key [^:]*$/)
  })

  it('refuses what is no map', () => {
    for (const data of [undefined, null, 'x']) expect(() => readKeySecret(data, 'a/b')).toThrow('opens no files')
  })
})
