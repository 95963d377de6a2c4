import { describe, expect, it } from 'vitest'
import { makeEvent } from './event.ts'
import { type EventFilter, isWanted } from './filter.ts'

const event = makeEvent({
  type: 'helm_release',
  metadata: {},
  message: 'x',
  severity: 'warning',
  source: { kind: 'release', namespace: 'team-a', name: 'podinfo' },
  serviceIDs: ['demo:deployment/web'],
  startedAt: '2026-11-21T10:00:00.000Z',
  endedAt: '2026-11-21T10:05:00.000Z',
})

describe('a filter', () => {
  const rows: [what: string, filter: EventFilter, wanted: boolean][] = [
    ['nothing asked', {}, true],
    ['its type', { types: ['sync', 'helm_release'] }, true],
    ['another type', { types: ['sync'] }, false],
    ['no type at all', { types: [] }, false],
    ['a lower severity', { severity: 'info' }, true],
    ['its severity', { severity: 'warning' }, true],
    ['a higher severity', { severity: 'error' }, false],
    ['its name', { sources: ['podinfo'] }, true],
    ['its full name', { sources: ['team-a/podinfo'] }, true],
    ['the same name elsewhere', { sources: ['team-b/podinfo'] }, false],
    ['its namespace', { namespaces: ['team-a'] }, true],
    ['the namespace of a workload in it', { namespaces: ['demo'] }, true],
    ['another namespace', { namespaces: ['team-b'] }, false],
    ['workloads of that namespace alone', { namespaces: ['demo'], isStrict: true }, true],
    ['its own namespace, strictly', { namespaces: ['team-a'], isStrict: true }, true],
    ['a namespace of which it says nothing, strictly', { namespaces: ['team-b'], isStrict: true }, false],
    ['since it began', { since: '2026-11-21T10:01:00Z' }, true],
    ['since after its end', { since: '2026-11-21T10:05:01Z' }, false],
    ['all but one', { types: ['helm_release'], severity: 'error' }, false],
  ]
  it.each(rows)('%s', (_what, filter, wanted) => {
    expect(isWanted(event, filter)).toBe(wanted)
  })
})

describe('a strict filter', () => {
  it('leaves out what speaks of other namespaces, too', () => {
    const both = { ...event, serviceIDs: ['demo:deployment/web', 'other:deployment/web'] }
    const filter = { namespaces: ['demo'] }
    expect([isWanted(both, filter), isWanted(both, { ...filter, isStrict: true })]).toEqual([true, false])
    expect(isWanted({ ...event, serviceIDs: [] }, { ...filter, isStrict: true })).toBe(false)
  })
})

describe('the level in the log', () => {
  it('is info for the types of fluxd, and follows the severity of ours', () => {
    expect(event.logLevel).toBe('warn')
    const { source, startedAt, endedAt } = event
    const sync = makeEvent({ type: 'sync', metadata: {}, message: '', severity: 'error', source, startedAt, endedAt })
    expect(sync.logLevel).toBe('info')
  })
})
