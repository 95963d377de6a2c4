import { expect, it } from 'vitest'
import { syncSetName } from '../manifest/gc-mark.ts'
import { syncSetOf, syncSetsOf } from './sync-set.ts'

const flags = {
  origin: 'flags' as const,
  namespace: 'a',
  name: 'default',
  url: 'git@git.example:me/repo.git',
  branch: 'main',
  paths: ['x', 'y'],
}
const resource = { ...flags, origin: 'resource' as const }

it('is fluxd’s name for the flag source', () => {
  const name = syncSetName({ safeUrl: 'ssh://git@git.example/me/repo.git', branch: 'main', paths: ['x', 'y'] })
  expect(syncSetOf(flags)).toBe(name)
})

it('tells two Source objects of one repository, branch and path apart', () => {
  expect(syncSetOf(resource)).not.toBe(syncSetOf({ ...resource, name: 'other' }))
  expect(syncSetOf(resource)).not.toBe(syncSetOf({ ...resource, namespace: 'other' }))
})

it('stays the same when a Source object moves to another path', () => {
  expect(syncSetOf(resource)).toBe(syncSetOf({ ...resource, paths: ['z'], branch: 'next' }))
})

it('knows the names from before paths were changed, the newest first, each once and 20 at most', () => {
  const [first, second] = [flags, { ...flags, paths: ['x'] }]
  const known = syncSetsOf(second, syncSetsOf(first))
  expect(known).toEqual([syncSetOf(second), syncSetOf(first)])
  expect(syncSetsOf(second, known)).toEqual(known)
  expect(syncSetsOf(first, known)).toEqual([syncSetOf(first), syncSetOf(second)])
  const many = Array.from({ length: 30 }, (_, n) => `${n}`)
  expect(syncSetsOf(first, many)).toEqual([syncSetOf(first), ...many.slice(0, 19)])
})

it('knows no other name of a Source object, whatever was noted', () => {
  expect(syncSetsOf(resource, [syncSetOf(flags)])).toEqual([syncSetOf(resource)])
})
