import { describe, expect, it } from 'vitest'
import { accessSecrets, aliasOf, entryFor, parseRepositories, readPullSecret } from './chart-access.ts'

const cert = '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n'
const key = '-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\n'
const file = `apiVersion: v1
repositories:
- {name: one, url: "https://charts.example.com/one/", username: ann, password: 0123, pass_credentials_all: true}
- {name: two, url: "https://charts.example.com/two", caFile: /etc/x/ca.crt, certFile: c.pem, keyFile: k.pem}
- {name: three, url: "https://three.example.com", insecure_skip_tls_verify: true}
- {name: none}
- {name: oci, url: "oci://ghcr.io/org", username: org}
- {name: team, url: "oci://ghcr.io/org/team", username: team}
`

describe('parseRepositories', () => {
  it('keeps what has a URL, every scalar as the text that it is', () => {
    const entries = parseRepositories(file) ?? []
    expect(entries.map(({ name }) => name)).toEqual(['one', 'two', 'three', 'oci', 'team'])
    expect(entries[0]).toMatchObject({ username: 'ann', password: '0123', everywhere: true, insecure: false })
    expect(entries[2]).toMatchObject({ insecure: true, everywhere: false })
  })

  it.each(['', 'x', '[]', 'repositories: {a: b}', '{'])('%j is no such file', (text) => {
    expect(parseRepositories(text)).toBeUndefined()
  })
})

describe('entryFor', () => {
  const entries = parseRepositories(file) ?? []
  it.each([
    ['https://charts.example.com/one', 'one'],
    ['https://CHARTS.example.com:443//two/', 'two'],
    ['https://charts.example.com/', undefined],
    ['https://charts.example.com/one/more', undefined],
    ['http://charts.example.com/one', undefined],
    ['https://charts.example.com:8443/one', undefined],
    ['oci://ghcr.io/org/app', 'oci'],
    ['oci://ghcr.io/org/team/app', 'team'],
    ['oci://ghcr.io/organisation', undefined],
    ['not a url', undefined],
  ])('%s has the entry %s', (url, name) => {
    expect(entryFor(entries, url)?.name).toBe(name)
  })
})

describe('readPullSecret', () => {
  const url = 'https://charts.example.com/one'
  const read = (data: Record<string, string>, at = url, dockerLogin?: { username: string; password: string }) =>
    readPullSecret(data, { url: at, dockerLogin })

  it('takes user and password without the line break that editors leave', () => {
    const access = read({ username: 'ann\n', password: 'p w\n' })
    expect(access).toEqual({ username: 'ann', password: 'p w', tls: {}, everywhere: false })
  })

  it('takes the login of a docker config', () => {
    expect(read({ '.dockerconfigjson': '{}' }, url, { username: 'bob', password: 'secret' })).toMatchObject({
      username: 'bob',
      password: 'secret',
    })
  })

  it('takes certificates under the names of Kubernetes and of Flux 2', () => {
    const tls = { ca: cert, cert, key }
    expect(read({ 'ca.crt': cert, 'tls.crt': cert, 'tls.key': key })).toMatchObject({ username: '', tls })
    expect(read({ caFile: cert, certFile: cert, keyFile: key })).toMatchObject({ tls })
  })

  it('takes the entry for the URL out of a repositories.yaml, its files from the same Secret alone', () => {
    const data = { 'repositories.yaml': file, 'ca.crt': cert, 'c.pem': cert, 'k.pem': key }
    expect(read(data)).toMatchObject({ username: 'ann', password: '0123', everywhere: false })
    expect(read(data, 'https://charts.example.com/two')).toMatchObject({ tls: { ca: cert, cert, key } })
    expect(read(data, 'https://three.example.com')).toMatchObject({ tls: { insecure: true } })
  })

  it.each<[string, Record<string, string>, RegExp]>([
    ['nothing', {}, /no repositories.yaml, no username/],
    ['a docker config for another host', { '.dockerconfigjson': '{}' }, /no login for the host/],
    ['a password alone', { password: 'x' }, /no username/],
    ['a line break', { username: 'a', password: 'x\ny' }, /line break/],
    ['a colon in the user', { username: 'a:b', password: 'x' }, /colon/],
    ['a certificate without key', { 'tls.crt': cert }, /only one/],
    ['a key that is none', { 'tls.crt': cert, 'tls.key': 'x' }, /client key is not in PEM/],
    ['a CA that is none', { 'ca.crt': 'x' }, /not in PEM/],
    ['a broken repositories.yaml', { 'repositories.yaml': '{' }, /no list/],
    ['no entry for it', { 'repositories.yaml': 'repositories: []' }, /no entry/],
    [
      'a path of this machine',
      { 'repositories.yaml': `repositories: [{url: "${url}", caFile: /etc/ssl/ca.pem}]` },
      /no key of the Secret/,
    ],
  ])('refuses %s and says why', (_name, data, why) => {
    expect(read(data)).toMatch(why)
  })

  it('never says a value', () => {
    for (const data of [{ password: 'hunter2' }, { username: 'x', password: 'hunter2\nhunter2' }]) {
      expect(read(data)).not.toContain('hunter2')
    }
  })
})

it('knows aliases of repositories, and what is secret', () => {
  expect(['@one', 'alias:one', 'https://one', 'one'].map(aliasOf)).toEqual(['one', 'one', undefined, undefined])
  expect(accessSecrets({ username: 'u', password: 'p', tls: { ca: cert, cert, key }, everywhere: false })).toEqual([
    'p',
    key,
  ])
})
