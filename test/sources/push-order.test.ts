import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Git } from '../../src/adapters/git/index.ts'
import { readSource, sourceDefaults } from '../../src/domain/source/resource.ts'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import { fetchKey, parseFetchFact, type SourceStatus } from '../../src/domain/source/status.ts'
import type { WorkRequest } from '../../src/domain/work/job.ts'
import { fetchSource } from '../../src/jobs/fetch-source.ts'
import { createSyncMemory } from '../../src/jobs/sync-source/memory.ts'
import { createSiblings } from '../../src/jobs/touched.ts'
import { createFakeStore, type FakeStore } from '../fakes/store.ts'
import { quiet } from '../cluster/world.ts'
import { type GitServer, startGitServer } from '../git/git-server.ts'
import { makeGit, removeFolders } from '../git/make-git.ts'
import { sourceObject } from './definition.ts'

const many = 40
let server: GitServer
let git: Git
let specs: SourceSpec[]
let enqueued: Pick<WorkRequest, 'name' | 'lane' | 'reason'>[]
let run: (name: string, reason: string) => Promise<void>
let store: FakeStore
let attempted: Map<string, string>

beforeAll(async () => {
  server = await startGitServer()
})

afterAll(async () => {
  await server.close()
  removeFolders()
})

/** All are synced at what the repository holds now. */
beforeEach(async () => {
  const files = Array.from({ length: many }, (_, n) => [`apps/${n}/app.yaml`, `at: ${Date.now()}\n`])
  const commit = server.commit(Object.fromEntries(files) as Record<string, string>)
  attempted = new Map()
  git = makeGit()
  store = createFakeStore()
  enqueued = []
  const like = (name: string, change: Partial<SourceSpec>): SourceSpec => {
    attempted.set(name, `main@${commit}`)
    const { spec } = readSource(sourceObject('a', name, { url: server.url }), sourceDefaults)
    if (!spec) throw new Error('the Source cannot be read')
    return { ...spec, ...change }
  }
  specs = Array.from({ length: many }, (_, n) => like(`of-${n}`, { paths: [`apps/${n}`] }))
  specs.push(like('of-all', { paths: [] }))
  specs.push(like('other-login', { paths: ['apps/7'], secretName: 'login' }))
  specs.push(like('asleep', { paths: ['apps/7'], suspended: { by: 'me', why: '', since: '' } }))
  const sources = {
    list: () => specs,
    get: (_: string, name: string) => specs.find((one) => one.name === name),
    remote: async () => ({ url: server.url }),
  }
  const enqueue = async ({ kind, name, lane, reason }: WorkRequest) => {
    expect(kind).toBe('sync-source')
    enqueued.push({ name, lane, reason })
    return { jobId: `sync-source.${name}` }
  }
  const common = { sources, git, store, enqueue, log: quiet }
  const deps = {
    ...common,
    wakeSiblings: createSiblings(common),
    readStatus: async ({ name }: { name: string }) => ({ attempted: attempted.get(name) ?? '' }) as SourceStatus,
    memory: createSyncMemory(),
    now: () => new Date(),
  }
  run = async (name, reason) => {
    const payload = { kind: 'fetch-source', namespace: 'a', name, reason, requestedAt: '' } as const
    await fetchSource(payload, deps, new AbortController().signal)
  }
  await run('of-0', 'periodic')
  expect(enqueued).toEqual([])
})

describe('a push to a repository that many sources follow', () => {
  it('is synced first by those that it touches, whichever is fetched first; each is woken once', async () => {
    const commit = server.commit({ 'apps/7/app.yaml': `at: ${Date.now()}\n` })
    await run('of-0', 'push')
    expect(enqueued.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
      { name: 'of-0', lane: 'periodic', reason: 'push' },
      { name: 'of-7', lane: 'webhook', reason: 'push' },
      { name: 'of-all', lane: 'webhook', reason: 'push' },
    ])
    // a process whose mirror is older has to fetch before it syncs
    expect(parseFetchFact(await store.get(fetchKey('a', 'of-7')))?.head).toBe(commit)
    enqueued = []
    for (let n = 1; n < many; n++) await run(`of-${n}`, 'push')
    expect(enqueued).toHaveLength(many - 1)
    for (const { name, lane } of enqueued) expect(lane).toBe(name === 'of-7' ? 'webhook' : 'periodic')
  })

  it('is not what a person has to wait for, wherever it lies', async () => {
    server.commit({ 'apps/9/app.yaml': `at: ${Date.now()}\n` })
    await run('of-1', 'requested by me')
    expect(enqueued[0]).toMatchObject({ name: 'of-1', lane: 'person' })
    // nor does that person ask for anything of the others
    expect(enqueued).toContainEqual({ name: 'of-9', lane: 'change', reason: 'new revision' })
  })

  it('that takes commits back goes first, too', async () => {
    attempted.set('of-7', `main@${server.commit({ 'apps/7/app.yaml': `at: ${Date.now()}\n` })}`)
    server.git(['update-ref', 'refs/heads/main', 'refs/heads/main~1'])
    await run('of-7', 'push')
    expect(enqueued).toContainEqual({ name: 'of-7', lane: 'webhook', reason: 'push' })
  })

  it('is found by a poll, too', async () => {
    for (const spec of specs) Object.assign(spec, { pollIntervalMs: 0 })
    server.commit({ 'apps/9/app.yaml': `at: ${Date.now()}\n` })
    await run('of-1', 'periodic')
    expect(enqueued).toContainEqual({ name: 'of-9', lane: 'change', reason: 'new revision' })
    expect(enqueued).toContainEqual({ name: 'of-1', lane: 'periodic', reason: 'new revision' })
  })
})
