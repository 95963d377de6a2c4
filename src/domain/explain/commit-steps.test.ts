import { describe, expect, it } from 'vitest'
import type { SourceStatus } from '../source/status.ts'
import { commitSteps } from './commit-steps.ts'
import { parseHistory, printHistory } from './history.ts'
import type { SourceFacts } from './source-steps.ts'
import { verdictOf } from './step.ts'

const [first, second, third] = ['a', 'b', 'c'].map((letter) => letter.repeat(40)) as [string, string, string]
const history = parseHistory(
  printHistory(third, [
    { commit: third, parents: [second] },
    { commit: second, parents: [first] },
    { commit: first, parents: [] },
  ]),
)
const status: SourceStatus = {
  version: 1,
  revision: `main@${second}`,
  attempted: `main@${third}`,
  ready: false,
  reason: 'ApplyRefused',
  message: '1 of 3 objects failed',
  objects: 3,
  failed: [],
  failedCount: 1,
  held: [],
  drifted: [],
  inventory: { parts: [], digest: '', count: 3 },
  holder: '',
  changedAt: '2026-11-21T09:50:00Z',
}
const facts: SourceFacts = {
  id: 'ops/web',
  follows: 'branch main',
  branch: 'main',
  status,
  failure: undefined,
  fetched: { at: '2026-11-21T09:59:30Z', head: third, reason: '', message: '' },
  pollIntervalMs: 60_000,
  suspended: undefined,
  fetch: undefined,
  sync: undefined,
  redisIsUp: true,
  now: Date.parse('2026-11-21T10:00:00Z'),
}
const away = { at: '2026-11-21T09:59:30Z', head: '', reason: 'GitUnreachable' as const, message: 'no route' }

describe('commitSteps', () => {
  it.each<[fact: string, commit: string, change: Partial<SourceFacts>, state: string, reason: string | undefined]>([
    ['what lies behind the applied revision is applied', first, {}, 'done', undefined],
    ['the applied revision is applied', second, {}, 'done', undefined],
    ['what was tried waits for what failed', third, {}, 'stopped', 'ApplyRefused'],
    [
      'what is held waits for its hold',
      third,
      { status: { ...status, reason: 'MassDeletion' } },
      'stopped',
      'MassDeletion',
    ],
    ['an applied commit stays applied while git is away', first, { fetched: away }, 'done', undefined],
    ['nothing was applied yet', first, { status: undefined }, 'waiting', 'NotReady'],
    [
      'a commit that is not signed well is not applied',
      third,
      { status: { ...status, reason: 'SignatureInvalid' } },
      'stopped',
      'SignatureInvalid',
    ],
  ])('%s', (...[, commit, change, state, reason]) => {
    if (!history) throw new Error('no history')
    const verdict = verdictOf(commitSteps(commit, history, { ...facts, ...change }))
    expect([verdict.state, verdict.cause?.reason]).toEqual([state, reason])
  })

  it('says where it is, and with what it was applied', () => {
    if (!history) throw new Error('no history')
    expect(commitSteps(first, history, facts).map(({ step, message }) => [step, message])).toEqual([
      ['revision', 'branch main has it, and is at ccccccc now'],
      ['apply', 'applied with main@bbbbbbb'],
    ])
  })
})
