import { join } from 'node:path'
import type { RouteOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Need, Rule } from '../../src/api/access/rule.ts'
import { folders, ruleOf, rules } from '../../src/api/access/rules.ts'
import { createFrontPage } from '../../src/main/front-page.ts'
import { writeTar } from '../../src/lib/tar.ts'
import type { Requests } from '../../src/jobs/requests.ts'
import { root } from '../packaging/dockerfile.ts'
import { createRolesWorld, people, type RolesWorld } from './roles.ts'
import { sign } from '../../src/api/signature.ts'
import { createWorkbench, spec, token, webhookSecret } from './workbench.ts'

/** `upload`: the same route with a folder for its body, which asks for more. */
type Row = { method: string; pattern: string; rule: Rule | undefined; upload?: true }
type Ids = { jobs: string; plans: string; images: string; fluxJob: string }

let world: RolesWorld
let url: string
let routes: Row[]
let ids: Ids
/** A job of the team that waits; the same while it does. */
let ask: () => Promise<string>
let close: () => Promise<void>

beforeAll(async () => {
  world = await createRolesWorld()
  const bench = createWorkbench({
    sources: [{ ...spec, namespace: world.team, name: 'web' }],
    app: { access: world.access, frontPage: createFrontPage() },
  })
  const { app, queue, requests } = bench
  routes = []
  app.addHook('onRoute', ({ method, url: pattern }: RouteOptions) => {
    for (const one of [method].flat())
      if (one !== 'HEAD') routes.push({ method: one, pattern, rule: ruleOf(one, pattern) })
  })
  const work = { kind: 'sync-source', namespace: world.team, name: 'web', reason: 'a test', lane: 'person' } as const
  ask = async () => (await queue.enqueue(work)).jobId
  ids = await makeThings(requests)
  url = await app.listen({ host: '127.0.0.1', port: 0 })
  close = async () => await app.close()
})

afterAll(async () => {
  await close?.()
  await world?.stop()
})

/** Things in the team's namespace that somebody else asked for. */
async function makeThings(requests: Pick<Requests, 'put'>): Promise<Ids> {
  const of = { namespace: world.team, name: 'web', by: 'somebody else' }
  const plan = await requests.put({ ...of, ask: { kind: 'plan-source', ref: '', files: false, full: false } })
  const images = await requests.put({ ...of, ask: { kind: 'update-images', list: { workload: '', all: false } } })
  const jobId = await ask()
  return { jobs: jobId, plans: plan.id, images: images.id, fluxJob: jobId }
}

const workload = (): string => `${world.team}:deployment/web`
const cause = { Message: '', User: 'x' }

/** Bodies of requests that are looked into before they are let in; of the others that they need not fail for another reason. */
const bodies: Readonly<Record<string, () => unknown>> = {
  'POST /api/v1/sources/:namespace/:name/release': () => ({ workloads: [workload()] }),
  'POST /api/v1/sources/:namespace/:name/policies': () => ({
    workloads: { [workload()]: { add: { automated: 'true' } } },
  }),
  'POST /api/v1/sources/:namespace/:name/images': () => ({ workload: workload() }),
  'POST /api/v1/sources/:namespace/:name/policy-tests': () => ({ policy: 'semver:*', image: 'a/b' }),
  'POST /api/v1/sources/:namespace/:name/approve': () => ({ commit: 'a'.repeat(40) }),
  'POST /api/v1/policy-tests': () => ({ policy: 'semver:*', tags: [] }),
  'POST /api/v1/images/notify': () => ({ events: [] }),
  'POST /api/v1/sinks/:name/replay': () => ({ since: '2026-11-21T10:00:00Z' }),
  'POST /api/flux/v9/update-manifests': () => ({
    type: 'policy',
    cause,
    spec: { [workload()]: { add: { automated: 'true' }, remove: {} } },
  }),
  'PATCH /api/flux/v6/policies': () => ({ [workload()]: { add: { automated: 'true' }, remove: {} } }),
  'POST /api/flux/v9/git-repo-config': () => false,
}

const folder = Buffer.from(writeTar([]))
const uploads = new Set(['POST /api/v1/sources/:namespace/:name/plans'])

const queries: Readonly<Record<string, () => string>> = {
  'GET /api/v1/explain': () => `subject=${encodeURIComponent(workload())}`,
  'POST /api/flux/v6/update-images': () => `service=${encodeURIComponent(workload())}&image=a/b:1&kind=plan`,
  'GET /api/flux/v6/jobs': () => `id=${ids.fluxJob}`,
}

/** `rest` is what the pattern leaves open. */
async function call(row: Row, authorization: string | undefined): Promise<number> {
  const { method, pattern, rule } = row
  const key = `${method} ${pattern}`
  // who may cancel it takes it away
  const jobs = await ask()
  ids = { ...ids, jobs, fluxJob: jobs }
  const id = rule?.who === 'found' ? ids[rule.find] : 'x'
  const path = pattern
    .replace(':namespace', world.team)
    .replace(':name', 'web')
    .replace(':id', encodeURIComponent(id))
    .replace(':source', 'web')
    .replace(':key', 'x')
    .replace(':commit', 'a'.repeat(40))
    .replace('*', 'x')
  const query = queries[key]?.() ?? `namespace=${world.team}`
  const { body, type } = bodyOf(row, key)
  const isFlux = pattern.startsWith('/api/flux')
  const answer = await fetch(`${url}${path}?${query}`, {
    method,
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(pattern.startsWith('/hooks/') ? { 'x-capstan-signature-256': sign(Buffer.from('{}'), webhookSecret) } : {}),
      ...(body === undefined || isFlux ? {} : { 'content-type': type }),
    },
    ...(body === undefined ? {} : { body }),
  })
  await answer.body?.cancel()
  return answer.status
}

function bodyOf({ method, upload }: Pick<Row, 'method' | 'upload'>, key: string) {
  if (upload) return { body: folder, type: 'application/x-tar' }
  const body = bodies[key]?.() ?? (method === 'GET' ? undefined : {})
  return { body: body === undefined ? undefined : JSON.stringify(body), type: 'application/json' }
}

/** Whether somebody was let in; what an id names is not there for who may not see it. */
function isIn({ rule }: Row, status: number): boolean {
  return ![401, 403, ...(rule?.who === 'found' ? [404] : [])].includes(status)
}

async function mayDo(row: Row, person: string): Promise<boolean> {
  return isIn(row, await call(row, `Bearer ${world.tokenOf(person)}`))
}

describe('rights', () => {
  it('are told for every route, and for nothing else', () => {
    const known = new Set(routes.map(({ method, pattern }) => `${method} ${pattern}`))
    const patterns = new Set(routes.map(({ pattern }) => pattern))
    expect(routes.filter(({ rule }) => !rule)).toEqual([])
    const stale = Object.keys(rules).filter(
      (key) => !known.has(key) && !(key.startsWith('* ') && patterns.has(key.slice(2))),
    )
    expect(stale).toEqual([])
    expect(routes.length).toBeGreaterThan(60)
  })

  it('are what the table says', async () => {
    const names = Object.keys(people)
    const lines: string[] = []
    for (const row of shown(routes)) {
      const without = isIn(row, await call(row, undefined))
      const wrong = isIn(row, await call(row, 'Bearer eyJhbGciOiJub25lIn0.e30.'))
      const marks = new Map<string, boolean>()
      for (const person of names) marks.set(person, await mayDo(row, person))
      const own = isIn(row, await call(row, `Bearer ${token}`))
      const key = `${row.method} ${row.pattern}`
      const may = (person: string): boolean => marks.get(person) === true
      // open means open, and a token alone is worth nothing where a right is needed
      expect({ key, without, wrong }).toEqual({
        key,
        without: row.rule?.who === 'open',
        wrong: row.rule?.who === 'open',
      })
      expect({ key, may: may('nobody') }).toEqual({ key, may: row.rule?.who === 'open' || row.rule?.who === 'anyone' })
      // rights of another namespace open nothing here, more rights never close anything
      expect({ key, may: may('other-admin') }).toEqual({ key, may: may('nobody') })
      for (const [less, more] of chains)
        expect({ key, less, more, ok: !may(less) || may(more) }).toEqual({ key, less, more, ok: true })
      expect({ key, own, admin: may('all-admin') }).toEqual({ key, own: true, admin: true })
      lines.push(
        `| ${[`\`${rowKey(row)}\``, row.upload ? 'the same, with an uploaded folder' : wordsOf(row.rule), ...columns(without, marks)].join(' | ')} |`,
      )
    }
    await expect(page(lines)).toMatchFileSnapshot(join(root, 'docs/rights.md'))
  })
})

const chains = [
  ['team-view', 'team-edit'],
  ['team-edit', 'team-admin'],
  ['team-view', 'all-view'],
  ['team-edit', 'all-edit'],
  ['team-admin', 'all-admin'],
  ['all-view', 'all-edit'],
  ['all-edit', 'all-admin'],
  ['home-admin', 'all-admin'],
] as const

/** The pages of the board are one row: their package makes them. */
function shown(all: readonly Row[]): Row[] {
  const isInFolder = ({ pattern }: Row): boolean => Object.keys(folders).some((folder) => pattern.startsWith(folder))
  const rows = all.filter((row) => !isInFolder(row))
  const sent = rows.filter((row) => uploads.has(rowKey(row))).map((row): Row => ({ ...row, upload: true }))
  const one = new Map([...rows, ...sent].map((row) => [rowKey(row), row]))
  return [...one.values()].toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
}

/** What takes every method is one row. */
function rowKey({ method, pattern, upload }: Row): string {
  if (upload) return `${method} ${pattern}, a folder`
  return pattern.endsWith('/*') ? `any ${pattern}` : `${method} ${pattern}`
}

function sortKey({ method, pattern, upload }: Row): string {
  return `${pattern} ${method}${upload ? ' a folder' : ''}`
}

function columns(without: boolean, marks: ReadonlyMap<string, boolean>): string[] {
  return [without, ...[...marks.entries()].filter(([person]) => person !== 'other-admin').map(([, may]) => may)].map(
    (may) => (may ? '✓' : ''),
  )
}

function wordsOf(rule: Rule | undefined): string {
  switch (rule?.who) {
    case 'open':
      return `nothing: ${rule.why}`
    case 'anyone':
      return `a token: ${rule.why}`
    case 'may':
      return `${rule.needs.map(wordsOfNeed).join(' and ')}${rule.isRefresh ? '; nothing with `--open-refresh`' : ''}`
    case 'asked':
      return rule.what
    case 'found':
      return `${rule.verb} ${rule.find === 'fluxJob' ? 'jobs' : rule.find} where it is${rule.verb === 'get' ? ', or to have asked for it' : ''}`
    case undefined:
      return ''
  }
}

const places = {
  path: 'there',
  query: 'in the namespaces that the query names, else in all',
  home: "in Capstan's own namespace",
  all: 'in all namespaces',
}

function wordsOfNeed({ verb, resource, in: place }: Need): string {
  return `${verb} ${resource} ${places[place]}`
}

function page(lines: readonly string[]): string {
  return `# Rights by route

Made by test/api/roles.test.ts from the routes themselves and from what a real API server lets service accounts do that are bound to its
roles \`view\`, \`edit\` and \`admin\` (which hold the chart's). The requests are about namespace \`team\`; an admin of any other namespace may do
no more than somebody without a right. What the words mean: [security](security.md).

| route | needs | no token | no right | team view | team edit | team admin | home admin | view everywhere | edit everywhere | admin everywhere |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
${lines.join('\n')}
`
}
