import { describe, expect, it } from 'vitest'
import { signForAws } from './aws-signature.ts'

// of AWS' own test suite for Signature Version 4
const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const scope = { service: 'service', region: 'us-east-1', now: new Date('2015-08-30T12:36:00Z') }
const sign = (change: { method?: string; url?: string; headers?: Record<string, string>; body?: string }) => {
  const { method = 'GET', url = 'https://example.amazonaws.com/', headers = {}, body = '' } = change
  return signForAws({ method, url: new URL(url), headers, body }, keys, scope).authorization?.split('Signature=')[1]
}

describe('signForAws', () => {
  it.each([
    ['get-vanilla', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    [
      'get-vanilla-query-order-key-case',
      { url: 'https://example.amazonaws.com/?Param2=value2&Param1=value1' },
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    ['post-vanilla', { method: 'POST' }, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'post-x-www-form-urlencoded',
      { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'Param1=value1' },
      'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
    ],
  ])('%s', (_, request, signature) => {
    expect(sign(request)).toBe(signature)
  })

  it('signs the token of a session, too', () => {
    const request = { method: 'GET', url: new URL('https://example.amazonaws.com/'), headers: {}, body: '' }
    const headers = signForAws(request, { ...keys, sessionToken: 'session' }, scope)
    expect(headers['x-amz-security-token']).toBe('session')
    expect(headers.authorization).toContain('SignedHeaders=host;x-amz-date;x-amz-security-token,')
  })
})
