import { describe, expect, it } from 'vitest'
import { appliedStatus } from '../../test/fakes/source-status.ts'
import type { SourceStatus } from '../domain/source/status.ts'
import { createSourceReader } from './sources.ts'

const [first, second] = ['a', 'b'].map((letter) => letter.repeat(40)) as [string, string]

async function applied(status: SourceStatus | undefined, remembered: string | undefined): Promise<string[]> {
  const reader = createSourceReader({
    cluster: { get: async () => undefined },
    store: { get: async () => remembered },
    readStatus: async () => status,
    timeoutMs: 1000,
  })
  return await reader.applied({ namespace: 'ops', name: 'web' })
}

const remember = (commits: string[]): string =>
  JSON.stringify({ revision: `main@${commits[0]}`, commits, policies: {} })

describe('the applied commits', () => {
  it.each<[fact: string, status: SourceStatus | undefined, remembered: string | undefined, expected: string[]]>([
    ['none where nothing was synced', undefined, undefined, []],
    ['what was loaded whole and tried', appliedStatus(second, { loaded: `main@${second}` }), undefined, [second]],
    [
      'with objects that were refused, too',
      appliedStatus(second, { ready: false, revision: '', loaded: `main@${second}` }),
      remember([first]),
      [second, first],
    ],
    [
      'not what was tried and could not be read whole',
      appliedStatus(second, { ready: false, revision: `main@${first}`, loaded: `main@${first}` }),
      remember([first]),
      [first],
    ],
    ['not that before the first good one either', appliedStatus(second, { ready: false, revision: '' }), undefined, []],
    ['the clean one where an older version wrote the status', appliedStatus(second), undefined, [second]],
    [
      'once, and with those behind it',
      appliedStatus(second, { loaded: `main@${second}` }),
      remember([second, first]),
      [second, first],
    ],
  ])('%s', async (_fact, status, remembered, expected) => {
    expect(await applied(status, remembered)).toEqual(expected)
  })
})
