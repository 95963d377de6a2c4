import { describe, expect, it } from 'vitest'
import { authorized, createWorkbench, token } from './workbench.ts'

type Method = 'GET' | 'POST'
const closed: [Method, string][] = [
  ['GET', '/api/v1/status'],
  ['GET', '/api/v1/version'],
  ['GET', '/api/v1/identity'],
  ['GET', '/api/v1/overview'],
  ['GET', '/api/v1/overview/stream'],
  ['POST', '/api/v1/browser-links'],
  ['GET', '/api/v1/openapi.json'],
  ['GET', '/api/v1/sources'],
  ['GET', '/api/v1/sources/capstan-system/default'],
  ['GET', '/api/v1/sources/capstan-system/default/applied/0123456789abcdef0123456789abcdef01234567'],
  ['POST', '/api/v1/sources/capstan-system/default/sync'],
  ['POST', '/api/v1/sources/capstan-system/default/plans'],
  ['POST', '/api/v1/sources/capstan-system/default/approve'],
  ['POST', '/api/v1/sources/capstan-system/default/suspend'],
  ['POST', '/api/v1/sources/capstan-system/default/resume'],
  ['GET', '/api/v1/plans/x'],
  ['POST', '/api/v1/sync-git'],
  ['GET', '/api/v1/objects'],
  ['GET', '/api/v1/workloads'],
  ['GET', '/api/v1/images'],
  ['GET', '/api/v1/export'],
  ['GET', '/api/v1/releases'],
  ['GET', '/api/v1/releases/a/b'],
  ['POST', '/api/v1/releases/a/b/sync'],
  ['GET', '/api/v1/releases/a/b/history'],
  ['POST', '/api/v1/releases/a/b/plans'],
  ['POST', '/api/v1/releases/a/b/rollback'],
  ['POST', '/api/v1/releases/a/b/suspend'],
  ['POST', '/api/v1/releases/a/b/resume'],
  ['POST', '/api/v1/sources/a/b/release'],
  ['POST', '/api/v1/sources/a/b/policies'],
  ['POST', '/api/v1/sources/a/b/images'],
  ['POST', '/api/v1/sources/a/b/policy-tests'],
  ['GET', '/api/v1/answers/x'],
  ['POST', '/api/v1/policy-tests'],
  ['GET', '/api/v1/events'],
  ['GET', '/api/v1/events/export'],
  ['GET', '/api/v1/events/stream'],
  ['GET', '/api/v1/history'],
  ['GET', '/api/v1/sinks'],
  ['POST', '/api/v1/sinks/x/test'],
  ['POST', '/api/v1/sinks/x/replay'],
  ['GET', '/api/v1/explain'],
  ['GET', '/api/v1/queues'],
  ['GET', '/api/v1/jobs'],
  ['GET', '/api/v1/jobs/x'],
  ['GET', '/api/v1/jobs/x/log'],
  ['GET', '/api/v1/jobs/x/stream'],
  ['POST', '/api/v1/queues/sync-source/pause'],
  ['POST', '/api/v1/queues/sync-source/resume'],
  ['POST', '/api/v1/jobs/x/retry'],
  ['POST', '/api/v1/jobs/x/cancel'],
  ['POST', '/api/v1/jobs/x/promote'],
  ['POST', '/api/v1/images/notify'],
  ['GET', '/nothing/here'],
  ['POST', '/api/v1/nothing'],
]
const open = [
  '/healthz',
  '/readyz',
  '/metrics',
  '/hooks/v1',
  '/hooks/v1/:source',
  '/hooks/v1/images/push',
  '/hooks/v1/images/push/:key',
]

describe('who may call what', () => {
  const { app, queue } = createWorkbench()

  it.each(closed)('%s %s wants a token', async (method, url) => {
    const asked = queue.requests.length
    const tokens = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      `Bearer ${token}x`,
      `Bearer ${token.slice(1)}`,
      `Basic ${token}`,
      token,
    ]
    for (const authorization of [...tokens, `Scope-Probe token=x${token}`, `Bearer ${token} x`]) {
      const headers = authorization === undefined ? {} : { authorization }
      const answer = await app.inject({ method, url, headers })
      expect({ authorization, status: answer.statusCode }).toEqual({ authorization, status: 401 })
      expect(answer.headers['content-type']).toMatch('application/problem+json')
      expect(answer.json()).toMatchObject({ status: 401, reason: 'Unauthorized' })
      expect(answer.headers['www-authenticate']).toContain('Bearer')
    }
    const inQuery = await app.inject({ method, url: `${url}?token=${token}&access_token=${token}` })
    expect(inQuery.statusCode).toBe(401)
    expect(queue.requests).toHaveLength(asked)
  })

  it.each(['/healthz', '/readyz', '/metrics'])('%s is open', async (url) => {
    expect((await app.inject(url)).statusCode).toBe(200)
  })

  it.each([`Bearer ${token}`, `bearer  ${token}`, `Scope-Probe token=${token}`])('takes %s', async (authorization) => {
    expect((await app.inject({ url: '/api/v1/version', headers: { authorization } })).statusCode).toBe(200)
  })

  it('has no other routes than the tested ones', async () => {
    const document = (await app.inject({ url: '/api/v1/openapi.json', headers: authorized })).json()
    const known = closed.map(([, url]) => url)
    for (const path of Object.keys(document.paths)) {
      const pattern = new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
      const isKnown = known.some((url) => pattern.test(url)) || open.includes(path.replace(/\{(\w+)\}/, ':$1'))
      expect({ path, isKnown }).toEqual({ path, isKnown: true })
    }
  })

  it('accepts nothing while there is no token', async () => {
    const { app: bare } = createWorkbench({ app: { token: () => '' } })
    for (const authorization of ['Bearer ', 'Bearer', 'Scope-Probe token=']) {
      expect((await bare.inject({ url: '/api/v1/version', headers: { authorization } })).statusCode).toBe(401)
    }
  })

  it('refuses large bodies and odd ones before it looks at them', async () => {
    const headers = { ...authorized, 'content-type': 'application/json' }
    const url = '/api/v1/sources/capstan-system/default/sync'
    const large = await app.inject({
      method: 'POST',
      url,
      headers,
      payload: JSON.stringify({ by: 'x'.repeat(70_000) }),
    })
    expect([large.statusCode, large.json().reason]).toEqual([413, 'TooLarge'])
    const broken = await app.inject({ method: 'POST', url, headers, payload: '{"by":' })
    expect([broken.statusCode, broken.json().reason]).toEqual([400, 'InvalidRequest'])
    const wrong = await app.inject({ method: 'POST', url, headers, payload: '{"by":{}}' })
    expect([wrong.statusCode, wrong.json().reason]).toEqual([400, 'InvalidRequest'])
    const poisoned = await app.inject({ method: 'POST', url, headers, payload: '{"__proto__":{"by":"x"}}' })
    expect(poisoned.statusCode).toBe(400)
    const xml = await app.inject({
      method: 'POST',
      url,
      headers: { ...headers, 'content-type': 'text/xml' },
      payload: '<a/>',
    })
    expect([xml.statusCode, xml.json().reason]).toEqual([415, 'UnsupportedMediaType'])
  })

  it('answers what does not exist, once the token is right', async () => {
    const answer = await app.inject({ url: '/api/v1/nothing', headers: authorized })
    expect([answer.statusCode, answer.json().reason]).toEqual([404, 'NotFound'])
  })
})
