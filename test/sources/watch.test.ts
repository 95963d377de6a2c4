import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readSource, sourceDefaults } from '../../src/domain/source/resource.ts'
import type { WorkRequest } from '../../src/domain/work/job.ts'
import { resync } from '../../src/jobs/resync.ts'
import type { KnownSource, SourceChange } from '../../src/jobs/source-registry.ts'
import { watchSources } from '../../src/jobs/watch-sources.ts'
import { quiet } from '../cluster/world.ts'
import { sourceObject } from './definition.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function known(name: string, spec: Record<string, unknown> = {}, more: object = {}): KnownSource {
  const object = sourceObject('team', name, spec)
  Object.assign(object.metadata, { uid: 'u', generation: 1, ...more })
  const reported = { reason: '', generation: 0 }
  return {
    namespace: 'team',
    name,
    object: { uid: 'u', generation: 1, request: '', ...more },
    reported,
    ...readSource(object, sourceDefaults),
  }
}

function lead(sources: KnownSource[]) {
  const asked: WorkRequest[] = []
  const reported: string[] = []
  const end = new AbortController()
  let tell: (change: SourceChange) => void = () => {}
  watchSources(
    { known: () => sources, onChange: (listener) => ((tell = listener), () => (tell = () => {})) },
    {
      enqueue: async (request) => (asked.push(request), { jobId: '' }),
      report: async ({ name, problem }) => void reported.push(`${name}: ${problem?.reason}`),
      log: quiet,
      random: () => 0.5,
    },
    end.signal,
  )
  const take = () => asked.splice(0).map(({ kind, name, reason, lane }) => `${kind} ${name} (${reason}, ${lane})`)
  return { take, reported, stop: () => end.abort(), tell: (change: SourceChange) => tell(change) }
}

describe('the watch of the leader', () => {
  it('asks for nothing at its start but keeps the intervals of each', () => {
    const { take, stop } = lead([
      known('often', { interval: '10s', syncInterval: '1h' }),
      known('seldom', { interval: '1h', syncInterval: '24h' }),
    ])
    expect(take()).toEqual([])
    vi.advanceTimersByTime(60_000)
    expect(take()).toEqual(Array.from({ length: 6 }, () => 'fetch-source often (periodic, periodic)'))
    vi.advanceTimersByTime(3_540_000)
    const hour = take()
    expect(hour.filter((one) => one.startsWith('fetch-source often')).length).toBeGreaterThan(340)
    expect(hour).toContain('sync-source often (periodic, periodic)')
    expect(hour.filter((one) => one.startsWith('fetch-source seldom'))).toHaveLength(1)
    stop()
    vi.advanceTimersByTime(3_600_000)
    expect(take()).toEqual([])
  })

  const changes: [string, SourceChange, string[]][] = [
    ['a new Source', { ...known('a'), kind: 'added' }, ['fetch-source a (new Source, change)']],
    [
      'a new generation',
      { ...known('a', {}, { generation: 4 }), kind: 'changed', before: { uid: 'u', generation: 3, request: '' } },
      ['fetch-source a (generation 4, change)'],
    ],
    [
      'a request by annotation, which goes before others',
      { ...known('a', {}, { request: 'now' }), kind: 'changed', before: { uid: 'u', generation: 1, request: '' } },
      ['fetch-source a (requested by annotation, person)'],
    ],
    [
      'a suspension, for which nothing is fetched',
      {
        ...known('a', { suspend: {} }, { generation: 2 }),
        kind: 'changed',
        before: { uid: 'u', generation: 1, request: '' },
      },
      ['sync-source a (generation 2, change)'],
    ],
    ['a deletion', { ...known('a'), kind: 'removed' }, []],
  ]
  it.each(changes)('answers %s', (_what, change, expected) => {
    const { take, tell, stop } = lead([])
    tell(change)
    expect(take()).toEqual(expected)
    stop()
  })

  it('stops the intervals of what is suspended, deleted or cannot be used, and reports the last', () => {
    const spec = { interval: '10s', syncInterval: '10s' }
    const { take, tell, reported, stop } = lead([
      known('a', spec),
      known('b', spec),
      known('c', spec),
      known('d', { ...spec, suspend: {} }),
    ])
    tell({ ...known('a', { ...spec, suspend: {} }), kind: 'changed' })
    tell({ ...known('b', spec), kind: 'removed' })
    tell({ ...known('c', { interval: '1s' }), kind: 'changed' })
    take()
    vi.advanceTimersByTime(600_000)
    expect(take()).toEqual([])
    expect(reported).toEqual(['c: InvalidSource'])
    stop()
  })

  it('uses a new interval at once', () => {
    const { take, tell, stop } = lead([known('a', { interval: '24h', syncInterval: '24h' })])
    tell({ ...known('a', { interval: '10s', syncInterval: '24h' }), kind: 'changed' })
    take()
    vi.advanceTimersByTime(30_000)
    expect(take()).toHaveLength(3)
    stop()
  })
})

describe('resync', () => {
  const specs = [known('a'), known('b', { suspend: {} })].flatMap(({ spec }) => spec ?? [])
  const flags = specs.slice(0, 1).map((spec) => ({ ...spec, name: 'flags', origin: 'flags' as const }))
  const table: [string, string, string, string[]][] = [
    ['the source of the flags at its interval', 'poll', 'periodic', ['fetch-source flags']],
    ['the source of the flags for a sync', 'sources', 'periodic', ['sync-source flags']],
    [
      'all that may be fetched when Redis was lost',
      'poll',
      'the queue was lost',
      ['fetch-source flags', 'fetch-source a'],
    ],
    ['all for a sync at the start', 'sources', 'start', ['sync-source flags', 'sync-source a', 'sync-source b']],
  ]
  it.each(table)('asks for %s', async (_what, name, reason, expected) => {
    const asked: string[] = []
    const sources = { list: () => [...flags, ...specs], get: () => undefined, remote: async () => ({ url: '' }) }
    const enqueue = async (request: WorkRequest) => (asked.push(`${request.kind} ${request.name}`), { jobId: '' })
    const cluster = { list: async () => [], resource: async () => undefined }
    const payload = { kind: 'resync' as const, namespace: '', name, reason, requestedAt: '' }
    const random = () => 0.5
    const own = { releaseNamespace: '', findOrphans: false, scanSpreadMs: 0, random }
    const deps = { sources, enqueue, cluster, scans: async () => [], ...own }
    await resync(payload, deps, new AbortController().signal)
    expect(asked).toEqual(expected)
  })

  it.each([
    ['periodic scans begin spread over a time', 'periodic', [0, 500, 750]],
    ['scans that are asked for begin at once', 'start', [0, 0, 0]],
  ])('%s', async (_what, reason, delays) => {
    const asked: number[] = []
    const chances = [0, 0.5, 0.75]
    const deps = {
      sources: { list: () => [], get: () => undefined, remote: async () => ({ url: '' }) },
      enqueue: async ({ delayMs = 0 }: WorkRequest) => (asked.push(delayMs), { jobId: '' }),
      cluster: { list: async () => [], resource: async () => undefined },
      scans: async () => ['r.example/a', 'r.example/b', 'r.example/c'],
      findOrphans: false,
      releaseNamespace: '',
      scanSpreadMs: 1000,
      random: () => chances.shift() ?? 0,
    }
    const payload = { kind: 'resync' as const, namespace: '', name: 'images', reason, requestedAt: '' }
    await resync(payload, deps, new AbortController().signal)
    expect(asked).toEqual(delays)
  })
})
