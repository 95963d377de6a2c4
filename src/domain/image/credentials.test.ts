import { describe, expect, it } from 'vitest'
import { decodeBase64, helperFor, loginFor, parseDockerConfig, parseHelperAnswer, parseHelpers } from './credentials.ts'

const auth = (text: string) => btoa(text)

describe('parseDockerConfig', () => {
  const rows: [why: string, config: unknown, host: string, expected: unknown][] = [
    ['dockerconfigjson', { auths: { 'quay.io': { auth: auth('u:p') } } }, 'quay.io', { username: 'u', password: 'p' }],
    ['dockercfg', { 'quay.io': { auth: auth('u:p') } }, 'quay.io', { username: 'u', password: 'p' }],
    [
      'a URL as key',
      { auths: { 'https://r:5000/v2/': { auth: auth('u:p:q') } } },
      'r:5000',
      { username: 'u', password: 'p:q' },
    ],
    [
      'Docker Hub under its old address',
      { auths: { 'https://index.docker.io/v1/': { auth: auth('u:p') } } },
      'index.docker.io',
      { username: 'u', password: 'p' },
    ],
    [
      'auth before username',
      { auths: { a: { auth: auth('u:p'), username: 'x', password: 'y' } } },
      'a',
      { username: 'u', password: 'p' },
    ],
    [
      'username and password',
      { auths: { a: { username: 'x', password: 'y' } } },
      'a',
      { username: 'x', password: 'y' },
    ],
    [
      'an identity token in place of a password',
      { auths: { a: { auth: auth('u:p'), identitytoken: 't' } } },
      'a',
      { username: '', password: '', identityToken: 't' },
    ],
    ['another host', { auths: { a: { auth: auth('u:p') } } }, 'b', undefined],
    ['another port', { auths: { 'a:1': { auth: auth('u:p') } } }, 'a', undefined],
    ['no colon', { auths: { a: { auth: auth('up') } } }, 'a', undefined],
    ['no base64', { auths: { a: { auth: '%' } } }, 'a', undefined],
    ['auths that are no map', { auths: [] }, 'a', undefined],
    ['an entry that is no map', { auths: { a: null } }, 'a', undefined],
    ['no object', 1, 'a', undefined],
  ]
  it.each(rows)('%s', (_, config, host, expected) => {
    expect(loginFor(parseDockerConfig(JSON.stringify(config)), host)).toEqual(expected)
  })
  it('takes nothing from what is no JSON', () => {
    expect(parseDockerConfig('nonsense').size).toBe(0)
  })
})

describe('decodeBase64', () => {
  it('reads text beyond ASCII', () => {
    expect(decodeBase64('w7w=\n')).toBe('ü')
  })
})

describe('credential helpers', () => {
  const config = JSON.stringify({
    credHelpers: {
      'gcr.io': 'gcloud',
      'https://r:5000/v2/': 'corp-login',
      'docker.io': 'hub',
      bad: '../../bin/sh',
      no: 1,
    },
    credsStore: 'pass',
  })
  const of = (host: string, text = config) => helperFor(parseHelpers(text), host)
  it.each([
    ['one for its host', 'gcr.io', { name: 'gcloud', server: 'gcr.io' }],
    ['a URL as key', 'r:5000', { name: 'corp-login', server: 'r:5000' }],
    [
      'Docker Hub by the name that docker gives it',
      'index.docker.io',
      { name: 'hub', server: 'https://index.docker.io/v1/' },
    ],
    ['the store for any other host', 'ghcr.io', { name: 'pass', server: 'ghcr.io' }],
    ['the store in place of a name that is no program', 'bad', { name: 'pass', server: 'bad' }],
  ])('%s', (_, host, expected) => {
    expect(of(host)).toEqual(expected)
  })
  it.each(['nonsense', '{}', '[]', '{"credHelpers":[],"credsStore":"/bin/sh"}'])('none in %s', (text) => {
    expect(of('gcr.io', text)).toBeUndefined()
  })
  it.each([
    ['a login', '{"ServerURL":"a","Username":"u","Secret":"p"}', { username: 'u', password: 'p' }],
    ['an identity token', '{"Username":"<token>","Secret":"t"}', { username: '', password: '', identityToken: 't' }],
    ['no secret', '{"Username":"u","Secret":""}', undefined],
    ['words', 'credentials not found in native keychain', undefined],
  ])('answer with %s', (_, text, expected) => {
    expect(parseHelperAnswer(text)).toEqual(expected)
  })
})
