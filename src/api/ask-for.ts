import { type RequestAsk, requestJobName } from '../domain/work/request.ts'
import type { AppOptions } from './app-options.ts'

/** A request with arguments: about which source, by whom, for what. */
export type Asked = {
  of: { namespace: string; name: string }
  by: string
  ask: RequestAsk
  files?: Uint8Array | undefined
}

/** The request as a record, and the job that names it (W1). Undefined when there is no such source. */
export async function askFor(
  { of, by, ask, files }: Asked,
  { views, requests, enqueue }: Pick<AppOptions, 'views' | 'enqueue' | 'requests'>,
): Promise<{ jobId: string; id: string; at: string } | undefined> {
  const { namespace, name } = of
  if (!views.sourceSpecs().some((spec) => spec.namespace === namespace && spec.name === name)) return undefined
  const request = await requests.put({ namespace, name, by, ask }, files)
  const jobName = requestJobName(request)
  const reason = `requested by ${by}`
  const { jobId } = await enqueue({ kind: ask.kind, namespace, name: jobName, reason, lane: 'person' })
  return { jobId, id: request.id, at: request.at }
}
