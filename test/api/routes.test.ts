import { describe, expect, it } from 'vitest'
import { AppError } from '../../src/domain/error.ts'
import { authorized, commit, createWorkbench, goodStatus, spec } from './workbench.ts'

type Bench = ReturnType<typeof createWorkbench>

async function get(app: Bench['app'], url: string) {
  const answer = await app.inject({ url, headers: authorized })
  return { status: answer.statusCode, body: answer.json() }
}

async function post(app: Bench['app'], url: string, payload?: object) {
  const answer = await app.inject({ method: 'POST', url, headers: authorized, ...(payload ? { payload } : {}) })
  return { status: answer.statusCode, body: answer.json() }
}

describe('probes', () => {
  it('is alive whatever happens, and ready while the cluster is reached', async () => {
    const { app, queue } = createWorkbench()
    queue.goAway()
    expect((await app.inject('/healthz')).body).toBe('OK')
    expect((await app.inject('/readyz')).json()).toMatchObject({
      ready: true,
      redis: { up: false },
      cluster: { version: 'v1.36.3' },
    })
  })

  it('is not ready without the cluster', async () => {
    const { app, clusterState } = createWorkbench()
    clusterState.failure = new AppError('ClusterUnavailable', 'gone')
    const answer = await app.inject('/readyz')
    expect([answer.statusCode, answer.json().cluster]).toEqual([
      503,
      { reachable: false, server: 'https://cluster.example:6443', version: '', message: 'gone' },
    ])
  })

  it('gives the metrics as they are', async () => {
    const answer = await createWorkbench().app.inject('/metrics')
    expect([answer.body, answer.headers['content-type']]).toEqual(['capstan_up 1\n', 'text/plain; version=0.0.4'])
  })
})

describe('status and sources', () => {
  it('answers in the promised shape and leaves out what is not declared', async () => {
    const { app, putStatus, putFetch } = createWorkbench()
    const failure = {
      id: 'a:deployment/b',
      file: 'deploy/b.yaml',
      line: 3,
      reason: 'ApplyRefused' as const,
      message: 'no',
      since: commit,
      secret: 'x',
    }
    putStatus({
      ...goodStatus,
      ready: false,
      reason: 'ApplyRefused',
      message: '1 of 3',
      failed: [failure],
      failedCount: 1,
    })
    await putFetch(commit)
    const { status, body } = await get(app, '/api/v1/status')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      ready: false,
      healthy: true,
      sources: [
        {
          namespace: 'capstan-system',
          name: 'default',
          revision: `main@${commit}`,
          attempted: `main@${commit}`,
          ready: false,
          reason: 'ApplyRefused',
          objects: 3,
          failed: [{ id: 'a:deployment/b', file: 'deploy/b.yaml', line: 3, reason: 'ApplyRefused', message: 'no' }],
        },
      ],
      releases: [],
    })
    expect(JSON.stringify(body)).not.toMatch(/secret|inventory|holder|hunter2/)
    expect((await get(app, '/api/v1/sources')).body).toEqual({ sources: body.sources, next: '' })
    expect((await get(app, '/api/v1/sources/capstan-system/default')).body).toEqual(body.sources[0])
  })

  it('fetches for a person who asks, first of all', async () => {
    const { app, queue } = createWorkbench()
    const { status, body } = await post(app, '/api/v1/sources/capstan-system/default/sync', { by: 'alice' })
    expect(status).toBe(202)
    expect(body).toEqual({ jobId: queue.jobs[0]?.id, requestedAt: expect.stringMatching(/Z$/) })
    expect(queue.requests).toEqual([
      {
        kind: 'fetch-source',
        namespace: 'capstan-system',
        name: 'default',
        reason: 'requested by alice',
        lane: 'person',
      },
    ])
    await post(app, '/api/v1/sources/capstan-system/default/sync')
    expect(queue.requests[1]?.reason).toBe('requested by the API')
  })

  it('knows no other source', async () => {
    const { app, queue } = createWorkbench()
    expect(await get(app, '/api/v1/sources/capstan-system/other')).toMatchObject({
      status: 404,
      body: { reason: 'NotFound' },
    })
    expect(await post(app, '/api/v1/sources/other/default/sync')).toMatchObject({ status: 404 })
    expect(await get(app, '/api/v1/sources/capstan-system/other/applied/0123456')).toMatchObject({ status: 404 })
    expect(await get(app, '/api/v1/sources/capstan-system/default/applied/main')).toMatchObject({ status: 400 })
    expect(await get(app, '/api/v1/sources/%2e%2e/..%2f..')).toMatchObject({ status: 404 })
    expect(await get(app, '/api/v1/sources/a/..%2f..')).toMatchObject({ status: 400 })
    expect(queue.requests).toEqual([])
  })

  it('refreshes everything for sync-git, as the Operator did', async () => {
    const { app, queue } = createWorkbench()
    const answer = await app.inject({ method: 'POST', url: '/api/v1/sync-git', headers: authorized })
    expect([answer.statusCode, answer.body]).toEqual([200, 'OK'])
    expect(queue.requests.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'fetch-source default',
      'resync releases',
    ])
  })
})

describe('releases', () => {
  it('lists, shows and asks for one', async () => {
    const { app, objects, queue } = createWorkbench()
    objects.push({
      apiVersion: 'helm.fluxcd.io/v1',
      kind: 'HelmRelease',
      metadata: { name: 'web', namespace: 'demo', generation: 1 },
      spec: { chart: { repository: 'http://c', name: 'web', version: '1' } },
    })
    const one = {
      namespace: 'demo',
      name: 'web',
      chart: 'web@1',
      revision: 0,
      state: 'absent',
      ready: false,
      reason: 'NotReady',
    }
    expect(await get(app, '/api/v1/releases')).toMatchObject({ status: 200, body: { releases: [one] } })
    expect(await get(app, '/api/v1/releases/demo/web')).toMatchObject({ status: 200, body: one })
    expect(await get(app, '/api/v1/releases/demo/other')).toMatchObject({ status: 404 })
    expect(await post(app, '/api/v1/releases/demo/web/sync', { by: 'bob' })).toMatchObject({ status: 202 })
    expect(await post(app, '/api/v1/releases/demo/other/sync')).toMatchObject({ status: 404 })
    expect(queue.requests).toEqual([
      { kind: 'sync-release', namespace: 'demo', name: 'web', reason: 'requested by bob', lane: 'person' },
    ])
  })

  it('does not take what cannot be read for nothing', async () => {
    const { app, clusterState } = createWorkbench()
    clusterState.failure = new AppError('ClusterUnavailable', 'gone')
    expect(await get(app, '/api/v1/releases')).toMatchObject({
      status: 503,
      body: { reason: 'ClusterUnavailable', detail: 'gone' },
    })
  })
})

describe('jobs', () => {
  it('lists by kind and state, and counts', async () => {
    const { app, queue, endJob } = createWorkbench()
    const { jobId } = await queue.enqueue({
      kind: 'fetch-source',
      namespace: 'a',
      name: 'one',
      reason: 'push',
      lane: 'webhook',
    })
    await queue.enqueue({ kind: 'sync-source', namespace: 'a', name: 'one', reason: 'push', lane: 'webhook' })
    endJob(jobId, { result: 'done' })
    const kinds = async (query: string) =>
      ((await get(app, `/api/v1/jobs${query}`)).body.jobs as { kind: string }[]).map(({ kind }) => kind)
    expect(await kinds('')).toEqual(['fetch-source', 'sync-source'])
    expect(await kinds('?kind=sync-source')).toEqual(['sync-source'])
    expect(await kinds('?kind=sync-source&kind=fetch-source&limit=1')).toEqual(['fetch-source'])
    expect(await kinds('?state=waiting')).toEqual(['sync-source'])
    expect((await get(app, '/api/v1/queues')).body.queues).toMatchObject({
      'fetch-source': { completed: 1 },
      'sync-source': { waiting: 1 },
    })
    expect(await get(app, `/api/v1/jobs/${jobId}`)).toMatchObject({ status: 200, body: { id: jobId, result: 'done' } })
  })

  it.each(['?kind=nonsense', '?state=gone', '?limit=0', '?limit=1001', '?limit=x'])('refuses %s', async (query) => {
    expect(await get(createWorkbench().app, `/api/v1/jobs${query}`)).toMatchObject({
      status: 400,
      body: { reason: 'InvalidRequest' },
    })
  })

  it('retries, promotes and cancels, with the name of who asked', async () => {
    const { app, queue } = createWorkbench()
    const { jobId } = await queue.enqueue({
      kind: 'fetch-source',
      namespace: 'a',
      name: 'one',
      reason: 'x',
      lane: 'change',
      delayMs: 1000,
    })
    expect(await post(app, `/api/v1/jobs/${jobId}/promote`)).toEqual({ status: 202, body: { jobId } })
    Object.assign(queue.jobs[0] ?? {}, { state: 'active' })
    expect(await post(app, `/api/v1/jobs/${jobId}/cancel`, { by: 'alice' })).toEqual({ status: 202, body: { jobId } })
    expect(queue.cancelled).toEqual([{ jobId, who: 'alice' }])
    expect(await post(app, `/api/v1/jobs/${jobId}/promote`)).toMatchObject({
      status: 409,
      body: { reason: 'NotPossible', detail: 'A job that is failed cannot be promoted.' },
    })
    expect(await post(app, `/api/v1/jobs/${jobId}/retry`)).toEqual({ status: 202, body: { jobId } })
    expect(await post(app, '/api/v1/jobs/none/retry')).toMatchObject({ status: 404 })
  })

  it('removes a job that waits', async () => {
    const { app, queue } = createWorkbench()
    const work = { kind: 'fetch-source', namespace: 'a', name: 'one', reason: 'x', lane: 'change' } as const
    const { jobId } = await queue.enqueue(work)
    expect(await post(app, `/api/v1/jobs/${jobId}/cancel`, { by: 'alice' })).toMatchObject({ status: 202 })
    expect(await post(app, `/api/v1/jobs/${jobId}/cancel`, { by: 'alice' })).toMatchObject({ status: 404 })
  })

  it('says 503 with what unblocks it when Redis is away', async () => {
    const { app, queue } = createWorkbench()
    queue.goAway()
    for (const url of ['/api/v1/jobs', '/api/v1/jobs/x', '/api/v1/queues']) {
      expect(await get(app, url)).toMatchObject({
        status: 503,
        body: { reason: 'RedisUnavailable', unblock: expect.stringMatching(/Redis/) },
      })
    }
    expect(await post(app, '/api/v1/sources/capstan-system/default/sync')).toMatchObject({ status: 503 })
    expect(await get(app, '/api/v1/status')).toMatchObject({ status: 200 })
  })
})

describe('image notifications', () => {
  const type = 'application/vnd.docker.distribution.events.v1+json'
  const event = (fields: object, host = '127.0.0.1:5000') => ({
    action: 'push',
    target: { repository: 'team/web', tag: '1.2.3', ...fields },
    request: { host },
  })

  async function notify(bench: Bench, events: object[], contentType = type) {
    const headers = { ...authorized, 'content-type': contentType }
    return await bench.app.inject({
      method: 'POST',
      url: '/api/v1/images/notify',
      headers,
      payload: JSON.stringify({ events }),
    })
  }

  it('scans each pushed repository once', async () => {
    const bench = createWorkbench()
    const answer = await notify(bench, [event({}), event({ tag: '1.2.4' }), event({ repository: 'other' })])
    expect([answer.statusCode, answer.json()]).toEqual([202, { jobIds: bench.queue.jobs.map(({ id }) => id) }])
    expect(bench.queue.requests).toEqual([
      {
        kind: 'scan-image',
        namespace: '',
        name: '127.0.0.1:5000/team/web',
        reason: 'push of tag 1.2.4',
        lane: 'webhook',
      },
      { kind: 'scan-image', namespace: '', name: '127.0.0.1:5000/other', reason: 'push of tag 1.2.3', lane: 'webhook' },
    ])
  })

  it.each<[string, object]>([
    ['a pull', { ...event({}), action: 'pull' }],
    ['no repository', { action: 'push', target: {}, request: { host: 'h' } }],
    ['no host', { action: 'push', target: { repository: 'a' } }],
    ['a repository that is no name', event({ repository: '../x' })],
    ['a host that is no name', event({}, 'h/../x')],
    ['nothing known', { foo: 'bar' }],
  ])('passes over %s', async (_what, odd) => {
    const bench = createWorkbench()
    expect((await notify(bench, [odd])).json()).toEqual({ jobIds: [] })
  })

  it('takes the host of the manifest’s URL where the request names none', async () => {
    const bench = createWorkbench()
    await notify(
      bench,
      [{ action: 'push', target: { repository: 'a', url: 'http://r.example:5000/v2/a/manifests/sha256:0' } }],
      'application/json',
    )
    expect(bench.queue.requests[0]).toMatchObject({ name: 'r.example:5000/a', reason: 'push' })
  })

  it('scans nothing where images are not done', async () => {
    const bench = createWorkbench({ enable: ['sync'] })
    expect((await notify(bench, [event({})])).json()).toEqual({ jobIds: [] })
  })

  it('refuses what is no notification', async () => {
    const { app } = createWorkbench()
    expect(await post(app, '/api/v1/images/notify', { events: 'x' })).toMatchObject({ status: 400 })
    expect(await post(app, '/api/v1/images/notify', {})).toMatchObject({ status: 400 })
  })
})

describe('a bug', () => {
  it('is told as one, without its text', async () => {
    const logged: object[] = []
    const log = {
      debug() {},
      info() {},
      warn() {},
      error: (fields: object) => void logged.push(fields),
      child: () => log,
    }
    const enqueue = async () => {
      throw new Error('password hunter2')
    }
    const { app } = createWorkbench({ app: { log, enqueue } })
    const { status, body } = await post(app, `/api/v1/sources/${spec.namespace}/${spec.name}/sync`)
    expect([status, body.reason]).toEqual([500, 'InternalError'])
    expect(JSON.stringify(body)).not.toContain('hunter2')
    expect(logged).toHaveLength(1)
  })
})

describe('the OpenAPI document', () => {
  it('names its schemas and says which routes need no token', async () => {
    const { body } = await get(createWorkbench().app, '/api/v1/openapi.json')
    expect(Object.keys(body.components.schemas)).toContain('Status')
    expect(Object.keys(body.components.schemas).join()).not.toMatch(/def-/)
    expect(body.paths['/api/v1/status'].get.responses['200'].content['application/json'].schema).toEqual({
      $ref: '#/components/schemas/Status',
    })
    expect(body.paths['/hooks/v1/{source}'].post.security).toEqual([])
    expect(body.paths['/api/v1/status'].get.security).toBeUndefined()
    expect(body.paths['/api/v1/jobs/{id}/retry'].post.requestBody.required).toBe(false)
    const operations = Object.values(body.paths as Record<string, Record<string, { operationId?: string }>>).flatMap(
      (path) => Object.values(path),
    )
    const ids = operations.map(({ operationId }) => operationId)
    expect(ids.filter((id) => !id)).toEqual([])
    expect(new Set(ids).size).toBe(ids.length)
  })
})
