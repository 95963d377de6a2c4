import { describe, expect, it } from 'vitest'
import { dependentsOf, findCycle } from './dependency.ts'

const source = (name: string, ...needs: string[]) => ({
  namespace: 'a',
  name,
  dependsOn: needs.map((need) => ({ namespace: 'a', name: need })),
})

describe('findCycle', () => {
  it.each([
    ['no dependencies', [source('x')], undefined],
    ['a chain', [source('x', 'y'), source('y', 'z'), source('z')], undefined],
    ['itself', [source('x', 'x')], ['a/x', 'a/x']],
    ['a circle of three', [source('x', 'y'), source('y', 'z'), source('z', 'x')], ['a/x', 'a/y', 'a/z', 'a/x']],
    ['a circle that it is not part of', [source('x', 'y'), source('y', 'z'), source('z', 'y')], undefined],
    ['a dependency that does not exist', [source('x', 'gone')], undefined],
    [
      'two ways to the same dependency',
      [source('x', 'y', 'z'), source('y', 'w'), source('z', 'w'), source('w')],
      undefined,
    ],
  ])('%s', (_, sources, cycle) => {
    const [first] = sources
    expect(first && findCycle(first, sources)).toEqual(cycle)
  })
})

it('finds who waits for a source', () => {
  const sources = [source('x', 'y'), source('y'), source('z', 'x', 'y')]
  expect(dependentsOf({ namespace: 'a', name: 'y' }, sources).map(({ name }) => name)).toEqual(['x', 'z'])
})
