import type { KubeObject } from '../../domain/manifest/object.ts'
import { exactJson } from '../../lib/exact-json.ts'
import { type Api, asked, locate, objectOf } from './objects.ts'

/** People wait for it. */
const deadlineMs = 5_000

/**
 * Sends a review (TokenReview, SubjectAccessReview) and gives its status. It changes nothing, so it may be sent again, and it goes past
 * work that waits.
 */
export async function sendReview(
  api: Api,
  review: Pick<KubeObject, 'apiVersion' | 'kind'> & { spec: object },
): Promise<Record<string, unknown>> {
  const { apiVersion, kind } = review
  const signal = AbortSignal.timeout(deadlineMs)
  // a review has no name, and the path is that of the collection
  const path = await locate(api, { apiVersion, kind, name: 'unnamed' }, signal)
  const answer = await api.send({
    method: 'POST',
    path: path.slice(0, path.lastIndexOf('/')),
    headers: { 'content-type': 'application/json' },
    body: exactJson({ ...review, metadata: {} }),
    urgency: 'urgent',
    deadlineMs,
    idempotent: true,
    signal,
  })
  const about = { ...asked('read', { apiVersion, kind, name: 'of a caller' }), name: 'of a caller' }
  return (objectOf(api, answer, about).status ?? {}) as Record<string, unknown>
}
