import type { Action } from '../context.ts'
import { chooseSource } from './choose-source.ts'
import { followChange } from './follow-change.ts'

export type SuspendOptions = {
  source: string | undefined
  /** Why, for everybody who wonders. */
  reason: string
  /** Who stops it, as claimed; undefined: the user of this machine. */
  user: string | undefined
  timeoutMs: number
}

/** `capstan suspend`: nothing of the source is applied or deleted until somebody resumes it. */
export const suspendSource: Action<SuspendOptions> = async (context, { source, reason, user, timeoutMs }) => {
  const { namespace, name } = await chooseSource(context, source)
  const request = { why: reason, by: user ?? context.user }
  const asked = await context.client().suspendSource(namespace, name, request, { signal: context.signal })
  return await followChange(context, asked, { done: `suspended ${namespace}/${name}`, timeoutMs })
}
