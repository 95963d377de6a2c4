import { AppError } from '../../domain/error.ts'
import { untilAborted } from '../../lib/until-aborted.ts'
import { refusal, parseStatus } from './failure.ts'
import type { Send } from './send.ts'

/** A kind that the API server serves. */
export type ApiResource = {
  group: string
  version: string
  kind: string
  plural: string
  namespaced: boolean
  verbs: readonly string[]
}

export type Discovery = {
  /** The served resource of a kind; a kind that is not known is asked for again, at most once a second per group and version. */
  resource(apiVersion: string, kind: string, signal?: AbortSignal): Promise<ApiResource | undefined>
  all(signal?: AbortSignal): Promise<ApiResource[]>
  forget(): void
}

/** Kinds by `apiVersion/kind`. */
type Found = Map<string, ApiResource>

const aggregated = ['v2', 'v2beta1'].map(
  (v) => `application/json;g=apidiscovery.k8s.io;v=${v};as=APIGroupDiscoveryList`,
)
const accept = [...aggregated, 'application/json'].join(',')
const askAgainMs = 1000

/**
 * Which kinds exist. Two requests read everything (aggregated discovery; older servers: one per group). A kind that is missing
 * is looked up in the document of its own group and version, which is cheap and, unlike the aggregated one, never behind.
 */
export function createDiscovery(send: Send): Discovery {
  let found: Promise<Found> | undefined
  const looks = new Map<string, { at: number; done: Promise<ApiResource[] | undefined> }>()

  /** Shared by all who ask; a failed reading is not kept, and an abort of one caller does not end it for the others. */
  function load(): Promise<Found> {
    if (found) return found
    const loading = readAll(send)
    found = loading
    loading.catch(() => {
      if (found === loading) found = undefined
    })
    return loading
  }

  function look(apiVersion: string): Promise<ApiResource[] | undefined> {
    const last = looks.get(apiVersion)
    if (last && performance.now() - last.at < askAgainMs) return last.done
    const done = readGroupVersion(send, apiVersion)
    looks.set(apiVersion, { at: performance.now(), done })
    done.catch(() => looks.delete(apiVersion))
    return done
  }

  return {
    async resource(apiVersion, kind, signal) {
      const kinds = await untilAborted(load(), signal)
      const known = kinds.get(`${apiVersion}/${kind}`)
      if (known) return known
      const fresh = await untilAborted(look(apiVersion), signal)
      for (const resource of fresh ?? []) keep(kinds, resource)
      return kinds.get(`${apiVersion}/${kind}`)
    },
    async all(signal) {
      const kinds = await untilAborted(load(), signal)
      return [...kinds.values()]
    },
    forget() {
      found = undefined
      looks.clear()
    },
  }
}

function keep(kinds: Map<string, ApiResource>, resource: ApiResource): void {
  const key = `${resource.group ? `${resource.group}/` : ''}${resource.version}/${resource.kind}`
  if (!kinds.has(key)) kinds.set(key, resource)
}

async function readAll(send: Send): Promise<Found> {
  const found: Found = new Map()
  for (const resources of await Promise.all([readRoot(send, '/api'), readRoot(send, '/apis')])) {
    for (const resource of resources) keep(found, resource)
  }
  return found
}

/** Leaves out what a failing group does not tell: one group whose server is down must not hide the others. */
async function readRoot(send: Send, path: '/api' | '/apis'): Promise<ApiResource[]> {
  const body = ((await readJson(send, path, accept)) ?? {}) as Partial<GroupDiscoveryList> & ClassicRoot
  if (body.kind === 'APIGroupDiscoveryList') return fromAggregated(body)
  const versions = body.versions ?? (body.groups ?? []).flatMap((group) => group.versions.map((v) => v.groupVersion))
  const read = await Promise.all(versions.map((version) => readGroupVersion(send, version).catch(orNothing)))
  return read.flatMap((resources) => resources ?? [])
}

/** A group that answers with an error is left out; when no answer came, nothing was read at all. */
function orNothing(error: unknown): undefined {
  if (error instanceof AppError && typeof error.details.status === 'number') return undefined
  throw error
}

type GroupDiscoveryList = {
  kind: string
  items?: {
    metadata?: { name?: string }
    versions: { version: string; freshness?: string; resources?: DiscoveredResource[] }[]
  }[]
}
type DiscoveredResource = { resource: string; responseKind?: { kind: string }; scope: string; verbs?: string[] }
type ClassicRoot = { versions?: string[]; groups?: { versions: { groupVersion: string }[] }[] }

/**
 * Leaves out what is `Stale`: the API server tells what it heard last of a server that does not answer now. Who asks for such a kind asks
 * that server itself (Kubernetes API concepts, aggregated discovery).
 */
function fromAggregated(body: Partial<GroupDiscoveryList>): ApiResource[] {
  const found: ApiResource[] = []
  for (const item of body.items ?? []) {
    const group = item.metadata?.name ?? ''
    for (const { version, freshness, resources } of item.versions) {
      if (freshness === 'Stale') continue
      for (const { resource, responseKind, scope, verbs } of resources ?? []) {
        if (!responseKind?.kind) continue
        const namespaced = scope === 'Namespaced'
        found.push({ group, version, kind: responseKind.kind, plural: resource, namespaced, verbs: verbs ?? [] })
      }
    }
  }
  return found
}

/** The kinds of one group and version; undefined when it is not served. Throws when that cannot be told. */
async function readGroupVersion(send: Send, apiVersion: string): Promise<ApiResource[] | undefined> {
  const slash = apiVersion.indexOf('/')
  const [group, version] = slash < 0 ? ['', apiVersion] : [apiVersion.slice(0, slash), apiVersion.slice(slash + 1)]
  if (!/^[\w.-]+$/.test(version) || !/^[\w.-]*$/.test(group) || version.startsWith('.')) return undefined
  const body = (await readJson(send, group ? `/apis/${group}/${version}` : `/api/${version}`, 'application/json')) as
    | { resources?: { name: string; kind: string; namespaced: boolean; verbs: string[] }[] }
    | undefined
  return body?.resources
    ?.filter(({ name }) => !name.includes('/'))
    .map(({ name, kind, namespaced, verbs }) => ({ group, version, kind, plural: name, namespaced, verbs }))
}

async function readJson(send: Send, path: string, accepted: string): Promise<unknown> {
  const headers = { accept: accepted }
  const answer = await send({ method: 'GET', path, headers, urgency: 'read', idempotent: true, troubleIsAnswer: true })
  if (answer.status === 404) return undefined
  if (answer.status !== 200) {
    throw refusal(answer.status, parseStatus(answer.text), {
      verb: 'read',
      kind: 'discovery',
      name: path,
      write: false,
    })
  }
  try {
    return JSON.parse(answer.text)
  } catch (error) {
    throw new AppError('ClusterUnavailable', `The API server's answer to ${path} is not JSON.`, { cause: error })
  }
}
