import type { FastifyRequest } from 'fastify'
import type { Right, RightResource, RightVerb } from '../../domain/access/right.ts'
import { readPolicies, readUpdate, type Wanted } from '../flux/read-update.ts'
import { bodyOf, listsOf } from '../flux/wire.ts'
import { rightsOfPolicies, rightsOn } from './asked-rights.ts'
import { namesIn, refreshOf, type Rule } from './rule.ts'

const known: Rule = { who: 'anyone', why: 'tells nothing of the cluster' }
const gone: Rule = { who: 'anyone', why: 'there is nothing here (any more)' }
const atHome = (verb: RightVerb): Rule => ({ who: 'may', needs: [{ verb, resource: 'sources', in: 'home' }] })

/** A namespace, or a list of workloads with commas between them; all namespaces without either. */
function listing(resource: RightResource, parameter: string): Rule {
  return {
    who: 'asked',
    what: `list ${resource} in the namespace, or where the workloads are that are named; else in all namespaces`,
    rightsOf: ({ query }) => {
      const [namespace = ''] = namesIn(query, 'namespace')
      const [workloads = ''] = namesIn(query, parameter)
      if (namespace !== '') return [{ verb: 'list', resource, namespace }]
      return rightsOn('list', resource, workloads === '' ? [] : workloads.split(','))
    },
  }
}

const change: Rule = {
  who: 'asked',
  what: 'release, policy or lock workloads where they are; sync sources at home for a sync',
  rightsOf: (request, { home }) => rightsOfWanted(readUpdate(bodyOf(request)), home),
}

function rightsOfWanted(wanted: Wanted, home: string): Right[] {
  switch (wanted.type) {
    case 'sync':
      return [{ verb: 'sync', resource: 'sources', namespace: home }]
    case 'policy':
      return rightsOfPolicies(wanted.spec)
    case 'image':
      return rightsOn('release', 'workloads', wanted.spec.ServiceSpecs)
    case 'containers':
      return rightsOn('release', 'workloads', Object.keys(wanted.spec.ContainerSpecs))
  }
}

function jobInQuery({ query }: FastifyRequest): string {
  return namesIn(query, 'id')[0] ?? ''
}

/** The routes of fluxctl, for who comes by another way than the pod's loopback (ruling 3). */
export const fluxRules: Readonly<Record<string, Rule>> = {
  'GET /api/flux/v11/ping': known,
  'GET /api/flux/v11/version': known,
  'GET /api/flux/v6/services': listing('workloads', 'services'),
  'GET /api/flux/v11/services': listing('workloads', 'services'),
  'GET /api/flux/v6/images': listing('images', 'service'),
  'GET /api/flux/v10/images': listing('images', 'service'),
  'GET /api/flux/v11/images': listing('images', 'service'),
  'GET /api/flux/v6/jobs': { who: 'found', verb: 'get', find: 'fluxJob', idOf: jobInQuery },
  'GET /api/flux/v6/sync': atHome('get'),
  'GET /api/flux/v6/export': {
    who: 'may',
    needs: [
      { verb: 'list', resource: 'workloads', in: 'all' },
      { verb: 'release', resource: 'workloads', in: 'all' },
    ],
  },
  'GET /api/flux/v6/identity.pub': atHome('get'),
  'POST /api/flux/v6/identity.pub': atHome('approve'),
  'POST /api/flux/v11/notify': refreshOf('sources', 'images'),
  'POST /api/flux/v9/update-manifests': change,
  'POST /api/flux/v6/update-images': {
    who: 'asked',
    what: 'release workloads where they are',
    rightsOf: (request) => rightsOn('release', 'workloads', listsOf(request).service ?? []),
  },
  'PATCH /api/flux/v6/policies': {
    who: 'asked',
    what: 'policy or lock workloads where they are',
    rightsOf: (request) => rightsOfPolicies(readPolicies(bodyOf(request))),
  },
  'POST /api/flux/v9/git-repo-config': {
    who: 'asked',
    what: 'get sources at home; approve sources there for a new deploy key',
    rightsOf: (request, { home }) => [
      { verb: bodyOf(request) === false ? 'get' : 'approve', resource: 'sources', namespace: home },
    ],
  },
  ...Object.fromEntries(['v1/*', 'v2/*', 'v3/*', 'v4/*', 'v5/*', '*'].map((rest) => [`* /api/flux/${rest}`, gone])),
}
