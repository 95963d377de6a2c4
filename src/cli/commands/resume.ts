import type { Action } from '../context.ts'
import { chooseSource } from './choose-source.ts'
import { followChange } from './follow-change.ts'

export type ResumeOptions = {
  source: string | undefined
  /** Who resumes it, as claimed; undefined: the user of this machine. */
  user: string | undefined
  timeoutMs: number
}

/** `capstan resume`: a suspended source goes on, at once. */
export const resumeSource: Action<ResumeOptions> = async (context, { source, user, timeoutMs }) => {
  const { namespace, name } = await chooseSource(context, source)
  const asker = { by: user ?? context.user }
  const asked = await context.client().resumeSource(namespace, name, asker, { signal: context.signal })
  return await followChange(context, asked, { done: `resumed ${namespace}/${name}`, timeoutMs })
}
