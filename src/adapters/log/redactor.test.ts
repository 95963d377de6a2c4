import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRedactor } from './redactor.ts'

const secret = fc.string({ minLength: 6, maxLength: 40 }).filter((text) => text.trim() === text && !text.includes('*'))
const around = fc.string({ maxLength: 30 })

describe('createRedactor', () => {
  const forms: [string, (text: string) => string][] = [
    ['as it is', (text) => text],
    ['in base64', (text) => Buffer.from(text).toString('base64')],
    ['URL-encoded', encodeURIComponent],
    ['inside JSON', (text) => JSON.stringify({ text })],
  ]
  it.each(forms)('lets no registered secret through %s', (_, form) => {
    fc.assert(
      fc.property(secret, around, around, (value, before, after) => {
        const redactor = createRedactor()
        redactor.register([value])
        const clean = redactor.redact(`${before}${form(value)}${after}`)
        expect(clean.includes(form(value))).toBe(false)
      }),
    )
  })

  it('leaves other text as it is', () => {
    const redactor = createRedactor()
    redactor.register(['hunter2hunter2'])
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), (text) => {
        fc.pre(!text.includes('hunter2') && !/:\/\/|authorization|BEGIN/i.test(text))
        expect(redactor.redact(text)).toBe(text)
      }),
    )
  })

  it('forgets a secret when its last owner lets it go', () => {
    const redactor = createRedactor()
    const [first, second] = [redactor.register(['hunter2hunter2']), redactor.register(['hunter2hunter2'])]
    first()
    first()
    expect(redactor.redact('hunter2hunter2')).toBe('*****')
    second()
    expect(redactor.redact('hunter2hunter2')).toBe('hunter2hunter2')
  })

  const patterns: [string, string, string][] = [
    ['a password in a URL', 'clone https://me:s3cret@git.example/x', 's3cret'],
    ['a bearer token', 'Authorization: Bearer abc.def', 'abc.def'],
    ['a private key', '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----', 'MIIE'],
  ]
  it.each(patterns)('takes out %s that nobody registered', (_, text, hidden) => {
    expect(createRedactor().redact(text)).not.toContain(hidden)
  })

  it('stays quick with thousands of secrets', () => {
    const redactor = createRedactor()
    const secrets = Array.from({ length: 5_000 }, (_, n) => `secret-number-${n}-${n * 7919}`)
    redactor.register(secrets)
    expect(redactor.redact(`a ${secrets[4_321]} b`)).toBe('a ***** b')
  })
})
