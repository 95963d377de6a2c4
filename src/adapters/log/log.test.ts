import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLog, createRedactor, type LogOptions } from './index.ts'

type Format = LogOptions['format']
const formats: Format[] = ['fmt', 'json']

function recorded(format: Format, level: LogOptions['level'] = 'info') {
  const lines: string[] = []
  const redactor = createRedactor()
  const log = createLog({ format, level, redactor, write: (line) => lines.push(line) })
  return { lines, log, redactor }
}

describe('createLog', () => {
  it('writes logfmt with the keys that the ancestors had', () => {
    const { lines, log } = recorded('fmt')
    log.child({ component: 'git' }).info({ source: 'a/b', count: 2, none: null, list: ['x'] }, 'fetched "main"')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(
      /^ts=\d{4}-\S+Z caller=log\/log\.test\.ts:\d+ level=info component=git source=a\/b count=2 none=null list="\[\\"x\\"\]" msg="fetched \\"main\\""\n$/,
    )
  })

  it('writes JSON with the same keys, one object a line', () => {
    const { lines, log } = recorded('json')
    log.child({ component: 'git' }).warn({ reason: 'GitUnreachable' }, 'no answer')
    const entry = JSON.parse(lines[0] ?? '') as Record<string, unknown>
    expect(Object.keys(entry)).toEqual(['ts', 'caller', 'level', 'component', 'reason', 'msg'])
    expect(entry).toMatchObject({ level: 'warn', reason: 'GitUnreachable', msg: 'no answer' })
    expect(entry.caller).toMatch(/^log\/log\.test\.ts:\d+$/)
  })

  it('leaves out what is below its level', () => {
    const { lines, log } = recorded('fmt')
    log.debug({}, 'detail')
    expect(lines).toEqual([])
  })

  it('says of an error its type, message, reason, stack and causes, and nothing else that it carries', () => {
    const { lines, log } = recorded('json')
    const cause = Object.assign(new TypeError('inner'), { headers: { cookie: 'a' } })
    const error = Object.assign(new Error('outer', { cause }), { reason: 'HelmFailed', body: 'b', stack: 'at x' })
    log.error({ err: error, why: cause }, 'failed')
    const entry = JSON.parse(lines[0] ?? '') as Record<string, unknown>
    const inner = { type: 'TypeError', message: 'inner', stack: cause.stack }
    expect(entry.err).toEqual({ type: 'Error', message: 'outer', reason: 'HelmFailed', stack: 'at x', cause: inner })
    expect(entry.why).toEqual(inner)
  })
})

describe.each(formats)('a line of %s', (format) => {
  const anything = fc.dictionary(fc.string(), fc.oneof(fc.string({ unit: 'binary' }), fc.anything()), { maxKeys: 6 })

  it('is one line that moves no cursor and turns no writing round', () => {
    fc.assert(
      fc.property(anything, fc.string({ unit: 'binary' }), (fields, message) => {
        const { lines, log } = recorded(format)
        log.info(fields, message)
        expect(lines).toHaveLength(1)
        expect(lines[0]).toMatch(/^[^\p{Cc}\p{Cf}\u2028\u2029]*\n$/u)
      }),
    )
  })

  it('shows an escape sequence as what it is', () => {
    const { lines, log } = recorded(format)
    log.info({ text: '\u001b[31mred\u009b\u202e' }, 'x')
    expect(lines[0]).toContain('\\u001b[31mred\\u009b\\u202e')
  })

  it('has at most 16 KB, and is still whole', () => {
    const sizes = fc.array(fc.nat({ max: 40_000 }), { maxLength: 40 })
    fc.assert(
      fc.property(sizes, fc.constantFrom('x', 'é', '\u0000', '"', '😀'), (lengths, letter) => {
        const { lines, log } = recorded(format)
        log.info(Object.fromEntries(lengths.map((length, n) => [`field${n}`, letter.repeat(length)])), 'end')
        expect(Buffer.byteLength(lines[0] ?? '')).toBeLessThanOrEqual(16_384)
        expect(lines[0]).toMatch(/^(ts=.* msg=end|\{"ts":.*"msg":"end"(,"cut":true)?\})/)
        if (format === 'json') JSON.parse(lines[0] ?? '')
      }),
      { numRuns: 20 },
    )
  })

  it('has at most 16 KB with more fields than fit', () => {
    const { lines, log } = recorded(format)
    log.info(Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`field${n}`, 'abcdef'])), 'many')
    expect(Buffer.byteLength(lines[0] ?? '')).toBeLessThanOrEqual(16_384)
    expect(lines[0]).toContain('many')
  })

  it('shows no registered secret: in a message, a field, its name, a nested one, a child, an error', () => {
    const secret = fc.string({ minLength: 6, maxLength: 40, unit: 'grapheme' })
    fc.assert(
      fc.property(secret, (text) => {
        // in front, so that what is looked for occurs nowhere else
        const value = `k3y-${text.replaceAll('*', '')}`
        fc.pre(value.trim() === value && value.length >= 6)
        const { lines, log, redactor } = recorded(format)
        redactor.register([value])
        const child = log.child({ [value]: { deep: [value] } })
        child.info({ value, err: new Error(`it is ${value}`), url: `https://h/?a=${encodeURIComponent(value)}` }, value)
        expect(lines[0]).not.toContain('k3y-')
        expect(lines[0]).toContain('*****')
      }),
    )
  })

  it('shows no part of a secret where it is cut', () => {
    const { lines, log, redactor } = recorded(format)
    redactor.register(['k3y-'.repeat(30)])
    log.info({ text: `${'x'.repeat(4_090)}${'k3y-'.repeat(30)}${'y'.repeat(20_000)}` }, 'cut')
    expect(lines[0]).not.toContain('k3y')
  })

  it('shows no secret that is a number', () => {
    const { lines, log, redactor } = recorded(format)
    redactor.register(['12345678'])
    log.info({ pin: 12_345_678, count: 7 }, 'x')
    expect(lines[0]).not.toContain('12345678')
    expect(lines[0]).toMatch(/count"?[=:]7/)
  })
})
