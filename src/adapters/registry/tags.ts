import { isTag } from '../../domain/image/ref.ts'
import type { Answer } from './connections.ts'
import { isAbsent, unreachable } from './failure.ts'
import { nextPage } from './redirect.ts'
import type { Ask, RepositoryRequests } from './request.ts'

const pageSize = 1_000
const maxPages = 100
const maxPageBytes = 8 * 1024 * 1024

/** All tags of a repository; what is no tag is left out. Half a list is no list: it throws when a page is missing. */
export async function listTags(requests: RepositoryRequests): Promise<string[]> {
  const tags = new Set<string>()
  let target: string | URL = `/tags/list?n=${pageSize}`
  for (let page = 0; page < maxPages; page++) {
    const ask: Ask = { target, accept: 'application/json', maxBytes: maxPageBytes, what: 'the tags' }
    const answer = await requests.send(ask)
    if (isAbsent(answer, 'GET')) return []
    if (answer.status !== 200) throw requests.failure(ask, answer)
    for (const tag of readPage(requests.host, answer)) tags.add(tag)
    const link = answer.headers.link
    const next = nextPage(Array.isArray(link) ? link.join(', ') : link, answer.url)
    if (next === undefined) {
      requests.readWhole()
      return [...tags]
    }
    if (next === 'refused')
      throw unreachable(requests.host, 'the list of tags goes on at another host, which is refused')
    if (next.href === answer.url.href) throw unreachable(requests.host, 'the list of tags goes in circles')
    target = next
  }
  throw unreachable(requests.host, `the list of tags has more than ${maxPages} pages`)
}

function readPage(host: string, { body }: Answer): string[] {
  let tags: unknown
  try {
    tags = (JSON.parse(new TextDecoder().decode(body)) as { tags?: unknown } | null)?.tags
  } catch (error) {
    throw unreachable(host, 'answered no list of tags', error)
  }
  // a repository whose last tag was deleted has null
  if (tags === null || tags === undefined) return []
  if (!Array.isArray(tags)) throw unreachable(host, 'answered no list of tags')
  return tags.filter((tag): tag is string => typeof tag === 'string' && isTag(tag))
}
