import { expect, it } from 'vitest'
import { mayPropose, reachOf } from './proposal.ts'

const plain = { namespace: 'team', serviceAccount: '', generate: false, gitSecret: false }
const bound = { ...plain, serviceAccount: 'deployer' }

it.each<[what: string, source: typeof plain, reach: string]>([
  ["a source that is applied with Capstan's rights reaches everywhere", plain, ''],
  ['one with a service account reaches its own namespace', bound, 'team'],
  ['whose generators run beside our credentials reaches everywhere', { ...bound, generate: true }, ''],
  ['whose files our keys open reaches everywhere', { ...bound, gitSecret: true }, ''],
])('%s', (_what, source, reach) => {
  expect(reachOf(source)).toBe(reach)
})

it.each<[seen: string | undefined, source: typeof plain, may: boolean]>([
  [undefined, plain, false],
  [undefined, bound, false],
  ['team', plain, false],
  ['team', bound, true],
  ['other', bound, false],
  ['', plain, true],
  ['', bound, true],
])('who may see %j whole, for %j: %s', (seen, source, may) => {
  expect(mayPropose(seen, source)).toBe(may)
})
