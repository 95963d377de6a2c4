import { describe, expect, it } from 'vitest'
import { inputsOf, parseRecord, recordName, type ReleaseRecord } from './record.ts'

const record: ReleaseRecord = {
  version: 1,
  owner: { uid: 'u', namespace: 'a', name: 'b' },
  since: '2026-01-01T00:00:00Z',
  intent: { verb: 'upgrade', revision: 2, epoch: 'e', at: '', inputs: 'c+v' },
  applied: { chart: 'c', chartRevision: '1.0.0', values: 'v', revision: 1 },
  suspended: true,
  account: 'bot',
  good: 1,
  left: [{ namespace: 'a', release: 'old' }],
  upgrades: { inputs: 'c+v', generation: 1, count: 2, at: '2026-01-01T00:00:00Z' },
}

describe('parseRecord', () => {
  it('reads what was written', () => {
    expect(parseRecord(JSON.stringify(record))).toEqual(record)
  })

  it.each([
    ['nothing', undefined],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['a version that is not known', JSON.stringify({ ...record, version: 2 })],
    ['no owner', JSON.stringify({ ...record, owner: {} })],
  ])('gives nothing for %s', (_name, text) => {
    expect(parseRecord(text)).toBeUndefined()
  })

  it('drops a damaged part alone', () => {
    expect(
      parseRecord(
        JSON.stringify({
          ...record,
          applied: { chart: 1 },
          failed: 'x',
          upgrades: [],
          good: '1',
          suspended: 'yes',
          account: 1,
          left: [{ release: 1 }],
        }),
      ),
    ).toEqual({
      version: 1,
      owner: record.owner,
      since: record.since,
      intent: record.intent,
      left: [],
    })
  })
})

it('names the record after the release, and inputs by both digests', () => {
  expect(recordName('web')).toBe('capstan-release-web')
  expect(inputsOf({ chart: 'c', values: 'v' })).toBe('c+v')
})
