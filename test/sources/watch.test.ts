import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readSource, sourceDefaults } from '../../src/domain/source/resource.ts'
import type { WatchEvent } from '../../src/adapters/cluster/index.ts'
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
  const left: string[] = []
  const watched = new Map<string, (event: WatchEvent) => void>()
  const end = new AbortController()
  let tell: (change: SourceChange) => void = () => {}
  watchSources(
    { known: () => sources, onChange: (listener) => ((tell = listener), () => (tell = () => {})) },
    {
      cluster: {
        watch(query, listener) {
          watched.set(query.fieldSelector ?? query.namespace ?? '', listener)
          return {
            synced: Promise.resolve(),
            problem: () => undefined,
            stop: () => void watched.delete(query.fieldSelector ?? ''),
          }
        },
      },
      enqueue: async (request) => (asked.push(request), { jobId: '' }),
      report: async ({ name, problem }) => void reported.push(`${name}: ${problem?.reason}`),
      removed: async ({ name }) => void left.push(name),
      log: quiet,
      random: () => 0.5,
    },
    end.signal,
  )
  const take = () => asked.splice(0).map(({ kind, name, reason, lane }) => `${kind} ${name} (${reason}, ${lane})`)
  return { take, reported, left, watched, stop: () => end.abort(), tell: (change: SourceChange) => tell(change) }
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
    const { take, tell, reported, left, stop } = lead([
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
    expect(left).toEqual(['b'])
    stop()
  })

  it('asks at once when a Secret that it names comes later or changes, and no longer when nobody names it', () => {
    const sources = [
      known('a', { secretRef: { name: 'login' } }),
      known('b', { decryption: { provider: 'sops', secretRef: { name: 'keys' } }, sops: true }),
      known('c', { secretRef: { name: 'other' }, suspend: {} }),
    ]
    const { take, tell, watched, stop } = lead(sources)
    expect([...watched.keys()]).toEqual(['metadata.name=login', 'metadata.name=keys'])
    const came = (name: string, resourceVersion: string): void => {
      const metadata = { namespace: 'team', name, resourceVersion }
      watched.get(`metadata.name=${name}`)?.({
        type: 'changed',
        object: { apiVersion: 'v1', kind: 'Secret', metadata },
      })
    }
    watched.get('metadata.name=login')?.({ type: 'replaced', items: [] })
    expect(take()).toEqual([])
    came('login', '1')
    came('keys', '2')
    expect(take()).toEqual([
      'fetch-source a (Secret team/login changed, change)',
      'sync-source b (Secret team/keys changed, change)',
    ])
    sources.splice(0, 1)
    tell({ ...known('a', {}, { generation: 2 }), kind: 'removed' })
    expect([...watched.keys()]).toEqual(['metadata.name=keys'])
    stop()
    expect([...watched.keys()]).toEqual([])
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
    const own = { releaseNamespace: '', finalizer: true, scanSpreadMs: 0, random }
    const deps = { sources, enqueue, cluster, scans: async () => [], sinks: async () => [], ...own }
    await resync(payload, deps, new AbortController().signal)
    expect(asked).toEqual(expected)
  })

  const lanesOf: [string, string, string, Pick<WorkRequest, 'kind' | 'lane' | 'joinsRun'>][] = [
    ['the poll of a new leader', 'poll', 'start', { kind: 'fetch-source', lane: 'change' }],
    ['a sync after the queue was lost', 'sources', 'the queue was lost', { kind: 'sync-source', lane: 'change' }],
    ['a release at the start', 'releases', 'start', { kind: 'sync-release', lane: 'change', joinsRun: true }],
    [
      'a scan at the start: a registry that asked for a pause is left alone',
      'images',
      'start',
      { kind: 'scan-image', lane: 'periodic' },
    ],
    ['what sync-git asks for', 'poll', 'requested by sync-git', { kind: 'fetch-source', lane: 'change' }],
    [
      'what sync-git asks for: a release that failed is left its pause',
      'releases',
      'requested by sync-git',
      { kind: 'sync-release', lane: 'periodic' },
    ],
    ['periodic work', 'poll', 'periodic', { kind: 'fetch-source', lane: 'periodic' }],
    ['a periodic look at releases', 'releases', 'periodic', { kind: 'sync-release', lane: 'periodic', joinsRun: true }],
  ]
  it.each(lanesOf)('%s shortens a back-off or not', async (_what, name, reason, expected) => {
    const asked: WorkRequest[] = []
    const deps = {
      sources: { list: () => flags, get: () => undefined, remote: async () => ({ url: '' }) },
      enqueue: async (request: WorkRequest) => (asked.push(request), { jobId: '' }),
      cluster: {
        list: async () => [{ apiVersion: 'v1', kind: 'x', metadata: { namespace: 'team', name: 'r' } }],
        resource: async () => ({ plural: 'x', namespaced: true }) as never,
      },
      scans: async () => ['r.example/a'],
      sinks: async () => [],
      finalizer: true,
      releaseNamespace: '',
      scanSpreadMs: 0,
      random: () => 0.5,
    }
    await resync({ kind: 'resync', namespace: '', name, reason, requestedAt: '' }, deps, new AbortController().signal)
    expect(asked).toEqual([expect.objectContaining({ ...expected, reason })])
    expect(asked[0]?.joinsRun ?? false, 'only a look at a release is answered by one that goes on').toBe(
      expected.joinsRun ?? false,
    )
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
      sinks: async () => [],
      scans: async () => ['r.example/a', 'r.example/b', 'r.example/c'],
      finalizer: true,
      releaseNamespace: '',
      scanSpreadMs: 1000,
      random: () => chances.shift() ?? 0,
    }
    const payload = { kind: 'resync' as const, namespace: '', name: 'images', reason, requestedAt: '' }
    await resync(payload, deps, new AbortController().signal)
    expect(asked).toEqual(delays)
  })
})
