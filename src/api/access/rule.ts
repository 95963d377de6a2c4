import type { FastifyRequest } from 'fastify'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { Right, RightResource, RightVerb } from '../../domain/access/right.ts'

/**
 * Where a right must hold. `path`: for the object that the path names; `query`: in each namespace that the query names, in all where it
 * names none; `home`: in Capstan's own namespace; `all`: in all namespaces.
 */
export type Place = 'path' | 'query' | 'home' | 'all'

/** What one route asks of its callers. */
export type Rule =
  /** Nobody is asked for anything, or the route proves its callers itself. */
  | { who: 'open'; why: string }
  /** Any token that is taken. */
  | { who: 'anyone'; why: string }
  /** `isRefresh`: it only has things looked at now, and tells nothing; open to who brings no token where that was asked for (ruling 3). */
  | { who: 'may'; needs: readonly Need[]; isRefresh?: true }
  /** What is needed is only known from the request, once its body is read and checked; `needs` are asked for before that. */
  | {
      who: 'asked'
      what: string
      needs?: readonly Need[]
      rightsOf: (request: FastifyRequest, known: Known) => Right[]
    }
  /** The id in the request names something in a namespace; for who may not see that it is not there. */
  | { who: 'found'; verb: RightVerb; find: Found; idOf: (request: FastifyRequest) => string }

/** What a rule may know besides the request; `home`: Capstan's own namespace. */
export type Known = { home: string; sources: () => readonly SourceSpec[] }

export type Need = { verb: RightVerb; resource: RightResource; in: Place }
/** Kinds of things that an id names; `fluxJob` is what fluxctl follows: a job, or a change of git. */
export type Found = 'jobs' | 'plans' | 'images' | 'fluxJob'

/** Needs for a route that only has things looked at now, everywhere: see `isRefresh` of {@link Rule}. */
export function refreshOf(...resources: RightResource[]): Rule {
  return { who: 'may', needs: resources.map((resource) => ({ verb: 'sync', resource, in: 'all' })), isRefresh: true }
}

/** The rights that needs come to for this request. */
export function rightsOf(
  needs: readonly Need[],
  request: Pick<FastifyRequest, 'params' | 'query'>,
  home: string,
): Right[] {
  return needs.flatMap(({ verb, resource, in: place }) =>
    placesOf(place, request, home).map((where) => ({ verb, resource, ...where })),
  )
}

function placesOf(
  place: Place,
  { params, query }: Pick<FastifyRequest, 'params' | 'query'>,
  home: string,
): { namespace: string; name?: string }[] {
  if (place === 'path') {
    const { namespace = '', name = '' } = params as { namespace?: string; name?: string }
    return [{ namespace, name }]
  }
  if (place === 'query') return namesIn(query, 'namespace').map((namespace) => ({ namespace }))
  return [{ namespace: place === 'home' ? home : '' }]
}

/** What a query gives for a name; an empty text where it gives nothing. */
export function namesIn(query: unknown, name: string): string[] {
  const given = (query as Record<string, unknown> | undefined)?.[name]
  const texts = [given].flat().filter((one) => typeof one === 'string')
  return texts.length > 0 ? texts : ['']
}
