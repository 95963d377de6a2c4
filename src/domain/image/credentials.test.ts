import { describe, expect, it } from 'vitest'
import { decodeBase64, loginFor, parseDockerConfig } from './credentials.ts'

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
