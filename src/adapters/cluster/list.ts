import type { KubeObject } from '../../domain/manifest/object.ts'
import type { ApiResource } from './discover.ts'
import {
  ageOf,
  type Api,
  asked,
  type ListQuery,
  metadataOf,
  parse,
  partial,
  pathOf,
  refused,
  served,
  urgencyOf,
} from './objects.ts'
import type { Answer } from './send.ts'

/** A whole list with the version of the cluster at which it is true. */
export type Listed = { items: KubeObject[]; resourceVersion: string }

type Page = { items?: KubeObject[]; metadata?: { continue?: string; resourceVersion?: string } }

const pageSize = 500
/** A list that takes longer than the server keeps its pages (5 min) is begun again so often. */
const maxStarts = 3

/** The complete list, in pages. Items get the apiVersion and kind that the server leaves out. */
export async function listObjects(api: Api, query: ListQuery, signal?: AbortSignal): Promise<Listed> {
  const resource = await served(api, query, signal)
  for (let start = 1; ; start++) {
    const listed = await listOnce(api, { query, resource, lastStart: start === maxStarts }, signal)
    if (listed) return listed
  }
}

/** The version at which the cluster is now, by one small request. */
export async function currentVersion(api: Api, query: ListQuery, signal?: AbortSignal): Promise<string> {
  const listing = { query, resource: await served(api, query, signal), lastStart: true, atMost: 1 }
  const answer = await readPage(api, listing, '', signal)
  if (answer.status !== 200) throw refused(api, answer, asked('list', { ...query, name: '' }))
  return (parse(answer) as Page).metadata?.resourceVersion ?? ''
}

type Listing = { query: ListQuery; resource: ApiResource; lastStart: boolean; atMost?: number }

async function listOnce(api: Api, listing: Listing, signal?: AbortSignal): Promise<Listed | undefined> {
  const { query, lastStart } = listing
  const items: KubeObject[] = []
  let next = ''
  for (;;) {
    const answer = await readPage(api, listing, next, signal)
    if (answer.status === 410 && next && !lastStart) return undefined
    if (answer.status !== 200) throw refused(api, answer, asked('list', { ...query, name: '' }))
    const page = parse(answer) as Page
    for (const item of page.items ?? []) items.push(completed(item, query))
    next = page.metadata?.continue ?? ''
    if (!next) return { items, resourceVersion: page.metadata?.resourceVersion ?? '' }
  }
}

async function readPage(
  api: Api,
  { query, resource, atMost = pageSize }: Listing,
  next: string,
  signal?: AbortSignal,
): Promise<Answer> {
  return await api.send({
    method: 'GET',
    path: pathOf(resource, query.namespace),
    query: { ...selection(query), limit: String(atMost), ...start(query, next) },
    headers: { accept: query.metadataOnly ? partial('PartialObjectMetadataList') : 'application/json' },
    urgency: urgencyOf(query, 'read'),
    idempotent: true,
    signal,
  })
}

/** A page that goes on says by itself which version it is of. */
function start(query: ListQuery, next: string): Record<string, string> {
  return next ? { continue: next } : ageOf(query)
}

/** The selectors of a list or watch. */
export function selection({ labelSelector, fieldSelector }: ListQuery): Record<string, string> {
  return { ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}) }
}

/** The object under its own kind, which list items lack and metadata-only answers hide. */
export function completed(item: KubeObject, query: ListQuery): KubeObject {
  if (query.metadataOnly) return metadataOf(item, query)
  return Object.assign(item, { apiVersion: query.apiVersion, kind: query.kind })
}
