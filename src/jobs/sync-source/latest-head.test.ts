import { expect, it } from 'vitest'
import { fluxdSource, type SourceSpec } from '../../domain/source/spec.ts'
import type { FetchFact } from '../../domain/source/status.ts'
import { latestHead } from './latest-head.ts'
import type { SourceMemory } from './memory.ts'

const [old, newer] = ['a'.repeat(40), 'b'.repeat(40)]
const ref = { kind: 'branch', value: 'main' } as const
const spec = { ...fluxdSource, namespace: 'a', name: 'b', url: 'x', ref, verify: 'none' } as unknown as SourceSpec

/** A mirror that is at the old commit until somebody really fetches: a fetch of a moment ago brings nothing new. */
async function headAfter(seen: string | undefined, fact: Partial<FetchFact> | undefined) {
  let head = old
  const fetches: string[] = []
  const memory = { fetchSeen: seen } as unknown as SourceMemory
  const deps = {
    sources: { remote: async () => ({ url: 'x' }) },
    git: {
      async fetch(_remote: unknown, _signal: unknown, options: { maxAgeMs?: number } = {}) {
        const isYoung = (options.maxAgeMs ?? 0) > 0
        fetches.push(isYoung ? 'a young one will do' : 'anew')
        if (!isYoung) head = newer
      },
      resolve: async () => head,
    },
    lastFetch: async () => fact,
    log: { info() {} },
  } as unknown as Parameters<typeof latestHead>[1]
  const { commit } = await latestHead({ spec, since: '', memory }, deps, AbortSignal.timeout(5000))
  return { commit, fetches }
}

const fact = (at: string, head: string) => ({ at, head, reason: '' as const, message: '' })
const young = 'a young one will do'

it.each([
  ['the first sync, nobody has told of a fetch', { commit: old, fetches: [young] }],
  ['the first sync, what was told is what is here', { told: fact('1', old), commit: old, fetches: [young] }],
  [
    'the first sync, another process has seen more',
    { told: fact('1', newer), commit: newer, fetches: [young, 'anew'] },
  ],
  ['a later sync, nothing was fetched since', { seen: '1', told: fact('1', newer), commit: old, fetches: [] }],
  [
    'a later sync, another process has seen more',
    { seen: '1', told: fact('2', newer), commit: newer, fetches: ['anew'] },
  ],
  ['a later sync, another process has seen the same', { seen: '1', told: fact('2', old), commit: old, fetches: [] }],
] as const)('%s', async (_what, row) => {
  const { seen, told, commit, fetches } = { seen: undefined, told: undefined, ...row }
  expect(await headAfter(seen, told)).toEqual({ commit, fetches })
})
