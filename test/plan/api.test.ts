import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { countChanges, emptyPlan, type Plan } from '../../src/domain/plan/plan.ts'
import { requestIdOf } from '../../src/domain/work/request.ts'
import { writeTar } from '../../src/lib/tar.ts'
import { authorized, createWorkbench, spec } from '../api/workbench.ts'

const source = `/api/v1/sources/${spec.namespace}/${spec.name}`
const tar = writeTar([{ path: 'a.yaml', bytes: new TextEncoder().encode('password: hunter2hunter2') }])

function post(bench: ReturnType<typeof createWorkbench>, path: string, payload?: object | Buffer, type?: string) {
  const headers = { ...authorized, ...(type ? { 'content-type': type } : {}) }
  return bench.app.inject({ method: 'POST', url: `${source}${path}`, headers, ...(payload ? { payload } : {}) })
}

describe('asking for a plan', () => {
  it('makes a signed record and a job that only names it', async () => {
    const bench = createWorkbench()
    const answer = await post(bench, '/plans', { ref: 'main', by: 'alice', full: true })
    expect(answer.statusCode).toBe(202)
    const { job, plan } = answer.json()
    const [request] = bench.queue.requests
    expect(request).toEqual({
      kind: 'plan-source',
      namespace: spec.namespace,
      name: `${spec.name}@${plan}`,
      reason: 'requested by alice',
      lane: 'person',
    })
    expect(job).toBe(bench.queue.jobs[0]?.id)
    const read = await bench.requests.read({ ...(request as NonNullable<typeof request>) })
    expect(read.request).toMatchObject({
      by: 'alice',
      ask: { kind: 'plan-source', ref: 'main', files: false, full: true },
    })
  })

  it('needs no body', async () => {
    const bench = createWorkbench()
    expect((await post(bench, '/plans')).statusCode).toBe(202)
  })

  it.each([
    ['application/x-tar', Buffer.from(tar)],
    ['application/gzip', gzipSync(tar)],
  ])('takes a folder as %s and keeps it where nobody can read it', async (type, archive) => {
    const bench = createWorkbench()
    const answer = await post(bench, '/plans?by=alice&full=true', archive, type)
    expect(answer.statusCode).toBe(202)
    const { plan } = answer.json()
    expect(Buffer.from((await bench.requests.files(plan)) ?? [])).toEqual(archive)
    const stored = (await bench.store.get(`request-files:${plan}`)) ?? ''
    expect(Buffer.from(stored, 'base64').includes(archive.subarray(0, 20))).toBe(false)
  })

  it.each<[what: string, asked: [path: string, payload: object | Buffer, type: string], status: number]>([
    ['a folder beyond 10 MB', ['/plans', Buffer.alloc(10 * 1024 * 1024 + 1), 'application/x-tar'], 413],
    ['a long body', ['/plans', { ref: 'x'.repeat(70_000) }, 'application/json'], 413],
    ['an option for a ref', ['/plans', { ref: '--upload-pack=x' }, 'application/json'], 400],
    ['a ref with a line break', ['/plans', { ref: 'a\nb' }, 'application/json'], 400],
    ['another type', ['/plans', Buffer.from('x'), 'text/plain'], 415],
    ['a commit that is none', ['/approve', { commit: 'main' }, 'application/json'], 400],
    ['no commit', ['/approve', {}, 'application/json'], 400],
    ['a long reason', ['/suspend', { why: 'x'.repeat(1001) }, 'application/json'], 400],
  ])('refuses %s', async (_what, [path, payload, type], status) => {
    const bench = createWorkbench()
    expect((await post(bench, path, payload, type)).statusCode).toBe(status)
    expect(bench.queue.requests).toEqual([])
  })

  it.each(['/plans', '/approve', '/suspend', '/resume'])('%s of a source that is not there is 404', async (path) => {
    const bench = createWorkbench({ sources: [] })
    const answer = await post(bench, path, { commit: 'a'.repeat(40) })
    expect(answer.statusCode).toBe(404)
    expect(bench.queue.requests).toEqual([])
  })

  it('needs the token', async () => {
    const bench = createWorkbench()
    expect((await bench.app.inject({ method: 'POST', url: `${source}/plans` })).statusCode).toBe(401)
    expect((await bench.app.inject({ method: 'GET', url: '/api/v1/plans/x' })).statusCode).toBe(401)
  })

  it('says it when Redis is away', async () => {
    const bench = createWorkbench()
    bench.queue.goAway()
    expect((await post(bench, '/plans')).statusCode).toBe(503)
  })
})

describe('reading a plan', () => {
  const read = async (bench: ReturnType<typeof createWorkbench>, id: string) =>
    await bench.app.inject({ method: 'GET', url: `/api/v1/plans/${id}`, headers: authorized })

  it('goes from queued to done, whole', async () => {
    const bench = createWorkbench()
    const { plan: id } = (await post(bench, '/plans')).json()
    expect((await read(bench, id)).json()).toMatchObject({ id, state: 'queued', changes: [] })
    const done: Plan = {
      ...emptyPlan({ id, namespace: spec.namespace, name: spec.name }, 'done'),
      revision: 'main@x',
      finishedAt: '2026-11-21T10:00:00.000Z',
      changes: [
        {
          id: 'a:configmap/b',
          action: 'configured',
          file: 'a.yaml',
          line: 3,
          diff: '+a',
          overruled: ['kubectl: .data'],
        },
        { id: 'a:configmap/c', action: 'failed', file: 'c.yaml', line: 1, reason: 'ApplyRefused', message: 'no' },
      ],
      held: [{ id: 'a:configmap/d', file: 'd.yaml', reason: 'MassDeletion', message: 'many' }],
      counts: countChanges([], { unchanged: 2, held: 1 }),
      warnings: ['one'],
    }
    await bench.requests.putPlan(done)
    expect((await read(bench, id)).json()).toEqual(done)
  })

  it('is 404 for what is not there, not ours, or gone with Redis', async () => {
    const bench = createWorkbench()
    const { plan: id } = (await post(bench, '/plans')).json()
    await bench.store.set(`plan:${id}`, `${'0'.repeat(64)} {"state":"done"}`)
    expect((await read(bench, id)).json()).toMatchObject({ state: 'queued' })
    await bench.store.delete(`request:${id}`)
    for (const one of [id, 'x', '..%2f', 'f'.repeat(32)]) expect((await read(bench, one)).statusCode).toBe(404)
  })
})

describe('changing a source', () => {
  it.each<[path: string, body: object, ask: object]>([
    ['/approve', { commit: 'a'.repeat(40), by: 'bob' }, { change: 'approve', commit: 'a'.repeat(40) }],
    ['/suspend', { why: 'it rains', by: 'bob' }, { change: 'suspend', why: 'it rains' }],
    ['/resume', { by: 'bob' }, { change: 'resume' }],
  ])('%s is a request with who asks', async (path, body, ask) => {
    const bench = createWorkbench()
    const answer = await post(bench, path, body)
    expect(answer.statusCode).toBe(202)
    expect(answer.json()).toMatchObject({ jobId: bench.queue.jobs[0]?.id, requestedAt: expect.any(String) })
    const [asked] = bench.queue.requests
    expect(asked).toMatchObject({ kind: 'change-source', lane: 'person' })
    expect(requestIdOf(asked?.name ?? '')).toBeDefined()
    const { request } = await bench.requests.read({ ...(asked as NonNullable<typeof asked>) })
    expect(request).toMatchObject({ by: 'bob', ask })
  })

  it('is in the OpenAPI document', async () => {
    const bench = createWorkbench()
    await bench.app.ready()
    const { paths } = bench.app.swagger() as {
      paths: Record<string, { post?: { requestBody?: { required?: boolean; content: object } } }>
    }
    const plans = paths['/api/v1/sources/{namespace}/{name}/plans']?.post?.requestBody
    expect(Object.keys(plans?.content ?? {})).toEqual(['application/json', 'application/x-tar', 'application/gzip'])
    expect(plans?.required).toBe(false)
    expect(paths['/api/v1/plans/{id}']).toBeDefined()
    expect(paths['/api/v1/sources/{namespace}/{name}/suspend']?.post?.requestBody?.required).toBe(false)
  })
})
