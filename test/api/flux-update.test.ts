import { describe, expect, it } from 'vitest'
import { emptyAnswer, type ImageAnswer } from '../../src/domain/image/answer.ts'
import type { UpdateSpec } from '../../src/domain/work/update-spec.ts'
import { cause, image, json, post, send, web } from './flux-send.ts'
import { commit, createWorkbench, goodStatus, spec } from './workbench.ts'

const read = { ...image, Excludes: [] }
const policy = (change: unknown) => ({ type: 'policy', cause, spec: { [web]: change } })
const containers = (one: unknown) => ({
  type: 'containers',
  cause,
  spec: { Kind: 'plan', ContainerSpecs: { [web]: [one] }, SkipMismatches: true, Force: true },
})
const ofImage = (change: object) => ({ type: 'image', cause, spec: { ...image, ...change } })
const readImage = (change: object) => ({ type: 'image', cause, spec: { ...read, ...change } })

const bench = createWorkbench()

describe('an update', () => {
  const all = { ServiceSpecs: ['<all>'], ImageSpec: '<all latest>' }
  const pinned = containers({ Container: 'a', Current: 'x:1', Target: 'x:2' })
  const free = containers({ Container: 'a', Target: 'x:2' })
  const lock = policy({ add: { locked: 'true', locked_msg: '' }, remove: {} })
  it.each([
    ['all workloads and the newest of all', ofImage(all), readImage(all)],
    ['a kind in capital letters', ofImage({ ServiceSpecs: ['shop:Deployment/web'] }), readImage({})],
    ['an exclusion', ofImage({ Excludes: ['shop:Deployment/x'] }), readImage({ Excludes: ['shop:deployment/x'] })],
    [
      'a name of two lines',
      { ...ofImage({}), cause: { Message: 'a\nb', User: 'Ada\n<x@y.z>' } },
      { ...readImage({}), cause: { Message: 'a\nb', User: 'Ada <x@y.z>' } },
    ],
    ['containers', pinned, pinned],
    ['containers, whatever they have now', free, free],
    ['policies as maps', lock, lock],
    [
      'policies as lists',
      policy({ add: ['automated'], remove: ['locked'] }),
      policy({ add: { automated: 'true' }, remove: { locked: 'true' } }),
    ],
    ['policies that are left out', policy({ add: null }), policy({ add: {}, remove: {} })],
  ])('with %s becomes a request of who asks', async (_what, sent, update) => {
    const answer = await post(bench, '/v9/update-manifests', sent)
    expect(answer.statusCode).toBe(200)
    const request = await bench.requests.find(answer.json())
    expect(request).toMatchObject({ namespace: spec.namespace, name: spec.name, by: update.cause.User })
    expect(request?.ask).toEqual({ kind: 'update-images', update })
    expect(bench.queue.requests.at(-1)).toMatchObject({ kind: 'update-images', lane: 'person' })
    const job = await send(bench, `/v6/jobs?id=${answer.json()}`)
    expect(job.json()).toEqual({ Result: { spec: update }, Err: '', StatusString: 'queued' })
  })

  const [x, y, z] = ['shop:deployment/x', 'shop:deployment/y', 'shop:deployment/z']
  it.each([
    [
      'policies',
      'PATCH /v6/policies?user=Ada%20%3Ca@b%3E&message=why',
      { [web]: { add: ['locked'] } },
      {
        type: 'policy',
        cause: { Message: 'why', User: 'Ada <a@b>' },
        spec: { [web]: { add: { locked: 'true' }, remove: {} } },
      },
    ],
    [
      'images',
      `POST /v6/update-images?service=${web}&service=${x}&image=app/web:2&kind=plan&exclude=${y}&exclude=${z}&user=Ada`,
      undefined,
      {
        ...readImage({ ServiceSpecs: [web, x], Kind: 'plan', Excludes: [y, z] }),
        cause: { Message: '', User: 'Ada' },
      },
    ],
  ] as const)('of %s by an older fluxctl is the same request', async (_what, asked, body, update) => {
    const [method, path] = asked.split(' ') as ['PATCH' | 'POST', string]
    const answer = await send(bench, path, { method, ...(body ? { body: JSON.stringify(body) } : {}) })
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'application/json; charset=utf-8'])
    expect((await bench.requests.find(answer.json()))?.ask).toEqual({ kind: 'update-images', update })
  })

  it.each([
    ['no JSON', 400, 'not JSON', 'the body is not JSON'],
    ['null', 400, null, 'the update spec is no object'],
    ['no type', 400, {}, 'no type in update spec'],
    ['a type of nobody', 400, { type: 'rollback' }, 'unknown spec type: rollback'],
    ['an automated release', 422, { type: 'auto', spec: {} }, 'unknown update type "auto"'],
    ['no spec', 400, { type: 'image' }, 'the spec is no object'],
    ['a user that is no text', 400, { ...ofImage({}), cause: { User: 1 } }, 'User is no text'],
    ['another kind of release', 400, ofImage({ Kind: 'try' }), 'invalid release kind'],
    ['a workload that is no ID', 400, ofImage({ ServiceSpecs: ['web'] }), 'invalid ID'],
    ['no workload', 422, ofImage({ ServiceSpecs: [] }), 'no workloads are named'],
    ['an image without a tag', 422, ofImage({ ImageSpec: 'app/web' }), 'invalid image ID'],
    ['an empty image', 400, containers({ Container: 'a', Current: '', Target: 'x:2' }), 'invalid image ID'],
    ['no container', 422, { ...containers({}), spec: { Kind: 'plan', ContainerSpecs: {} } }, 'no changes found'],
    ['a wrong pattern', 422, policy({ add: { 'tag.web': 'semver:no' } }), 'invalid tag pattern'],
    ['a policy of two names', 422, policy({ add: { 'a/b': 'true' } }), "'a/b' cannot be the name of a policy"],
    ['a novel', 422, policy({ add: { locked_msg: 'x'.repeat(2001) } }), 'longer than 2000 characters'],
    ['a policy that is no text', 400, policy({ add: { locked: true } }), 'locked is no text'],
    ['a policy of no ID', 400, { type: 'policy', cause, spec: { web: {} } }, 'invalid ID'],
  ])('with %s is refused with %i', async (_what, status, value, error) => {
    const body = typeof value === 'string' ? value : JSON.stringify(value)
    const asked = bench.queue.requests.length
    const answer = await send(bench, '/v9/update-manifests', { method: 'POST', body })
    const text = expect.stringContaining(error)
    expect([answer.statusCode, answer.json()]).toEqual([status, { type: 'user', error: text, help: text }])
    expect(bench.queue.requests).toHaveLength(asked)
  })

  it.each([
    ['there is no repository', { sources: [] }, 'no git repository is configured'],
    [
      'there are several',
      { sources: ['a', 'b'].map((name) => ({ ...spec, name, origin: 'resource' as const })) },
      'several git repositories are configured',
    ],
    ['images are switched off', { enable: ['sync' as const] }, 'images are switched off'],
  ])('is refused where %s', async (_what, options, error) => {
    const answer = await post(createWorkbench(options), '/v9/update-manifests', ofImage({}))
    expect([answer.statusCode, answer.json().error]).toEqual([422, error])
  })
})

describe('the status of an update', () => {
  const x = 'shop:deployment/x'
  const success = { [web]: { Status: 'success' as const } }
  const skipped = { [web]: { Status: 'skipped' as const, Error: 'locked' } }
  const failedX = { [x]: { Status: 'failed' as const, Error: 'no file' } }
  type Expected = { StatusString: string; Err?: string; Result?: object }
  const rows: [what: string, asked: unknown, answer: Partial<ImageAnswer>, expected: Expected][] = [
    ['runs', ofImage({}), { state: 'running' }, { StatusString: 'running' }],
    [
      'failed for now',
      ofImage({}),
      { state: 'running', reason: 'GitUnreachable', message: 'no route' },
      { StatusString: 'failed', Err: 'no route (it is tried again by itself)' },
    ],
    [
      'failed',
      ofImage({}),
      { state: 'failed', reason: 'NoTag', message: 'image x:1 does not exist' },
      { StatusString: 'failed', Err: 'image x:1 does not exist' },
    ],
    [
      'made a commit',
      ofImage({}),
      { state: 'done', revision: commit, result: { ...success, ...failedX } },
      { StatusString: 'succeeded', Result: { revision: commit, result: { ...success, ...failedX } } },
    ],
    [
      'had nothing to do',
      ofImage({}),
      { state: 'done', result: skipped },
      { StatusString: 'succeeded', Result: { result: skipped } },
    ],
    ['found no workload', ofImage({}), { state: 'done' }, { StatusString: 'succeeded' }],
    [
      'failed for the only workload',
      policy({ add: ['locked'] }),
      { state: 'done', result: { ...skipped, ...failedX } },
      { StatusString: 'failed', Err: `${x} failed: no file`, Result: { result: { ...skipped, ...failedX } } },
    ],
    [
      'failed for two workloads',
      policy({ add: ['locked'] }),
      { state: 'done', result: { [web]: { Status: 'failed' }, ...failedX } },
      {
        StatusString: 'failed',
        Err: `Multiple workloads failed: ${web}, ${x}`,
        Result: { result: { [web]: { Status: 'failed' }, ...failedX } },
      },
    ],
    [
      'was a dry run of what would fail',
      ofImage({ Kind: 'plan' }),
      { state: 'done', result: failedX },
      { StatusString: 'succeeded', Result: { result: failedX } },
    ],
    [
      'is about a name at which fluxctl would panic',
      ofImage({}),
      { state: 'done', revision: commit, result: { ...success, 'shop:deployment/{{ name }}': { Status: 'skipped' } } },
      { StatusString: 'succeeded', Result: { revision: commit, result: success } },
    ],
  ]
  it.each(rows)('that %s', async (_what, asked, answer, { Result = {}, ...expected }) => {
    const id = (await post(bench, '/v9/update-manifests', asked)).json() as string
    const request = await bench.requests.find(id)
    if (!request) throw new Error('there is no request')
    await bench.requests.putAnswer({ ...emptyAnswer(request, 'running'), ...answer })
    await bench.requests.end(request)
    const { update } = request.ask as { update: UpdateSpec }
    const status = (await send(bench, `/v6/jobs?id=${id}`)).json()
    expect(status).toEqual({ Err: '', ...expected, Result: { spec: update, ...Result } })
  })

  it('whose job was cancelled is a failure', async () => {
    const id = (await post(bench, '/v9/update-manifests', ofImage({}))).json() as string
    bench.endJob(bench.queue.jobs.at(-1)?.id ?? '', { state: 'failed', failure: 'cancelled by Ann' })
    const status = (await send(bench, `/v6/jobs?id=${id}`)).json()
    expect(status).toMatchObject({ StatusString: 'failed', Err: 'cancelled by Ann' })
  })

  it('whose job was cancelled before it began is a failure, and is never done', async () => {
    const id = (await post(bench, '/v9/update-manifests', ofImage({}))).json() as string
    const job = bench.queue.jobs.at(-1)
    const cancel = { method: 'POST', url: `/api/v1/jobs/${job?.id ?? ''}/cancel`, headers: json } as const
    expect(await bench.app.inject({ ...cancel, payload: { by: 'Ann' } })).toMatchObject({ statusCode: 202 })
    const status = (await send(bench, `/v6/jobs?id=${id}`)).json()
    expect(status).toMatchObject({ StatusString: 'failed', Err: 'cancelled by Ann' })
    expect(await bench.requests.answer(id)).toMatchObject({ state: 'failed', reason: 'Cancelled' })
    const { kind, namespace, name } = job ?? expect.fail()
    expect(await bench.requests.read({ kind, namespace, name })).toMatchObject({
      problem: expect.stringContaining('answered already'),
    })
  })

  it('that was forgotten, or was never one, is not known', async () => {
    const { namespace, name } = spec
    const list = { kind: 'update-images' as const, list: { workload: '', all: false } }
    const other = await bench.requests.put({ namespace, name, by: 'Ann', ask: list })
    for (const id of ['0'.repeat(32), other.id, '../etc'])
      expect((await send(bench, `/v6/jobs?id=${encodeURIComponent(id)}`)).statusCode).toBe(404)
  })
})

describe('the status of a sync', () => {
  const good = `main@${commit}`
  const unsigned = 'commit fedcba is not signed'
  it.each([
    ['has not begun', { state: 'waiting' as const }, {}, { StatusString: 'queued', Result: {} }],
    ['fetches', { state: 'active' as const }, {}, { StatusString: 'running', Result: {} }],
    [
      'could not fetch',
      { state: 'delayed' as const, failure: 'GitUnreachable: no route' },
      {},
      { StatusString: 'failed', Err: 'GitUnreachable: no route' },
    ],
    ['is done', { result: good }, {}, { StatusString: 'succeeded', Err: '', Result: { revision: commit } }],
    [
      'is done where objects failed',
      { result: good },
      { ready: false, reason: 'ApplyRefused' as const, message: '1 of 3 objects failed: x' },
      { StatusString: 'failed', Err: '1 of 3 objects failed: x', Result: { revision: commit } },
    ],
    [
      'found what is not signed, which fluxctl makes a warning of',
      { result: good },
      { ready: false, reason: 'SignatureInvalid' as const, message: unsigned },
      {
        StatusString: 'failed',
        Err: expect.stringMatching(/branch HEAD in the git repo is not verified.*last verified commit was 01234567/),
        Result: { revision: commit },
      },
    ],
  ])('that %s', async (_what, end, status, expected) => {
    const bench = createWorkbench()
    const id = (await post(bench, '/v9/update-manifests', { type: 'sync', cause, spec: {} })).json() as string
    bench.putStatus({ ...goodStatus, ...status })
    await bench.putFetch(commit)
    bench.endJob(id, end)
    expect((await send(bench, `/v6/jobs?id=${id}`)).json()).toMatchObject(expected)
  })
})
