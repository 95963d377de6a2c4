import { describe, expect, it } from 'vitest'
import { printNote } from '../image/note.ts'
import type { SourceStatus } from '../source/status.ts'
import { eventsOfSync, type SyncFacts } from './from-sync.ts'
import { upstreamBody } from './upstream.ts'
import { appliedStatus } from '../../../test/fakes/source-status.ts'

const [one, two, three] = ['1', '2', '3'].map((digit) => digit.repeat(40)) as [string, string, string]
const cause = { User: 'ann', Message: 'ship it' }
const id = 'demo:deployment/web'
const result = {
  [id]: {
    Status: 'success' as const,
    PerContainer: [{ Container: 'web', Current: 'app:1', Target: 'app:2' }],
  },
}

function status(more: Partial<SourceStatus> = {}): SourceStatus {
  return appliedStatus(one, more)
}

function failing(ids: readonly string[], attempted = one): SourceStatus {
  const failed = ids.map((name) => ({
    id: name,
    file: 'a.yaml',
    line: 1,
    reason: 'ApplyRefused' as const,
    message: `${name} was refused`,
    since: one,
  }))
  const message = `${ids.length} of 3 objects failed`
  return status({ ready: false, reason: 'ApplyRefused', message, failed, attempted: `main@${attempted}` })
}

function facts(more: Partial<SyncFacts>): SyncFacts {
  return {
    source: { kind: 'source', namespace: 'capstan', name: 'default' },
    startedAt: '2026-11-21T10:00:00.000Z',
    endedAt: '2026-11-21T10:00:02.000Z',
    before: status(),
    after: status(),
    commits: [],
    notes: new Map(),
    changed: [],
    ...more,
  }
}

describe('what is told of a sync', () => {
  const never = status({ attempted: '', revision: '', message: '' })
  const waiting = status({ ready: false, reason: 'NotReady', message: '1 objects are not healthy yet' })
  const rows: [what: string, facts: Partial<SyncFacts>, told: number][] = [
    ['an idle resync', {}, 0],
    ['a new commit', { commits: [{ commit: two, message: 'x' }], after: status({ attempted: `main@${two}` }) }, 1],
    ['something broke at the same revision', { after: failing([id]) }, 1],
    ['it goes on failing', { before: failing([id]), after: failing([id]) }, 0],
    [
      'it goes on failing, and the files are read in another order',
      { before: failing([id, 'b']), after: failing(['b', id]) },
      0,
    ],
    ['something else fails', { before: failing([id]), after: failing(['demo:service/web']) }, 1],
    ['it is well again', { before: failing([id]) }, 1],
    ['it waits for health', { after: waiting }, 1],
    ['it goes on waiting', { before: waiting, after: waiting }, 0],
    ['the first sync of an empty repository', { before: never }, 0],
    ['the first sync fails', { before: never, after: failing([id]) }, 1],
  ]
  it.each(rows)('%s', (_what, more, told) => {
    expect(eventsOfSync(facts(more))).toHaveLength(told)
  })
})

describe('the event of a sync', () => {
  const commits = [
    { commit: three, message: 'Locked: demo:deployment/web\n' },
    { commit: two, message: 'Release app:2 to demo:deployment/web\n\nwhy not' },
    { commit: one, message: 'by hand' },
  ]
  const notes = new Map([
    [two, printNote({ jobID: 'a', spec: { type: 'image', cause, spec: imageSpec() }, result })],
    [three, printNote({ jobID: 'b', spec: { type: 'policy', cause, spec: {} }, result: {} })],
  ])

  it('names commits, what they are, failures and how it went', () => {
    const after = failing(['demo:service/web'], three)
    const [, sync] = eventsOfSync(facts({ commits, notes, after, changed: [id] }))
    expect(sync).toEqual({
      type: 'sync',
      serviceIDs: [id],
      startedAt: '2026-11-21T10:00:00.000Z',
      endedAt: '2026-11-21T10:00:02.000Z',
      logLevel: 'info',
      severity: 'error',
      reason: 'ApplyRefused',
      commit: three,
      source: { kind: 'source', namespace: 'capstan', name: 'default' },
      message: `Sync: 111111111111..333333333333, ${id}; ApplyRefused: 1 of 3 objects failed`,
      metadata: {
        commits: [
          { revision: three, message: 'Locked: demo:deployment/web' },
          { revision: two, message: 'Release app:2 to demo:deployment/web' },
          { revision: one, message: 'by hand' },
        ],
        includes: { update_policy: true, release: true, other: true },
        errors: [{ ID: 'demo:service/web', Path: 'a.yaml', Error: 'demo:service/web was refused' }],
      },
    })
  })

  it('comes after the releases that its commits made, oldest first', () => {
    const auto = printNote({
      jobID: 'c',
      spec: { type: 'auto', cause: { User: '', Message: '' }, spec: { Changes: [{ WorkloadID: id }] } },
      result,
    })
    const told = eventsOfSync(facts({ commits, notes: new Map([...notes, [one, auto]]) }))
    expect(told.map(({ type, commit, message }) => [type, commit, message])).toEqual([
      ['autorelease', one, 'Automated release of app:2'],
      ['release', two, `Released: app:2 to ${id}, by ann, with message "ship it"`],
      ['sync', one, 'Sync: 111111111111..333333333333, no workloads changed'],
    ])
    expect(told[1]?.metadata).toEqual({
      Revision: two,
      result,
      spec: { Type: 'releaseImageSpecType', ReleaseImageSpec: imageSpec(), ReleaseContainersSpec: null },
      cause,
    })
  })

  it('says what of a release failed', () => {
    const failed = { ...result, 'demo:deployment/b': { Status: 'failed' as const, Error: 'no such image' } }
    const note = printNote({ jobID: 'a', spec: { type: 'image', cause, spec: imageSpec() }, result: failed })
    const [release] = eventsOfSync(facts({ commits: commits.slice(1, 2), notes: new Map([[two, note]]) }))
    expect(release?.metadata).toMatchObject({ error: 'demo:deployment/b: no such image' })
  })

  it('is marked as the first one, which tells no releases of the past', () => {
    const told = eventsOfSync(facts({ before: status({ attempted: '' }), commits, notes }))
    expect(told.map(({ type }) => type)).toEqual(['sync'])
    expect(told[0]?.metadata).toMatchObject({ initialSync: true, includes: { other: true } })
  })

  it.each(['not JSON', '{}', '{"jobID":1}', '{"jobID":"a","result":{},"spec":{"type":"odd"}}'])(
    'takes a commit with the odd note %s for one of somebody else',
    (note) => {
      const told = eventsOfSync(facts({ commits: commits.slice(2), notes: new Map([[one, note]]) }))
      expect(told.map(({ type }) => type)).toEqual(['sync'])
      expect(told[0]?.metadata).toMatchObject({ includes: { other: true } })
    },
  )

  it('goes upstream with the fields that fluxd sends, and no others', () => {
    const [sync] = eventsOfSync(facts({ commits: commits.slice(2), changed: [id] }))
    expect(JSON.parse(upstreamBody(sync as NonNullable<typeof sync>))).toEqual({
      id: 0,
      serviceIDs: [id],
      type: 'sync',
      startedAt: '2026-11-21T10:00:00.000Z',
      endedAt: '2026-11-21T10:00:02.000Z',
      logLevel: 'info',
      metadata: { commits: [{ revision: one, message: 'by hand' }], includes: { other: true } },
    })
  })
})

function imageSpec() {
  return { ServiceSpecs: [id], ImageSpec: 'app:2', Kind: 'execute' as const, Excludes: [], Force: false }
}
