import { describe, expect, it } from 'vitest'
import { createLog, createRedactor } from './index.ts'

function recorded(format: 'fmt' | 'json', level: 'debug' | 'info' = 'info') {
  const lines: string[] = []
  const redactor = createRedactor()
  const log = createLog({ format, level, redactor, write: (line) => lines.push(line) })
  return { lines, log, redactor }
}

describe('createLog', () => {
  it('writes logfmt with the keys that the ancestors had', () => {
    const { lines, log } = recorded('fmt')
    log.child({ component: 'git' }).info({ source: 'a/b', count: 2 }, 'fetched "main"')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^ts=\S+Z level=info component=git source=a\/b count=2 msg="fetched \\"main\\""\n$/)
  })

  it('writes JSON, one object a line', () => {
    const { lines, log } = recorded('json')
    log.warn({ reason: 'GitUnreachable' }, 'no answer')
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', reason: 'GitUnreachable', msg: 'no answer' })
  })

  it('leaves out what is below its level', () => {
    const { lines, log } = recorded('fmt')
    log.debug({}, 'detail')
    expect(lines).toEqual([])
  })

  it.each(['fmt', 'json'] as const)('never breaks a line or lets a control character through in %s', (format) => {
    const { lines, log } = recorded(format)
    log.info({ text: 'a\nb\u001b[31mc' }, 'x\r\ny\u0007')
    expect(lines[0]?.trimEnd()).not.toMatch(/\p{Cc}/u)
  })

  it.each(['fmt', 'json'] as const)('shows no registered secret in %s', (format) => {
    const { lines, log, redactor } = recorded(format)
    redactor.register(['p4ss"word\\1'])
    log.info({ value: 'p4ss"word\\1' }, 'it is p4ss"word\\1')
    expect(lines[0]).not.toContain('p4ss')
  })

  it('bounds a line', () => {
    const { lines, log } = recorded('fmt')
    log.info({}, 'x'.repeat(100_000))
    expect(lines[0]?.length).toBeLessThanOrEqual(16_385)
  })
})
