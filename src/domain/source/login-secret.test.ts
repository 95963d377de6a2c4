import { describe, expect, it } from 'vitest'
import { lacksSshKey, readLoginSecret } from './login-secret.ts'

const https = { url: 'https://git.example.com/x', secret: 'team/login' }
const ssh = { url: 'git@git.example.com:x.git', secret: 'team/login' }
const key = '-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2\n-----END OPENSSH PRIVATE KEY-----'
const ca = '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n'

function data(texts: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text).toString('base64')]))
}
const bytes = (text: string) => Uint8Array.from(Buffer.from(text))

describe('readLoginSecret', () => {
  const basic = (username: string, password: string) => ({ login: { kind: 'basic', username, password } })
  const good: [string, Record<string, string>, typeof https, object][] = [
    ['a user and a password', { username: 'ann', password: 'hunter2\n' }, https, basic('ann', 'hunter2')],
    ['a password alone', { password: 'hunter2' }, https, basic('git', 'hunter2')],
    ['a token', { token: 'ghp_x' }, https, basic('git', 'ghp_x')],
    ['a token with its user', { username: 'bot', token: 'ghp_x' }, https, basic('bot', 'ghp_x')],
    ['the token of Flux 2', { bearerToken: 'x' }, https, basic('git', 'x')],
    [
      'a GitHub App, as for Flux 2',
      { githubAppID: '1', githubAppInstallationID: '2', githubAppPrivateKey: 'pem\n', password: 'x' },
      https,
      { login: { kind: 'githubApp', appId: '1', installationId: '2', privateKey: 'pem' } },
    ],
    [
      'a GitHub App of an own server',
      {
        githubAppID: '1',
        githubAppInstallationID: '2',
        githubAppPrivateKey: 'pem',
        githubAppBaseURL: 'https://git.example/api/v3',
      },
      https,
      { login: { apiUrl: 'https://git.example/api/v3' } },
    ],
    ['a certificate alone', { 'ca.crt': ca }, https, { login: undefined, ca: bytes(ca) }],
    ['the certificate of Flux 2', { password: 'p', caFile: ca }, https, { ...basic('git', 'p'), ca: bytes(ca) }],
    [
      'an ssh key with the keys of its host',
      { identity: key, 'identity.pub': 'x', known_hosts: 'h ssh-ed25519 A' },
      ssh,
      { login: { kind: 'ssh', privateKey: bytes(key), knownHosts: bytes('h ssh-ed25519 A') } },
    ],
    [
      'a Secret of kubernetes.io/ssh-auth',
      { 'ssh-privatekey': key },
      ssh,
      { login: { kind: 'ssh', privateKey: bytes(key), knownHosts: undefined } },
    ],
  ]
  it.each(good)('takes %s', (_what, texts, about, expected) => {
    expect(readLoginSecret(data(texts), about)).toMatchObject(expected)
  })

  it('names what nobody may see', () => {
    expect(readLoginSecret(data({ username: 'ann', password: 'hunter2' }), https).secrets).toEqual(['hunter2'])
    expect(readLoginSecret(data({ identity: key }), ssh).secrets).toEqual([key])
    const app = { githubAppID: '1', githubAppInstallationID: '2', githubAppPrivateKey: 'pem' }
    expect(readLoginSecret(data(app), https).secrets).toEqual(['pem'])
  })

  const bad: [string, unknown, typeof https, RegExp][] = [
    ['nothing', undefined, https, /no username and password/],
    ['other keys', data({ user: 'ann' }), https, /no username and password/],
    ['a user alone', data({ username: 'ann' }), https, /no password or token/],
    ['a GitHub App without its key', data({ githubAppID: '1' }), https, /no githubAppInstallationID/],
    [
      'the address of a GitHub App that is not https',
      data({
        githubAppID: '1',
        githubAppInstallationID: '2',
        githubAppPrivateKey: 'hunter2',
        githubAppBaseURL: 'http://x',
      }),
      https,
      /no https URL/,
    ],
    ['a line break in a password', data({ password: 'a\nhunter2' }), https, /line break/],
    ['an ssh key for https', data({ identity: key }), https, /the URL is http/],
    ['a password for ssh', data({ password: 'hunter2' }), ssh, /no key `identity`/],
    ['a public key', data({ identity: 'ssh-ed25519 AAAA hunter2' }), ssh, /no private ssh key/],
    ['a certificate that is none', data({ password: 'x', 'ca.crt': 'hunter2' }), https, /no certificate/],
  ]
  it.each(bad)('refuses %s, names the Secret and shows no value', (_what, given, about, message) => {
    expect(() => readLoginSecret(given, about)).toThrow(message)
    expect(() => readLoginSecret(given, about)).toThrow('team/login')
    expect(() => readLoginSecret(given, about)).not.toThrow('hunter2')
  })
})

it.each([
  ['a password over ssh', 'ssh://git@git.example.com/a', { username: 'YQ==', password: 'Yg==' }, true],
  ['no Secret over ssh', 'git@git.example.com:a', undefined, true],
  ['a key over ssh', 'ssh://git@git.example.com/a', { identity: 'YQ==' }, false],
  ['a key of a kubernetes.io/ssh-auth', 'ssh://git@git.example.com/a', { 'ssh-privatekey': 'YQ==' }, false],
  ['a password over https', 'https://git.example.com/a', { username: 'YQ==', password: 'Yg==' }, false],
])('knows whether a key is missing: %s', (_what, url, data, expected) => {
  expect(lacksSshKey(data, url)).toBe(expected)
})
