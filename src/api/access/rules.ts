import type { FastifyRequest } from 'fastify'
import { type Right, type RightResource, type RightVerb, rightsToSeeWhole } from '../../domain/access/right.ts'
import { parseSubject } from '../../domain/explain/subject.ts'
import { reachOf } from '../../domain/source/proposal.ts'
import type { PolicyRequest, ReleaseRequest } from '../contract/image.ts'
import { rightsOfPolicies, rightsOn } from './asked-rights.ts'
import { fluxRules } from './flux-rules.ts'
import { type Known, namesIn, type Need, type Place, refreshOf, type Rule } from './rule.ts'

const idInPath = ({ params }: FastifyRequest): string => (params as { id?: string }).id ?? ''

/** One right. */
export function need(verb: RightVerb, resource: RightResource, place: Place = 'path'): Rule {
  return { who: 'may', needs: [{ verb, resource, in: place }] }
}

function all(...needs: Need[]): Rule {
  return { who: 'may', needs }
}

const signed: Rule = { who: 'open', why: 'proved by its signature' }
const probe: Rule = { who: 'open', why: 'a probe' }
const harmless: Rule = { who: 'anyone', why: 'tells nothing of the cluster' }

/** The page and the board show everything at once. */
const everything = all(
  { verb: 'list', resource: 'sources', in: 'all' },
  { verb: 'list', resource: 'releases', in: 'all' },
  { verb: 'list', resource: 'workloads', in: 'all' },
  { verb: 'list', resource: 'jobs', in: 'all' },
)

/**
 * What every route asks of its callers, by method and pattern. A route without a row is refused at the start; docs/security.md and the
 * tests of roles are made from these rows.
 */
export const rules: Readonly<Record<string, Rule>> = {
  'GET /healthz': probe,
  'GET /readyz': probe,
  'GET /metrics': { who: 'open', why: 'fluxd served it so' },
  'GET /api/v1/version': harmless,
  'GET /api/v1/openapi.json': harmless,
  'POST /api/v1/policy-tests': harmless,

  'GET /api/v1/status': all(
    { verb: 'list', resource: 'sources', in: 'query' },
    { verb: 'list', resource: 'releases', in: 'query' },
  ),
  'GET /api/v1/overview': everything,
  'GET /api/v1/overview/stream': everything,
  'POST /api/v1/browser-links': everything,
  'GET /enter/:code': { who: 'open', why: 'proved by the code, which works once' },
  'GET /': everything,
  'GET /page.css': everything,
  'GET /page.mjs': everything,
  'GET /stream.mjs': everything,
  'GET /api/v1/identity': need('get', 'sources', 'home'),
  'GET /api/v1/explain': {
    who: 'asked',
    what: 'get of the source, release or workload that is named, where it is; get workloads in all namespaces for images, commits and bare names; sources and releases on the way only with get of them where they are',
    rightsOf: rightsOfExplain,
  },

  'GET /api/v1/sources': need('list', 'sources', 'query'),
  'GET /api/v1/sources/:namespace/:name': need('get', 'sources'),
  'GET /api/v1/sources/:namespace/:name/applied/:commit': need('get', 'sources'),
  'POST /api/v1/sources/:namespace/:name/sync': need('sync', 'sources'),
  'POST /api/v1/sources/:namespace/:name/approve': need('approve', 'sources'),
  'POST /api/v1/sources/:namespace/:name/suspend': need('suspend', 'sources'),
  'POST /api/v1/sources/:namespace/:name/resume': need('suspend', 'sources'),
  'POST /api/v1/sources/:namespace/:name/plans': {
    who: 'asked',
    needs: [{ verb: 'get', resource: 'plans', in: 'path' }],
    what: 'get plans there; for an uploaded folder, and for a ref outside of what the source follows, list and release workloads too, in all namespaces or, of a source with a service account, there',
    rightsOf: rightsOfPlan,
  },
  'POST /api/v1/sources/:namespace/:name/policy-tests': need('get', 'images'),
  'POST /api/v1/sources/:namespace/:name/images': {
    who: 'asked',
    what: 'get images where the workload is; in all namespaces where none is named',
    rightsOf: ({ body }) => rightsOn('get', 'images', [(body as { workload?: string }).workload ?? '']),
  },
  'POST /api/v1/sources/:namespace/:name/release': {
    who: 'asked',
    what: 'release workloads where they are; in all namespaces where none are named',
    rightsOf: ({ body }) => rightsOn('release', 'workloads', workloadsOf(body as ReleaseRequest)),
  },
  'POST /api/v1/sources/:namespace/:name/policies': {
    who: 'asked',
    what: 'policy workloads where they are; lock workloads for the policies of a lock',
    rightsOf: ({ body }) => rightsOfPolicies((body as PolicyRequest).workloads),
  },
  'POST /api/v1/sync-git': refreshOf('sources', 'releases'),

  'GET /api/v1/releases': need('list', 'releases', 'query'),
  'GET /api/v1/releases/:namespace/:name': need('get', 'releases'),
  'GET /api/v1/releases/:namespace/:name/history': need('get', 'releases'),
  'POST /api/v1/releases/:namespace/:name/sync': need('sync', 'releases'),
  'POST /api/v1/releases/:namespace/:name/plans': need('get', 'plans'),
  'POST /api/v1/releases/:namespace/:name/rollback': need('rollback', 'releases'),
  'POST /api/v1/releases/:namespace/:name/suspend': need('suspend', 'releases'),
  'POST /api/v1/releases/:namespace/:name/resume': need('suspend', 'releases'),

  'GET /api/v1/objects': need('list', 'sources', 'query'),
  'GET /api/v1/workloads': need('list', 'workloads', 'query'),
  'GET /api/v1/images': need('list', 'images', 'query'),
  // whole objects, with what stands in their values and variables
  'GET /api/v1/export': all(
    { verb: 'list', resource: 'workloads', in: 'query' },
    { verb: 'release', resource: 'workloads', in: 'query' },
  ),

  'GET /api/v1/plans/:id': { who: 'found', verb: 'get', find: 'plans', idOf: idInPath },
  'GET /api/v1/answers/:id': { who: 'found', verb: 'get', find: 'images', idOf: idInPath },

  'GET /api/v1/queues': need('list', 'jobs', 'all'),
  'POST /api/v1/queues/:kind/pause': need('cancel', 'jobs', 'all'),
  'POST /api/v1/queues/:kind/resume': need('cancel', 'jobs', 'all'),
  'GET /api/v1/jobs': need('list', 'jobs', 'query'),
  'GET /api/v1/jobs/:id': { who: 'found', verb: 'get', find: 'jobs', idOf: idInPath },
  'GET /api/v1/jobs/:id/stream': { who: 'found', verb: 'get', find: 'jobs', idOf: idInPath },
  'GET /api/v1/jobs/:id/log': { who: 'found', verb: 'get', find: 'jobs', idOf: idInPath },
  'POST /api/v1/jobs/:id/retry': { who: 'found', verb: 'sync', find: 'jobs', idOf: idInPath },
  'POST /api/v1/jobs/:id/promote': { who: 'found', verb: 'sync', find: 'jobs', idOf: idInPath },
  'POST /api/v1/jobs/:id/cancel': { who: 'found', verb: 'cancel', find: 'jobs', idOf: idInPath },

  'GET /api/v1/events': need('list', 'events', 'query'),
  'GET /api/v1/events/export': need('list', 'events', 'query'),
  'GET /api/v1/events/stream': need('watch', 'events', 'query'),
  'GET /api/v1/history': need('list', 'events', 'query'),
  'GET /api/v1/sinks': need('list', 'sinks', 'home'),
  'POST /api/v1/sinks/:name/test': need('sync', 'sinks', 'home'),
  'POST /api/v1/sinks/:name/replay': need('sync', 'sinks', 'home'),

  'POST /api/v1/images/notify': need('sync', 'images', 'all'),
  'POST /hooks/v1': signed,
  'POST /hooks/v1/:source': signed,
  'POST /hooks/v1/images/push': signed,
  'POST /hooks/v1/images/push/:key': signed,
  ...fluxRules,
}

/** Folders of pages that are made by somebody else's package. */
export const folders: Readonly<Record<string, Rule>> = {
  '/queues': everything,
}

/** The rule of a route; undefined for one that nobody thought of. */
export function ruleOf(method: string, pattern: string): Rule | undefined {
  const known = rules[`${method === 'HEAD' ? 'GET' : method} ${pattern}`] ?? rules[`* ${pattern}`]
  if (known) return known
  const folder = Object.keys(folders).find((one) => pattern === one || pattern.startsWith(`${one}/`))
  return folder === undefined ? undefined : folders[folder]
}

function workloadsOf({ workloads = [], containers }: ReleaseRequest): string[] {
  return containers ? Object.keys(containers) : workloads
}

/** Which commits a source follows only the worker can tell: what a ref takes is asked for there (see routes/plans.ts). */
function rightsOfPlan({ params, body }: FastifyRequest, { sources }: Known): Right[] {
  const { namespace, name } = params as { namespace: string; name: string }
  const source = sources().find((one) => one.namespace === namespace && one.name === name)
  const upload = Buffer.isBuffer(body) && source ? rightsToSeeWhole(reachOf(source)) : []
  return [{ verb: 'get', resource: 'plans', namespace, name }, ...upload]
}

function rightsOfExplain({ query }: FastifyRequest): Right[] {
  const [subject = ''] = namesIn(query, 'subject')
  const [namespace = ''] = namesIn(query, 'namespace')
  const parsed = parseSubject(subject, namespace)
  switch (parsed?.kind) {
    case 'source':
      return [{ verb: 'get', resource: 'sources', namespace: parsed.namespace }]
    case 'release':
      return [{ verb: 'get', resource: 'releases', namespace: parsed.namespace }]
    case 'workload':
      return [{ verb: 'get', resource: 'workloads', namespace: parsed.namespace }]
    case 'object':
      return rightsOn('get', 'workloads', [parsed.id])
    case 'image':
    case 'commit':
    case 'name':
    case undefined:
      return [{ verb: 'get', resource: 'workloads', namespace: '' }]
  }
}
