import { describe, expect, it } from 'vitest'
import { AppError } from '../../src/domain/error.ts'
import { cause, image, json, post, send, web } from './flux-send.ts'
import { authorized, createWorkbench, spec, token } from './workbench.ts'

const bench = createWorkbench()

describe('a body', () => {
  it.each([
    ['no content type', {}],
    ['JSON', { 'content-type': 'application/json' }],
    ['JSON with a charset', { 'content-type': 'application/json; charset=utf-8' }],
    ['plain text', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['bytes', { 'content-type': 'application/octet-stream' }],
    ['something unheard of', { 'content-type': 'application/vnd.weave+cbor' }],
  ])('is read as JSON where the header says %s', async (_what, header) => {
    const sync = await post(bench, '/v9/update-manifests', { type: 'sync', cause, spec: {} }, { ...json, ...header })
    expect([sync.statusCode, sync.json()]).toEqual([200, bench.queue.jobs[0]?.id])
    expect((await post(bench, '/v9/git-repo-config', false, { ...json, ...header })).statusCode).toBe(200)
    const notified = await post(
      bench,
      '/v11/notify',
      { Kind: 'git', Source: { URL: spec.url } },
      { ...json, ...header },
    )
    expect([notified.statusCode, notified.body]).toEqual([202, ''])
  })

  it('may have fields that nobody knows, and nulls', async () => {
    const bench = createWorkbench()
    const update = { type: 'image', cause: null, spec: { ...image, New: { x: 1 } }, later: [] }
    const answer = await post(bench, '/v9/update-manifests', update)
    expect(answer.statusCode).toBe(200)
    expect((await bench.requests.find(answer.json()))?.ask).toEqual({
      kind: 'update-images',
      update: { type: 'image', cause: { Message: '', User: '' }, spec: { ...image, Excludes: [] } },
    })
  })
})

describe('an error', () => {
  const noRoute = [404, 'API endpoint not found'] as const
  const noJson = [400, 'the body is not JSON'] as const
  it.each([
    ['a job that nobody knows', 'GET /v6/jobs?id=none', undefined, [404, 'unknown job "none"']],
    ['no job', 'GET /v6/jobs', undefined, [404, 'unknown job ""']],
    ['no revision', 'GET /v6/sync', undefined, [404, 'no revision was named']],
    ['a route that there is not', 'GET /v12/ping', undefined, noRoute],
    ['the root', 'GET /', undefined, noRoute],
    ['a slash too many', 'GET /v11/ping/', undefined, noRoute],
    ['another method', 'GET /v9/update-manifests', undefined, noRoute],
    ['a method of nobody', 'DELETE /v6/services', undefined, noRoute],
    ['an upstream route', 'GET /v11/daemon', undefined, noRoute],
    ['a release without an image', `POST /v6/update-images?service=${web}&kind=plan`, undefined, noRoute],
    ['version 1', 'GET /v1/images', undefined, [410, 'API endpoint deprecated']],
    ['version 5', 'POST /v5/sync', 'x', [410, 'API endpoint deprecated']],
    ['no JSON', 'POST /v9/git-repo-config', '{', noJson],
    ['no body', 'POST /v9/git-repo-config', undefined, noJson],
    ['another value', 'POST /v9/git-repo-config', '"true"', [400, 'the body is not true or false']],
    ['a change of nothing', 'POST /v11/notify', '{}', [400, 'unknown kind of change']],
    [
      'a workload that is none',
      'GET /v11/services?services=web',
      undefined,
      [400, 'parsing service spec "web": invalid ID'],
    ],
    [
      'two filters',
      `GET /v11/services?services=${web}&namespace=shop`,
      undefined,
      [422, "cannot filter by 'namespace' and 'workloads' at the same time"],
    ],
    ['a field that is none', 'GET /v10/images?containerFields=Nmae', undefined, [422, 'Nmae is an invalid field']],
    ['no deploy key', 'POST /v6/identity.pub', undefined, [422, 'there is no deploy key that could be made anew']],
    ['a body of 1 MB', 'POST /v9/update-manifests', 'x'.repeat(1 << 20), [400, 'The request is too large.']],
  ] as const)('about %s is in the form of fluxd', async (_what, asked, body, [status, error]) => {
    const [method, path] = asked.split(' ') as ['GET' | 'POST' | 'DELETE', string]
    const answer = await send(bench, path, { method, ...(body === undefined ? {} : { body }) })
    expect([answer.statusCode, answer.headers['content-type'], answer.headers.location]).toEqual([
      status,
      'application/json; charset=utf-8',
      undefined,
    ])
    const type = status === 404 || status === 410 ? 'missing' : 'user'
    expect(answer.json()).toEqual({ type, error, help: expect.stringContaining(error) })
  })

  it('of the cluster, or of Redis, is one of the server, which may be asked again', async () => {
    const bench = createWorkbench()
    bench.clusterState.failure = new AppError('ClusterUnavailable', 'the API server does not answer')
    const list = await send(bench, '/v6/services?namespace=')
    expect([list.statusCode, list.headers['retry-after'], list.json()]).toEqual([
      500,
      '5',
      {
        type: 'server',
        error: 'the API server does not answer',
        help: expect.stringMatching(/^the API server .*\n\n/),
      },
    ])
    const update = { type: 'sync', cause, spec: {} }
    bench.queue.goAway()
    const away = await post(bench, '/v9/update-manifests', update)
    expect([away.statusCode, away.json()]).toEqual([
      500,
      { type: 'server', error: expect.stringContaining('Redis'), help: expect.stringContaining('Redis') },
    ])
    const broken = createWorkbench({ app: { enqueue: () => Promise.reject(new Error('secret of a bug')) } })
    const asked = await post(broken, '/v9/update-manifests', update)
    expect([asked.statusCode, asked.json().type]).toEqual([500, 'server'])
    expect(asked.body).not.toContain('secret')
  })

  it.each([
    ['the help as text where that is preferred', 'text/plain', 'text/plain; charset=utf-8', /^unknown job "x"\n\n/],
    ['JSON where both are as welcome', 'text/plain, application/json', 'application/json; charset=utf-8', /^\{/],
    ['the one of more weight', 'application/json;q=0.5, text/plain', 'text/plain; charset=utf-8', /\n\n/],
    ['the bare error where none is', 'image/png', 'text/plain; charset=utf-8', /^unknown job "x"$/],
    ['the bare error where nothing is said', '', 'text/plain; charset=utf-8', /^unknown job "x"$/],
  ])('gives %s', async (_what, accept, type, body) => {
    const headers = { ...authorized, accept }
    const answer = await send(bench, '/v6/jobs?id=x', { headers })
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([404, type])
    expect(answer.body).toMatch(body)
  })

  it.each([
    ['none', {}, 401],
    ['a wrong one', { authorization: 'Scope-Probe token=other' }, 401],
    ['one in the query', {}, 401],
    ["fluxctl's", { authorization: `Scope-Probe token=${token}` }, 200],
  ])('or none comes for a token: %s', async (what, headers, status) => {
    const query = what.includes('query') ? `?token=${token}` : ''
    const answer = await send(bench, `/v11/version${query}`, {
      headers: { ...headers, accept: 'application/json' },
    })
    expect(answer.statusCode).toBe(status)
    if (status === 401) expect(answer.json()).toMatchObject({ type: 'user', error: 'request failed authentication' })
  })
})

describe('without a token', () => {
  const routes =
    'v11/ping v11/version v6/services v11/services v6/images v10/images v6/jobs v6/sync v6/export v6/identity.pub v1/x x'
  const writes = ['v11/notify', 'v9/update-manifests', 'v9/git-repo-config', 'v6/update-images', 'v6/identity.pub']
  it.each([
    ...routes.split(' ').map((path) => ['GET', path] as const),
    ...writes.map((path) => ['POST', path] as const),
    ['PATCH', 'v6/policies'] as const,
  ])('%s %s is refused in the form of fluxd', async (method, path) => {
    const asked = bench.queue.requests.length
    const answer = await send(bench, `/${path}`, { method, headers: { accept: 'application/json' } })
    expect([answer.statusCode, answer.json().error]).toEqual([401, 'request failed authentication'])
    expect(bench.queue.requests).toHaveLength(asked)
  })
})

describe('an answer', () => {
  it.each([
    ['/v11/ping', 204, ''],
    ['/v11/version', 200, '"1.2.3"'],
    ['/v6/services?namespace=none', 200, '[]'],
    ['/v6/identity.pub', 200, '{"key":"","fingerprints":{}}'],
  ])('of %s is as Go reads it', async (path, status, body) => {
    const answer = await send(bench, path)
    expect([answer.statusCode, answer.body]).toEqual([status, body])
  })

  it('has a head alone where that is asked for', async () => {
    const answer = await send(bench, '/v6/export', { method: 'HEAD' })
    expect([answer.statusCode, answer.body]).toEqual([200, ''])
  })
})
