import { describe, expect, it } from 'vitest'
import { cpuMs } from '../../../test/fakes/cpu-ms.ts'
import { parseConstraint } from './constraint.ts'
import { rangeVectors, versionVectors } from './vectors.ts'
import { compareVersions, parseVersion } from './version.ts'

const versions = Object.keys(versionVectors).flatMap((text) => {
  const version = parseVersion(text)
  return version ? [{ text, version }] : []
})

describe('parseVersion', () => {
  it.each(Object.entries(versionVectors))('reads %j as the Go library does: %j', (text, normal) => {
    const version = parseVersion(text)
    const numbers = version && [version.major, version.minor, version.patch].join('.')
    expect(version ? `${numbers}${version.pre && `-${version.pre}`}` : null).toBe(normal?.replace(/\+.*/, '') ?? null)
  })
})

describe('parseConstraint', () => {
  it.each(Object.entries(rangeVectors))('finds in %j what the Go library finds', (range, expected) => {
    const constraint = parseConstraint(range)
    const found = constraint && versions.filter(({ version }) => constraint(version)).map(({ text }) => text)
    expect(found?.toSorted().join(' ') ?? null).toBe(expected)
  })

  // the pattern of the Go library would stand still for ever
  it('ends for texts made to be slow', () => {
    const hostile = [' '.repeat(256), '1   '.repeat(64), '>=1,  '.repeat(42), `${'1.'.repeat(127)}x`, '- 1 '.repeat(64)]
    hostile.push('1 - '.repeat(64), `1-${'a.'.repeat(127)}`, '||'.repeat(128), '1'.repeat(256), `${'1 '.repeat(127)}!`)
    for (const text of hostile) expect(cpuMs(() => parseConstraint(text))).toBeLessThan(10_000)
  })
})

describe('compareVersions', () => {
  it.each([
    ['1.2.3-alpha', '1.2.3'],
    ['1.2.3-alpha', '1.2.3-alpha.1'],
    ['1.2.3-alpha.1', '1.2.3-alpha.beta'],
    ['1.2.3-2', '1.2.3-11'],
    ['1.2.3-beta.2', '1.2.3-beta.11'],
    ['1.9.0', '1.10.0'],
    ['9007199254740992', '9007199254740993'],
  ])('%s comes before %s', (a, b) => {
    const [left, right] = [parseVersion(a), parseVersion(b)]
    if (!left || !right) throw new Error('not a version')
    expect(compareVersions(left, right)).toBeLessThan(0)
    expect(compareVersions(right, left)).toBeGreaterThan(0)
  })
  it('does not look at what follows the plus', () => {
    const [left, right] = [parseVersion('1.2.3+a'), parseVersion('v1.2.3+b')]
    expect(left && right && compareVersions(left, right)).toBe(0)
  })
})
