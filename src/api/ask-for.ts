import { type RequestAsk, requestJobName } from '../domain/work/request.ts'
import type { AppOptions } from './app-options.ts'

/** A request with arguments: about which source or release, by whom, for what. */
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

/** The same of a source; undefined when there is no such source. */
export async function askForSource(
  asked: Asked,
  options: Pick<AppOptions, 'views' | 'requests' | 'enqueue'>,
): Promise<Made | undefined> {
  const { namespace, name } = asked.of
  const isKnown = options.views.sourceSpecs().some((spec) => spec.namespace === namespace && spec.name === name)
  return isKnown ? await askFor(asked, options) : undefined
}
