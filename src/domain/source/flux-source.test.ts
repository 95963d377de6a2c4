import { expect, it } from 'vitest'
import { fluxSourceOf, isFluxSource } from './flux-source.ts'
import type { SourceSpec } from './spec.ts'

const spec = (name: string, origin: SourceSpec['origin'] = 'resource'): SourceSpec =>
  ({ namespace: 'capstan', name, origin }) as SourceSpec

it.each<[what: string, specs: SourceSpec[], expected: string | undefined]>([
  ['nothing where there is none', [], undefined],
  ['the only one', [spec('a')], 'a'],
  ['that of the flags among others', [spec('a'), spec('b', 'flags')], 'b'],
  ['none of several', [spec('a'), spec('b')], undefined],
])('fluxd speaks of %s', (_what, specs, expected) => {
  expect(fluxSourceOf(specs)?.name).toBe(expected)
  const meant = specs.filter((one) => isFluxSource(one, specs)).map(({ name }) => name)
  expect(meant).toEqual(expected === undefined ? [] : [expected])
  expect(isFluxSource({ namespace: 'other', name: 'a' }, specs)).toBe(false)
})
