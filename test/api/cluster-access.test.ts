import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { contextToken, createCluster } from '../../src/adapters/cluster/index.ts'
import { rememberReviews } from '../../src/api/access/reviews.ts'
import type { AppOptions } from '../../src/api/app-options.ts'
import { createReviews } from '../../src/main/cluster-access.ts'
import { createConnect } from '../../src/cli/connect.ts'
import { kubeconfigOf } from '../packaging/account.ts'
import { kubectl } from '../packaging/chart.ts'
import { gcMarkLabel } from '../../src/domain/manifest/annotations.ts'
import { gcMark } from '../../src/domain/manifest/gc-mark.ts'
import { syncSetOf } from '../../src/domain/source/sync-set.ts'
import { writeTar } from '../../src/lib/tar.ts'
import { stack } from '../stack/stack.ts'
import { createRolesWorld, type RolesWorld } from './roles.ts'
import { authorized, createWorkbench, goodStatus, silent, spec } from './workbench.ts'

let world: RolesWorld
const open: (() => Promise<void>)[] = []

beforeAll(async () => {
  world = await createRolesWorld()
})
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})
afterAll(async () => await world?.stop())

function bench(app: Partial<AppOptions> = {}) {
  const sources = [
    { ...spec, namespace: world.team, name: 'web' },
    { ...spec, namespace: world.home, name: 'default' },
  ]
  const made = createWorkbench({ sources, app: { access: world.access, ...app } })
  open.push(async () => await made.app.close())
  return made
}

function as(person: string): { authorization: string } {
  return { authorization: `Bearer ${world.tokenOf(person)}` }
}

async function tokenFor(person: string, ...args: string[]): Promise<string> {
  const { stdout } = await kubectl(['create', 'token', person, '--namespace', world.home, ...args])
  return stdout.trim()
}

function accessOf(audiences: readonly string[]): NonNullable<AppOptions['access']> {
  const cluster = createCluster({ kubeconfig: stack().kubeconfig, log: silent })
  open.push(async () => await cluster.close())
  return { home: world.home, ...rememberReviews(createReviews(cluster, audiences), () => performance.now()) }
}

describe('tokens of the cluster (hazard L1)', () => {
  it('takes none that was forged', async () => {
    const { app } = bench()
    const [head = '', body = '', signature = ''] = world.tokenOf('all-admin').split('.')
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const other = `${signature.slice(0, 9)}${signature[9] === 'A' ? 'B' : 'A'}${signature.slice(10)}`
    const forged = [
      `${encode({ alg: 'none' })}.${body}.`,
      `${encode({ alg: 'none', typ: 'JWT' })}.${body}.${signature}`,
      `${encode({ alg: 'HS256', typ: 'JWT' })}.${body}.${signature}`,
      `${head}.${encode({ ...claims, sub: 'system:masters' })}.${signature}`,
      `${head}.${encode({ ...claims, exp: Number(claims.exp) + 3600 })}.${signature}`,
      `${head}.${body}.${other}`,
      `${head}.${body}.`,
      `${head}.${body}`,
      'null',
      '{}',
    ]
    for (const token of forged) {
      const answer = await app.inject({ url: '/api/v1/version', headers: { authorization: `Bearer ${token}` } })
      expect({ token, status: answer.statusCode }).toEqual({ token, status: 401 })
    }
    expect((await app.inject({ url: '/api/v1/version', headers: as('all-admin') })).statusCode).toBe(200)
  })

  it('takes none that is meant for somebody else', async () => {
    const [ours, theirs] = [
      await tokenFor('all-view', '--audience=capstan'),
      await tokenFor('all-view', '--audience=vault'),
    ]
    const status = async (access: AppOptions['access'], token: string): Promise<number> => {
      const { app } = bench(access ? { access } : {})
      const answer = await app.inject({ url: '/api/v1/sources', headers: { authorization: `Bearer ${token}` } })
      return answer.statusCode
    }
    const [any, own] = [accessOf([]), accessOf(['capstan'])]
    expect([await status(any, theirs), await status(any, world.tokenOf('all-view'))]).toEqual([401, 200])
    expect([await status(own, ours), await status(own, theirs), await status(own, world.tokenOf('all-view'))]).toEqual([
      200, 401, 401,
    ])
  })

  it('lets an address try a few wrong ones, and goes on serving those that it knows', async () => {
    // the cluster is asked anew each time, as it is some seconds later
    const asked: AppOptions['access'] = {
      ...world.access,
      whose: async (token) => (token === world.tokenOf('all-view') ? { username: 'ada', groups: [] } : undefined),
    }
    const { app } = bench({
      access: asked,
      limits: { calls: { perSecond: 50, burst: 400 }, mistakes: { perSecond: 0.001, burst: 5 } },
    })
    expect((await app.inject({ url: '/api/v1/version', headers: as('all-view') })).statusCode).toBe(200)
    const tried: number[] = []
    for (let index = 0; index < 8; index++) {
      const headers = { authorization: `Bearer wrong-${index}` }
      tried.push((await app.inject({ url: '/api/v1/version', headers })).statusCode)
    }
    expect(tried).toEqual([401, 401, 401, 401, 401, 429, 429, 429])
    const late = await app.inject({ url: '/api/v1/version', headers: { authorization: 'Bearer wrong' } })
    expect(late.json()).toMatchObject({ reason: 'TooManyRequests', retryAfter: expect.any(Number) })
    expect(Number(late.headers['retry-after'])).toBeGreaterThan(0)
    for (const headers of [authorized, as('all-view')])
      expect((await app.inject({ url: '/api/v1/version', headers })).statusCode).toBe(200)
    expect((await app.inject({ url: '/api/v1/version' })).statusCode).toBe(401)
  })
})

describe('rights of the cluster (hazard L2)', () => {
  it('let nobody in while they cannot be asked, but who has the token of the file', async () => {
    const gone = {
      ...accessOf([]),
      whose: async (token: string) => await world.access.whose(token),
      may: () => Promise.reject(new Error('gone')),
    }
    for (const access of [gone, { ...gone, whose: () => Promise.reject(new Error('gone')) }]) {
      const { app } = bench({ access })
      const answer = await app.inject({ url: `/api/v1/sources?namespace=${world.team}`, headers: as('all-admin') })
      expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '5'])
      expect(answer.json()).toMatchObject({ reason: 'ClusterUnavailable', retryAfter: 5 })
      expect((await app.inject({ url: '/api/v1/sources', headers: authorized })).statusCode).toBe(200)
    }
  })

  it('let nobody in where we may not ask', async () => {
    const { app } = bench({
      access: {
        home: world.home,
        ...rememberReviews(await asNobody(), () => performance.now()),
      },
    })
    const answer = await app.inject({ url: '/api/v1/sources', headers: as('all-admin') })
    expect([answer.statusCode, answer.json().reason]).toEqual([503, 'Forbidden'])
    expect(answer.json().detail).toContain('tokenreviews')
  })

  it('say the same of what is not there and of what may not be seen, and ask the cluster as often', async () => {
    const asked: string[] = []
    const { access } = world
    const { app, queue } = bench({
      access: {
        home: access.home,
        whose: async (token) => {
          asked.push('whose')
          return await access.whose(token)
        },
        may: async (user, right) => {
          asked.push(`may ${right.verb} ${right.resource}`)
          return await access.may(user, right)
        },
      },
    })
    const work = { kind: 'sync-source', namespace: world.team, name: 'web', reason: 'a test', lane: 'person' } as const
    const { jobId } = await queue.enqueue(work)
    const ask = async (id: string) => {
      asked.length = 0
      const answer = await app.inject({ url: `/api/v1/jobs/${encodeURIComponent(id)}`, headers: as('other-admin') })
      return { status: answer.statusCode, body: answer.body.replaceAll(id, 'ID'), asked: [...asked] }
    }
    const [hidden, absent] = [await ask(jobId), await ask('sync-source.no-such-job')]
    expect(hidden).toEqual(absent)
    expect([hidden.status, hidden.asked]).toEqual([404, ['whose', 'may get jobs']])
  })

  it('name who asks, whatever the request claims', async () => {
    const { app, queue } = bench()
    const user = `system:serviceaccount:${world.home}:team-edit`
    const claims = { by: 'root' }
    await app.inject({
      method: 'POST',
      url: `/api/v1/sources/${world.team}/web/sync`,
      headers: as('team-edit'),
      payload: claims,
    })
    expect(queue.requests.at(-1)?.reason).toBe(`requested by ${user}`)
    const asked = await app.inject({
      method: 'POST',
      url: `/api/v1/sources/${world.home}/default/release`,
      headers: as('team-edit'),
      payload: { ...claims, workloads: [`${world.team}:deployment/web`] },
    })
    expect(asked.statusCode).toBe(202)
    // who asked sees what became of it, also where the source is out of reach; nobody else of the team does
    for (const path of [`answers/${asked.json().answer}`, `jobs/${encodeURIComponent(asked.json().job)}`]) {
      expect((await app.inject({ url: `/api/v1/${path}`, headers: as('team-edit') })).statusCode).toBe(200)
      expect((await app.inject({ url: `/api/v1/${path}`, headers: as('team-admin') })).statusCode).toBe(404)
    }
    expect(queue.requests.at(-1)?.reason).toBe(`requested by ${user}`)
  })

  it('are looked at for every workload that is named', async () => {
    const { app, queue } = bench()
    const release = async (payload: object): Promise<number> => {
      const url = `/api/v1/sources/${world.team}/web/release`
      return (await app.inject({ method: 'POST', url, headers: as('team-edit'), payload })).statusCode
    }
    const [own, foreign] = [`${world.team}:deployment/web`, `${world.other}:deployment/web`]
    expect(await release({ workloads: [own] })).toBe(202)
    const before = queue.requests.length
    expect(await release({ workloads: [own, foreign] })).toBe(403)
    expect(await release({})).toBe(403)
    expect(await release({ workloads: ['<all>'] })).toBe(403)
    expect(await release({ containers: { [own]: [], [foreign]: [{ container: 'a', target: 'b:1' }] } })).toBe(403)
    expect(queue.requests).toHaveLength(before)
  })

  it('are none for what names nothing', async () => {
    const { app, queue } = bench()
    const before = queue.requests.length
    const url = `/api/v1/sources/${world.team}/web/policies`
    const v1 = await app.inject({ method: 'POST', url, headers: as('nobody'), payload: { workloads: {} } })
    expect(v1.statusCode).toBe(400)
    const payload = JSON.stringify({ type: 'policy', cause: {}, spec: {} })
    const flux = await app.inject({
      method: 'POST',
      url: '/api/flux/v9/update-manifests',
      headers: as('nobody'),
      payload,
    })
    expect([400, 403, 422]).toContain(flux.statusCode)
    expect(queue.requests).toHaveLength(before)
  })

  it('to see objects whole are needed for what a source does not follow: where it may look', async () => {
    const bound = { ...spec, namespace: world.team, name: 'bound', serviceAccount: 'deployer' }
    const sources = [
      { ...spec, namespace: world.team, name: 'web' },
      bound,
      { ...bound, name: 'generated', generate: true },
    ]
    const made = createWorkbench({ sources, app: { access: world.access } })
    open.push(async () => await made.app.close())
    const payload = Buffer.from(writeTar([{ path: 'a.yaml', bytes: Buffer.from('kind: ConfigMap') }]))
    const send = async (source: string, person: string, body: Buffer | object) => {
      const headers = { ...as(person), ...(Buffer.isBuffer(body) ? { 'content-type': 'application/x-tar' } : {}) }
      const url = `/api/v1/sources/${world.team}/${source}/plans`
      return await made.app.inject({ method: 'POST', url, headers, payload: body })
    }
    const seenOf = async (source: string, person: string, body: Buffer | object) => {
      const answer = await send(source, person, body)
      if (answer.statusCode !== 202) return answer.statusCode
      const { ask } = (await made.requests.find(answer.json().plan)) ?? {}
      return ask?.kind === 'plan-source' ? (ask.seen ?? 'none') : undefined
    }
    const table: [source: string, person: string, upload: string | number, ref: string | number][] = [
      ['web', 'other-admin', 403, 403],
      ['web', 'team-view', 403, 'none'],
      ['web', 'team-admin', 403, 'none'],
      ['web', 'all-view', 403, 'none'],
      ['web', 'all-edit', '', ''],
      ['bound', 'team-view', 403, 'none'],
      ['bound', 'team-edit', world.team, world.team],
      ['generated', 'team-admin', 403, 'none'],
      ['generated', 'all-edit', '', ''],
    ]
    for (const [source, person, upload, ref] of table) {
      const found = [await seenOf(source, person, payload), await seenOf(source, person, { ref: 'theirs' })]
      expect([source, person, ...found]).toEqual([source, person, upload, ref])
    }
    const denied = await send('web', 'team-admin', payload)
    expect(denied.json().detail).toContain('may not list workloads.capstan.dev in all namespaces')
    // what the source follows is for all who may ask for plans
    expect(await seenOf('web', 'team-view', {})).toBe('none')

    const { plan } = (await send('web', 'all-edit', payload)).json()
    const read = async (person: string): Promise<number> =>
      (await made.app.inject({ url: `/api/v1/plans/${plan}`, headers: as(person) })).statusCode
    expect([await read('all-edit'), await read('all-admin'), await read('team-admin')]).toEqual([200, 200, 404])
  })

  it('show of lists what is in the namespaces that were asked for', async () => {
    const { app } = bench()
    const list = async (query: string) => await app.inject({ url: `/api/v1/sources${query}`, headers: as('team-view') })
    const own = await list(`?namespace=${world.team}`)
    expect(own.json().sources).toMatchObject([{ namespace: world.team, name: 'web' }])
    for (const query of ['', `?namespace=${world.home}`, `?namespace=${world.team}&namespace=${world.home}`]) {
      const answer = await list(query)
      expect([query, answer.statusCode, answer.json().reason]).toEqual([query, 403, 'NotAllowed'])
      expect(answer.json().detail).toMatch(/may not list sources\.capstan\.dev in /)
    }
    const status = await app.inject({ url: `/api/v1/status?namespace=${world.team}`, headers: as('team-view') })
    expect(status.json().sources).toMatchObject([{ namespace: world.team }])
  })
})

describe('an explanation', () => {
  const words = 'the password of the database is wrong'

  /** A workload of the team that says what made it, and in another namespace a release and a source that fail. */
  function explaining(say: { annotations?: Record<string, string>; labels?: Record<string, string> }) {
    const source = { ...spec, namespace: world.home, name: 'default' }
    const made = createWorkbench({
      sources: [source, { ...spec, namespace: world.team, name: 'web' }],
      app: { access: world.access },
    })
    open.push(async () => await made.app.close())
    made.putStatus({ ...goodStatus, suspended: { by: 'ana', why: words, since: '' } }, source)
    made.objects.push(
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { namespace: world.team, name: 'x', ...say },
        spec: { replicas: 0, selector: { matchLabels: { app: 'x' } }, template: { spec: { containers: [] } } },
      },
      {
        apiVersion: 'helm.fluxcd.io/v1',
        kind: 'HelmRelease',
        metadata: { namespace: world.other, name: 'db', generation: 1 },
        spec: { releaseName: 'pg', chart: { repository: 'https://charts.example', name: 'pg', version: '1.0.0' } },
        status: { conditions: [{ type: 'Released', status: 'False', reason: 'HelmFailed', message: words }] },
      },
    )
    return async (person: string, subject = `${world.team}:deployment/x`) => {
      const url = `/api/v1/explain?subject=${encodeURIComponent(subject)}`
      const answer = await made.app.inject({ url, headers: as(person) })
      return { status: answer.statusCode, text: answer.body, steps: answer.json().steps as { message: string }[] }
    }
  }

  const antecedent = () => ({ 'helm.fluxcd.io/antecedent': `${world.other}:helmrelease/db` })
  const ownedByHelm = () => ({
    'meta.helm.sh/release-name': 'pg',
    'meta.helm.sh/release-namespace': world.other,
  })

  it('follows the word of a workload on what made it for who may read that alone', async () => {
    const explain = explaining({ annotations: { ...antecedent(), ...ownedByHelm() } })
    const told = await explain('team-admin')
    expect(told.status).toBe(200)
    expect(told.text).not.toContain(words)
    expect(told.steps.map(({ message }) => message)).toContain(
      `by its own account it comes from a HelmRelease in namespace ${world.other}, which you may not read`,
    )
    expect((await explain('all-view')).text).toContain(words)
  })

  it('does not follow it to a release whose objects helm does not say that it is', async () => {
    for (const annotations of [antecedent(), { ...antecedent(), ...ownedByHelm(), 'meta.helm.sh/release-name': 'x' }]) {
      const { status, text } = await explaining({ annotations })('all-admin')
      expect([status, text.includes(words)]).toEqual([200, false])
    }
  })

  it('tells of the source whose mark a workload carries to who may read that alone', async () => {
    const ref = { kind: 'Deployment', namespace: world.team, name: 'x' }
    const mark = gcMark(syncSetOf({ ...spec, namespace: world.home, name: 'default' }), ref)
    const explain = explaining({ labels: { [gcMarkLabel]: mark } })
    const told = await explain('team-admin')
    expect([told.status, told.text.includes(words)]).toEqual([200, false])
    expect(told.text).toContain(`comes from a source in namespace ${world.home}, which you may not read`)
    expect((await explain('all-view')).text).toContain(words)
  })

  it.each([
    ['a workload that is nowhere', () => `${world.team}:deployment/db`],
    ['an object that is nowhere', () => `${world.team}:configmap/db`],
    ["helm's name of a release in another namespace", () => `release/${world.team}/pg`],
  ])('of %s tells nothing of other namespaces', async (_what, subject) => {
    const { text } = await explaining({})('team-admin', subject())
    const told = [words, `${world.home}/default`, world.other].filter((one) => text.includes(one))
    expect(told).toEqual([])
  })

  it('of what is nowhere tells who may look everywhere what may bring it and what is near', async () => {
    const { text } = await explaining({})('all-view', `${world.team}:deployment/db`)
    expect(text).toContain(words)
    expect(text).toContain(`Did you mean release/${world.other}/db?`)
  })
})

describe('the command line', () => {
  it('sends the token of the kubeconfig where a server wants one and none was given', async () => {
    const { app } = bench()
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const folder = await mkdtemp(join(tmpdir(), 'capstan-access-'))
    open.push(async () => await rm(folder, { recursive: true, force: true }))
    const kubeconfig = await kubeconfigOf({ namespace: world.home, account: 'team-view', folder })
    let asked = 0
    const clusterToken = async () => {
      asked++
      return await contextToken({ kubeconfig })
    }
    const send = createConnect({ env: { CAPSTAN_URL: url }, cwd: folder, clusterToken })({})
    const path = `/api/v1/sources?namespace=${world.team}`
    expect(await send({ method: 'GET', path })).toMatchObject({ status: 200 })
    expect(await send({ method: 'GET', path: '/api/v1/sources' })).toMatchObject({ status: 403 })
    expect(asked).toBe(1)
    const wrong = createConnect({ env: { CAPSTAN_URL: url, CAPSTAN_TOKEN: 'wrong' }, cwd: folder, clusterToken })({})
    expect(await wrong({ method: 'GET', path })).toMatchObject({ status: 401 })
    expect(asked).toBe(1)
  })

  it.each([
    ['http://capstan.example:3030', 0],
    ['https://capstan.example', 1],
    ['http://127.0.0.1:3030', 1],
  ])('trusts %s with it: %s', async (url, expected) => {
    let asked = 0
    const clusterToken = async () => {
      asked++
      return undefined
    }
    const refused: typeof fetch = async () => new Response('{}', { status: 401 })
    const send = createConnect({ env: { CAPSTAN_URL: url }, cwd: tmpdir(), clusterToken, fetch: refused })({})
    for (let round = 0; round < 2; round++) await send({ method: 'GET', path: '/api/v1/version' })
    expect(asked).toBe(expected)
  })
})

describe('a stream (hazard L3)', () => {
  it('ends after the right to it was taken away', async () => {
    const { app } = bench()
    const url = await app.listen({ host: '127.0.0.1', port: 0 })
    const answer = await fetch(`${url}/api/v1/events/stream?namespace=${world.other}`, { headers: as('other-admin') })
    expect(answer.status).toBe(200)
    const reader = answer.body?.getReader()
    await reader?.read()
    await world.revoke('other-admin')
    while (!(await reader?.read())?.done);
    const again = await fetch(`${url}/api/v1/events/stream?namespace=${world.other}`, { headers: as('other-admin') })
    expect(again.status).toBe(403)
  })
})

/** Reviews by an account that may make none. */
async function asNobody() {
  const cluster = createCluster({ kubeconfig: stack().kubeconfig, log: silent })
  open.push(async () => await cluster.close())
  return createReviews(cluster.as({ namespace: world.home, serviceAccount: 'nobody' }), [])
}
