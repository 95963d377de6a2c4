import { describe, expect, it } from 'vitest'
import { fieldsOf } from './fields.ts'

describe('fieldsOf', () => {
  it('gives what is there, and defaults for what is absent or null', () => {
    const fields = fieldsOf({ name: 'a', list: ['b'], on: false, mode: 'two', wait: '1m', none: null }, 'spec')
    expect([fields.text('name'), fields.texts('list'), fields.flag('on', true)]).toEqual(['a', ['b'], false])
    expect([fields.choice('mode', ['one', 'two']), fields.duration('wait', 5)]).toEqual(['two', 60_000])
    expect([fields.text('none'), fields.texts('none'), fields.flag('none', true)]).toEqual(['', [], true])
    expect([fields.choice('none', ['one']), fields.duration('none', 5), fields.has('none')]).toEqual(['one', 5, false])
    expect(fields.problems).toEqual([])
  })

  it('collects the problems of maps inside, with their paths, in order', () => {
    const fields = fieldsOf({ in: { deep: [{ n: 1 }, 'x'] }, t: 2 }, 'spec')
    const [first] = fields.map('in').maps('deep')
    first?.text('n')
    fields.text('t', () => 'never asked')
    expect(fields.problems).toEqual([
      'spec.in.deep[1] must be a map',
      'spec.in.deep[0].n must be a text',
      'spec.t must be a text',
    ])
  })

  it('does not find what an object inherits', () => {
    const fields = fieldsOf({}, 'spec')
    expect([fields.has('toString'), fields.text('constructor')]).toEqual([false, ''])
    expect(fields.problems).toEqual([])
  })

  const tooMuch: [string, unknown, string][] = [
    ['a text of 2049 characters', { f: 'a'.repeat(2049) }, 'spec.f must have at most 2048 characters'],
    ['a line break', { f: 'a\nb' }, 'spec.f must hold no control characters'],
  ]
  it.each(tooMuch)('refuses %s', (_what, raw, problem) => {
    const fields = fieldsOf(raw, 'spec')
    expect(fields.text('f')).toBe('')
    expect(fields.problems).toEqual([problem])
  })

  it('refuses a list of 257', () => {
    const fields = fieldsOf({ f: Array.from({ length: 257 }, () => 'a') }, 'spec')
    expect(fields.texts('f')).toEqual([])
    expect(fields.problems).toEqual(['spec.f must be a list of at most 256'])
  })
})
