import { parse, stringify } from 'yaml'
import { describe, expect, it } from 'vitest'
import { manifestYaml, valuesYaml } from './go-yaml.ts'

describe('a plain scalar', () => {
  it.each([
    ['yes', true],
    ['On', true],
    ['n', false],
    ['True', true],
    ['tRue', 'tRue'],
    ['~', null],
    ['Null', null],
    ['0644', 420],
    ['0o17', 15],
    ['-0x1F', -31],
    ['0b101', 5],
    ['1_000', 1000],
    ['089', 89],
    ['+7', 7],
    ['1e3', 1000],
    ['.5', 0.5],
    ['1.', 1],
    ['e1234567', 'e1234567'],
    ['59e800', '59e800'],
    ['.', '.'],
    ['12:30', '12:30'],
    ['2001-01-01', '2001-01-01'],
    ['1.2.3', '1.2.3'],
    ['9007199254740991', 9007199254740991],
    ['9007199254740993', 9007199254740993n],
    ['-9223372036854775808', -9223372036854775808n],
    ['18446744073709551615', 18446744073709551615n],
    ['18446744073709551616', 18446744073709552000],
    ['!!str 7', '7'],
    ['"7"', '7'],
  ])('%s is read as kubectl reads it', (source, expected) => {
    expect(parse(source, manifestYaml)).toStrictEqual(expected)
  })

  it('loses digits in values, as with helm', () => {
    expect(parse('9007199254740993', valuesYaml)).toBe(9007199254740992)
  })

  it('is quoted when it would be read as something else', () => {
    for (const text of ['yes', '0644', '1e3', '12', '~', '']) {
      expect(parse(stringify(text, manifestYaml), manifestYaml)).toBe(text)
    }
  })
})
