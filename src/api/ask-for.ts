import { type RequestAsk, requestJobName } from '../domain/work/request.ts'
import type { AppOptions } from './app-options.ts'

/** What somebody asks of a source or a release that there is. */
export type Asked = {
  of: { namespace: string; name: string }
  by: string
  ask: RequestAsk
  files?: Uint8Array | undefined
}
/** `id`: of the request, and of the plan that answers it. */
export type Made = { jobId: string; id: string; at: string }

/** Stores the request as a record and asks for the job that names it (W1). */
export async function askFor(
  { of: { namespace, name }, by, ask, files }: Asked,
  { requests, enqueue }: Pick<AppOptions, 'requests' | 'enqueue'>,
): Promise<Made> {
  const request = await requests.put({ namespace, name, by, ask }, files)
  const reason = `requested by ${by}`
  const { jobId } = await enqueue({ kind: ask.kind, namespace, name: requestJobName(request), reason, lane: 'person' })
  return { jobId, id: request.id, at: request.at }
}
