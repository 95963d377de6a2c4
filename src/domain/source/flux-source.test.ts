import { expect, it } from 'vitest'
import { fluxSourceOf, isFluxJob, isFluxSource } from './flux-source.ts'
import { requestJobName } from '../work/request.ts'
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

it.each([
  ['of itself', 'capstan', 'b', true],
  ['of a request', 'capstan', `b@${'0'.repeat(32)}`, true],
  ['of another source', 'capstan', 'a', false],
  ['of a request to another source', 'capstan', `a@${'0'.repeat(32)}`, false],
  ['of another namespace', 'other', 'b', false],
])('a job %s', (_what, namespace, name, expected) => {
  expect(isFluxJob({ namespace, name }, [spec('a'), spec('b', 'flags')])).toBe(expected)
  expect(isFluxJob({ namespace, name }, [spec('a'), spec('b')])).toBe(false)
})

it('a job of a request to a source whose name is cut in it', () => {
  const [id, name] = ['0'.repeat(32), 'n'.repeat(253)]
  const job = requestJobName({ id, name })
  expect(job).toHaveLength(253)
  expect(isFluxJob({ namespace: 'capstan', name: job }, [spec(name)])).toBe(true)
})
