import { describe, expect, it } from 'vitest'
import { urlSecrets } from './url-secrets.ts'

const rows: [string, string, string[]][] = [
  ['no login', 'https://git.example/x', []],
  ['a password', 'https://me:s3cret@git.example/x', ['s3cret']],
  ['a password with escapes, in both spellings', 'https://me:s%40cret@git.example/x', ['s%40cret', 's@cret']],
  ['a token as user name', 'https://ghp_token@git.example/x', ['ghp_token']],
  ['the user of ssh, which is no secret', 'ssh://git@git.example/x', []],
  ['an scp-like address', 'git@git.example:x/y', []],
  ['an escape that is broken', 'https://me:50%@git.example/x', ['50%']],
]

describe('urlSecrets', () => {
  it.each(rows)('%s', (_, url, secrets) => {
    expect(urlSecrets(url)).toEqual(secrets)
  })
})
