import { describe, expect, it } from 'vitest'
import { isExactVersion, pickChartVersion, splitChartVersion } from './chart-version.ts'

describe('pickChartVersion', () => {
  const versions = ['1.0.0', 'v1.2.0', '1.10.0', '2.0.0-rc.1', '2.0.0', 'odd']
  it.each([
    ['1.0.0', '1.0.0'],
    ['1.2.0', 'v1.2.0'],
    ['v1.10.0', '1.10.0'],
    ['^1.0', '1.10.0'],
    ['>=1.0.0, <1.5.0', 'v1.2.0'],
    ['*', '2.0.0'],
    ['2.0.0-rc.1', '2.0.0-rc.1'],
    ['odd', 'odd'],
    ['>1.10.0-0, <2.0.0', '2.0.0-rc.1'],
    ['>=1.5.0, <2.0.0', '1.10.0'],
    ['!=2.0.0', '1.10.0'],
    ['=<1.5.0', 'v1.2.0'],
    ['~1.2 || ~1.10', '1.10.0'],
    ['', '2.0.0'],
    ['3.x', undefined],
    ['not a range', undefined],
  ])('%s is %s', (wanted, expected) => {
    expect(pickChartVersion(versions, wanted)).toBe(expected)
  })
})

it('knows an exact version from a range', () => {
  expect(['1.0.0', '1.x', '^1.0.0', '1.0'].map(isExactVersion)).toEqual([true, false, false, false])
})

it('takes a digest off a version', () => {
  const digest = `sha256:${'a1'.repeat(32)}`
  expect(splitChartVersion(`1.0.0@${digest}`)).toEqual({ version: '1.0.0', digest })
  expect([digest, `@${digest}`].map(splitChartVersion)).toEqual([
    { version: '', digest },
    { version: '', digest },
  ])
  for (const version of ['1.0.0', '^1', `1.0.0@${digest}0`, '1.0.0@sha512:00'])
    expect(splitChartVersion(version)).toEqual({ version })
})
