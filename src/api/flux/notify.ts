import { parseRef, repositoryOf } from '../../domain/image/ref.ts'
import { followsPushed, isSameRepository } from '../../domain/source/push-event.ts'
import type { WorkRequest } from '../../domain/work/job.ts'
import type { Views } from '../../views/create-views.ts'
import { badRequest } from './errors.ts'
import { textOf } from '../../lib/raw.ts'

/** What flux-recv and older side-cars send. */
type Change = {
  Kind?: unknown
  Source?: { URL?: unknown; Branch?: unknown; Name?: { Domain?: unknown; Image?: unknown } } | null
}

/**
 * The jobs by which a change in git or in a registry is looked at now (flux-v1 §23). The change says only what to look at; where that is
 * comes from our own settings. A repository that nobody follows wakes nothing, which fluxd did.
 */
export function workOf(change: unknown, views: Pick<Views, 'sourceSpecs' | 'does'>): WorkRequest[] {
  const { Kind: kind, Source: source } = (change ?? {}) as Change
  if (kind === 'git') return fetchesOf({ url: textOf(source?.URL), branch: textOf(source?.Branch) }, views)
  if (kind !== 'image') throw badRequest('unknown kind of change')
  const [domain, path] = [textOf(source?.Name?.Domain), textOf(source?.Name?.Image)]
  const image = parseRef(domain === '' ? path : `${domain}/${path}`)
  if (!image) throw badRequest('the change names no image')
  if (!views.does('images')) return []
  return [{ kind: 'scan-image', namespace: '', name: repositoryOf(image), reason: 'push', lane: 'webhook' }]
}

function fetchesOf({ url, branch }: { url: string; branch: string }, views: Pick<Views, 'sourceSpecs'>): WorkRequest[] {
  const refs = branch === '' ? ('any' as const) : [{ kind: 'branch' as const, name: branch }]
  return views
    .sourceSpecs()
    .filter((spec) => isSameRepository({ urls: [url], path: '' }, spec.url) && followsPushed({ refs }, spec))
    .map(({ namespace, name }) => ({ kind: 'fetch-source', namespace, name, reason: 'push', lane: 'webhook' }))
}
