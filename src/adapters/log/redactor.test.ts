import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cpuMs } from '../../../test/fakes/cpu-ms.ts'
import { createRedactor } from './redactor.ts'

/** Any text without blanks around it; without the mask's own sign, which would make secrets out of masks. */
const secret = fc
  .oneof(fc.string({ minLength: 6, maxLength: 60 }), fc.string({ minLength: 6, maxLength: 60, unit: 'binary' }))
  .filter((text) => text.trim() === text && text.length >= 6 && text.isWellFormed() && !text.includes('*'))
const around = fc.string({ maxLength: 30 })

function redactorOf(...secrets: string[]) {
  const redactor = createRedactor()
  redactor.register(secrets)
  return redactor
}

/** As Go prints JSON: what could end a script is escaped. */
function goJson(text: string): string {
  return JSON.stringify(text).replace(/[<>&]/g, (found) => `\\u00${found.charCodeAt(0).toString(16)}`)
}

function everyByteEncoded(text: string): string {
  return Buffer.from(text).toString('hex').replace(/../g, '%$&')
}

describe('a registered secret', () => {
  const forms: [string, (text: string) => string][] = [
    ['as it is', (text) => text],
    ['in JSON', (text) => JSON.stringify(text)],
    ['in JSON as Go writes it', goJson],
    ['in JSON in JSON', (text) => JSON.stringify(JSON.stringify({ text }))],
    ['in a URL', encodeURIComponent],
    ['in a URL with small letters', (text) => everyByteEncoded(text).toLowerCase()],
    ['in a URL, every byte', everyByteEncoded],
    ['in a form', (text) => new URLSearchParams({ text }).toString()],
    ['in a URL in JSON', (text) => JSON.stringify(`https://host/?a=${encodeURIComponent(text)}`)],
    ['in base64', (text) => Buffer.from(text).toString('base64')],
    ['in hexadecimal', (text) => Buffer.from(text).toString('hex')],
    ['in hexadecimal with capitals', (text) => Buffer.from(text).toString('hex').toUpperCase()],
    ['in base64 in a URL', (text) => encodeURIComponent(Buffer.from(text).toString('base64'))],
  ]
  it.each(forms)('is gone %s', (_, form) => {
    fc.assert(
      fc.property(secret, (value) => {
        // a form's own letters around it may stay, and so may what percents make of them
        const shown = redactorOf(value).redact(form(value))
        expect(shown).toContain('*****')
        expect(shown).not.toContain(form(value))
        expect(form('').length + 20).toBeGreaterThanOrEqual(shown.replaceAll('*', '').length)
      }),
    )
  })

  it('goes alone: the text around it stays', () => {
    const letters = fc.stringMatching(/^[a-z ]{0,30}$/)
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9A-Z!"\\%+/-]{6,40}$/), letters, letters, (value, before, after) => {
        expect(redactorOf(value).redact(before + value + after)).toBe(`${before}*****${after}`)
      }),
    )
  })

  it('is gone from base64 of a longer text, wherever it stands in it', () => {
    const bytes = fc.uint8Array({ maxLength: 20 })
    fc.assert(
      fc.property(secret, bytes, bytes, fc.constantFrom('base64', 'base64url'), (value, before, after, alphabet) => {
        const text = Buffer.concat([before, Buffer.from(value), after]).toString(alphabet)
        const [head = '', tail = ''] = redactorOf(value).redact(text).split('*****')
        // at most the characters that hold bits of a neighbour, too
        expect(head.length).toBeLessThanOrEqual(Math.ceil((before.length * 8) / 6) + 1)
        expect(tail.replace(/=+$/, '').length).toBeLessThanOrEqual(Math.ceil((after.length * 8) / 6) + 1)
      }),
    )
  })

  it('is gone when others overlap it', () => {
    const cut = fc.nat({ max: 12 })
    fc.assert(
      fc.property(fc.stringMatching(/^[a-c]{18,30}$/), cut, cut, around, (text, first, second, after) => {
        const secrets = [text.slice(0, 6 + first), text.slice(second, second + 6), text.slice(first)]
        const shown = redactorOf(...secrets).redact(`${text}${after}`)
        for (const value of secrets) expect(shown).not.toContain(value)
      }),
    )
  })

  it('is found without the line break that its file ends with', () => {
    expect(redactorOf('hunter2hunter2\n').redact('it is hunter2hunter2, really')).toBe('it is *****, really')
  })

  it('of several lines is found line by line, indented', () => {
    const key = 'MIIEvQIBADANBgkqhkiG9w0BAQEF\nAASCBKcwggSjAgEAAoIBAQDJ8vE7\nab'
    expect(redactorOf(key).redact(`  ${key.split('\n')[1]}\n`)).toBe('  *****\n')
  })

  it('as it stood in a URL is found as it is, too', () => {
    expect(redactorOf(encodeURIComponent('a/b@c:d+e')).redact('it is a/b@c:d+e')).toBe('it is *****')
    expect(redactorOf('100%sure').redact('it is 100%sure')).toBe('it is *****')
  })

  it('shorter than six characters is left, it would take ordinary words away', () => {
    expect(redactorOf('true', ' dev1 \n', '').redact('true dev1')).toBe('true dev1')
  })

  it('that is no proper Unicode does no harm', () => {
    expect(redactorOf('abcdef\ud800').redact('x abcdef\ud800 y')).toBe('x ***** y')
  })

  it('is forgotten when its last owner lets it go', () => {
    const redactor = createRedactor()
    const [first, second] = [
      redactor.register(['hunter2hunter2', 'hunter2hunter2']),
      redactor.register(['hunter2hunter2']),
    ]
    first()
    first()
    expect(redactor.redact('hunter2hunter2')).toBe('*****')
    second()
    expect(redactor.redact('hunter2hunter2 in base64 aHVudGVyMmh1bnRlcjI=')).toBe(
      'hunter2hunter2 in base64 aHVudGVyMmh1bnRlcjI=',
    )
  })
})

describe('what nobody registered', () => {
  const hidden: [string, string, string][] = [
    ['a password in a URL', 'clone https://me:s3cret@git.example/x', 'clone https://me:*****@git.example/x'],
    ['a password with an at sign', 'https://me:p@ss@git.example/x', 'https://me:*****@git.example/x'],
    ['a password without a user', 'redis://:s3cret@127.0.0.1:6379', 'redis://:*****@127.0.0.1:6379'],
    ['a token as a user', 'https://t0ken@git.example/x', 'https://*****@git.example/x'],
    ['a bearer token', 'Authorization: Bearer abc.def', 'Authorization: Bearer *****'],
    ['any authorization', 'authorization=token abc, other', 'authorization=token *****, other'],
    ['one without a scheme', '{"Authorization":"abc"}', '{"Authorization":"*****"}'],
    ['one in JSON in JSON', '{\\"authorization\\":\\"Basic YTpi\\"}', '{\\"authorization\\":\\"Basic *****\\"}'],
    ["fluxctl's authorization", 'Authorization: Scope-Probe token=abc', 'Authorization: Scope-Probe token=*****'],
    ['a token apart', `sent bearer ${'abcde'.repeat(5)}`, 'sent bearer *****'],
    ['a token in a query', 'GET /x?access_token=abc&y=1', 'GET /x?access_token=*****&y=1'],
    ["GitLab's header", 'X-Gitlab-Token: abc', 'X-Gitlab-Token: *****'],
    ['a private key', 'a -----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- b', 'a ***** b'],
    ['a private key that was cut off', 'a -----BEGIN PRIVATE KEY-----\\nMII', 'a *****'],
    ['a JSON web token', 'got eyJhbGciOiJSUzI1.eyJzdWIiOiJ4eXp6.c2ln!', 'got *****!'],
    ["GitHub's token", 'with ghp_0123456789abcdef0123', 'with *****'],
  ]
  it.each(hidden)('goes when it is %s', (_, text, clean) => {
    expect(createRedactor().redact(text)).toBe(clean)
    expect(createRedactor().redact(clean)).toBe(clean)
  })

  const shown = [
    'ssh://git@git.example:22/x',
    'git@git.example:x/y',
    'https://git.example/a@b',
    '{"url":"https://git.example","mail":"me@example.com"}',
    'the token is missing: give --token-file=/etc/x',
    'unauthorized: authentication required, bearer challenge refused',
    '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----',
    'secret=apps/web-login',
  ]
  it.each(shown)('stays when it is no secret: %s', (text) => {
    expect(redactorOf('hunter2hunter2').redact(text)).toBe(text)
  })

  it('stays when it is any other text', () => {
    const redactor = redactorOf('hunter2hunter2', 'p%20q+r\\n"s')
    fc.assert(
      fc.property(fc.oneof(around, fc.string({ unit: 'binary' }), fc.json()), (text) => {
        fc.pre(!/@|token|passw|pwd|key|secret|signature|authorization|bearer/i.test(text))
        expect(redactor.redact(text)).toBe(text)
      }),
    )
  })
})

describe('time', () => {
  it('hardly grows with how many secrets there are', () => {
    const secrets = Array.from({ length: 5_000 }, (_, n) => `secret-number-${n}-${n * 7919}`)
    const redactor = redactorOf(...secrets)
    const text = `a ${secrets[4_321]} b ${'nothing to see here, move on '.repeat(3_000)}`
    expect(cpuMs(() => expect(redactor.redact(text)).toMatch(/^a \*{5} b nothing/))).toBeLessThan(10_000)
  })

  const hard = ['a.', '://', 'https://a:', '-----BEGIN PRIVATE KEY', 'eyJaaaaaaaa.', 'token', '\\', '%41', 'a-', ' ']
  it.each(hard)('grows with the text and not with its square: %s', (piece) => {
    const redactor = redactorOf('hunter2hunter2')
    const text = piece.repeat(500_000 / piece.length)
    expect(cpuMs(() => redactor.redact(text))).toBeLessThan(20_000)
  })
})
