import { describe, expect, it } from 'vitest'
import { paredFile } from './pared.ts'

const age = `    age:
        - recipient: age1abc
          enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSB4
            -----END AGE ENCRYPTED FILE-----
`
const facts = `    lastmodified: "2026-01-02T03:04:05Z"
    mac: ENC[AES256_GCM,data:x+/=,iv:y,tag:z,type:str]
    encrypted_regex: ^(data|stringData)$
    version: 3.10.2
`
const body = 'apiVersion: v1\nkind: Secret\ndata:\n    a: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]\n'
const kms = `    kms:
        - arn: arn:aws:kms:eu-west-1:1:key/1
          enc: "AQ=="
`
const vault = '    hc_vault:\n    - vault_address: http://169.254.169.254\n      key_name: a\n'

const held = { age: true, pgp: false }
const pare = (text: string, kinds = held) => {
  const bytes = paredFile('a.yaml', new TextEncoder().encode(text), kinds)
  return bytes && new TextDecoder().decode(bytes)
}

describe('paredFile', () => {
  it('leaves a file for age as it is', () => {
    expect(pare(`${body}sops:\n${age}${facts}`)).toBe(`${body}sops:\n${age}${facts}`)
  })

  it.each([
    ['key services', kms, vault],
    ['empty lists of them', '    kms: []\n', '    gcp_kms: []\n'],
    ['PGP keys that are not at hand', '    pgp:\n        - fp: AB\n          enc: |\n            x\n', ''],
    ['what is not known', '    new_kms:\n        - "a\n', ''],
  ])('takes out %s, before and after the keys that are at hand', (_what, before, after) => {
    expect(pare(`${body}sops:\n${before}${age}${after}${facts}`)).toBe(`${body}sops:\n${age}${facts}`)
  })

  it('finds no metadata where the word stands elsewhere', () => {
    expect(pare('kind: ConfigMap\ndata:\n  sops: "x"\n  a: |\n    sops:\n        kms: x\n')).toBeUndefined()
  })

  it('reads each document by itself', () => {
    const one = `${body}sops:\n${kms}${age}${facts}`
    expect(pare(`${one}---\n${one}`)).toBe(`${body}sops:\n${age}${facts}---\n${body}sops:\n${age}${facts}`)
  })

  it.each([
    ['only for a key service', kms, /encrypted for kms only, and the Secret of this source has no such key/],
    ['for no key', '', /names no key/],
    ['for groups of keys', `    key_groups:\n        - age: x\n`, /groups of keys/],
  ])('refuses a file %s', (_what, keys, why) => {
    expect(() => pare(`${body}sops:\n${keys}${facts}`)).toThrow(why)
  })

  const tricks: [string, string][] = [
    ['flow metadata', `${body}sops: {kms: [{arn: a}]}\n`],
    ['flow metadata on its own line', `${body}sops:\n    {kms: [{arn: a}], age: []}\n`],
    ['a flow file', `{"sops": {"kms": []}}\nsops:\n${age}${facts}`],
    ['a key in quotes', `${body}"sops":\n${kms}${age}`],
    ['a key with an escape', `${body}sops:\n    "\\x6bms":\n        - arn: a\n${age}`],
    ['an explicit key', `${body}? sops\n:\n${kms}${age}`],
    ['a blank before the colon', `${body}sops :\n${kms}${age}`],
    ['a merge', `a: &a\n    kms: []\n${body}sops:\n    <<: *a\n${age}`],
    ['a merge of the whole file', `a: &a\n    sops:\n        kms: []\n<<: *a\n${age}`],
    ['an anchor', `${body}sops: &a\n${age}`],
    ['a tag', `${body}sops: !!map\n${age}`],
    ['a file that begins deeper', `  a: 1\n  sops:\n    kms: []\nsops:\n${age}`],
    ['a document on the line of its mark', `--- {sops: {kms: []}}\nsops:\n${age}`],
    ['quotes that go on at the left', `${body}sops:\n${age}    mac: "\nfoo: x"\n    kms:\n        - arn: a\n`],
    ['quotes below a key', `${body}sops:\n    age:\n        - enc: "\nfoo: x"\n    kms:\n        - arn: a\n`],
    ['brackets that go on at the left', `${body}sops:\n    age: [\nfoo: x]\n    kms:\n        - arn: a\n`],
    ['a line end that only YAML 1.1 knows', `${body}sops:\n${age}    mac: x\u2028    "kms": []\n`],
    ['a carriage return alone', `${body}sops:\n${age}    mac: x\r    "kms": []\n`],
    ['tabs', `${body}sops:\n\tkms: []\n${age}`],
    ['a key that stands less deep', `${body}sops:\n${age}  kms: []\n`],
    ['a list as metadata', `${body}sops:\n- kms: []\n`],
    ['a directive', `%YAML 1.1\n---\n${body}sops:\n${age}`],
  ]
  it.each(tricks)('refuses %s, and quotes nothing of the file', (_what, text) => {
    expect(() => pare(text)).toThrow(/^a\.yaml cannot be decrypted: its form is not that in which sops writes files/)
  })

  it('refuses what is no UTF-8', () => {
    expect(() => paredFile('a.yaml', Uint8Array.from([0xff, 0xfe, 0x73]), held)).toThrow(/not valid UTF-8/)
  })
})
