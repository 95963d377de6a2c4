import { describe, expect, it } from 'vitest'
import { clean } from './clean.ts'
import { createStyle } from './style.ts'
import { printTable } from './table.ts'
import { widthOf } from './width.ts'

const style = createStyle({ isTTY: true, write() {} }, { TERM: 'xterm' })
// oxlint-disable-next-line no-control-regex
const colours = /\u001b\[\d+m/g

describe('a table', () => {
  it('has its columns below each other, whatever stands in them and in whatever colour', () => {
    const cells = [
      'plain',
      '部署',
      '한글한글',
      'e\u0301e\u0301te\u0301',
      '👩‍👩‍👧',
      '🚀 go',
      clean('a\u200b\u0007b'),
      '',
      style.good('yes'),
      style.bad('部署'),
    ]
    const lines = printTable(
      ['NAME', 'MARK', 'END'],
      cells.map((cell) => [cell, style.warn('|'), 'e']),
    ).split('\n')
    const marks = lines.slice(1, -1).map((line) => widthOf(line.replaceAll(colours, '').split('|')[0] ?? ''))
    expect(marks).toEqual(cells.map(() => 10))
    expect(widthOf((lines[0] ?? '').split('MARK')[0] ?? '')).toBe(10)
  })

  it('says with colours what it says without', () => {
    expect(style.good('yes')).toBe('\u001b[32myes\u001b[39m')
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }])
      expect(createStyle({ isTTY: true, write() {} }, env).good('yes')).toBe('yes')
    expect(createStyle({ isTTY: false, write() {} }, {}).bad('no')).toBe('no')
  })
})
