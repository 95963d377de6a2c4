import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { printYaml } from './yaml.ts'

describe('YAML for scripts', () => {
  it('is what YAML reads back, whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const same = JSON.parse(JSON.stringify(value)) as unknown
        expect(parse(printYaml(value), { uniqueKeys: false, merge: false })).toEqual(same)
        // old parsers know more words
        expect(parse(printYaml(value), { version: '1.1', merge: false })).toEqual(same)
      }),
    )
  })

  it('reads like what people write', () => {
    const value = {
      sources: [{ name: 'default', ready: true, url: 'https://a/b.git', paths: [], failed: [{ line: 7 }] }],
    }
    expect(printYaml(value)).toBe(
      'sources:\n  - name: default\n    ready: true\n    url: https://a/b.git\n    paths: []\n    failed:\n      - line: 7\n',
    )
  })

  it.each(['no', '1.5', '', ' a', '~', '2001-01-01', 'a: b', 'a #b', '- a', '\u001b[2J', '\u202e', 'a\u0085b'])(
    'quotes %j',
    (text) => {
      const printed = printYaml({ text })
      expect(printed).toMatch(/^text: "[\u0020-\u007e]*"\n$/)
      expect(parse(printed)).toEqual({ text })
    },
  )
})
