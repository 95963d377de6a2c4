import type { Action } from '../context.ts'
import { chooseRelease } from './choose-release.ts'
import { followChange } from './follow-change.ts'

type Options = {
  name: string
  /** Who does it, as claimed; undefined: the user of this machine. */
  user: string | undefined
  timeoutMs: number
}

/** `capstan helm rollback`: back to a revision, until chart or values change. Undefined: the last good one before the newest. */
export const rollbackRelease: Action<Options & { revision: number | undefined }> = async (context, options) => {
  const { namespace, name } = await chooseRelease(context, options.name)
  const { revision } = options
  const request = { by: options.user ?? context.user, ...(revision === undefined ? {} : { revision }) }
  const asked = await context.client().rollbackRelease(namespace, name, request, { signal: context.signal })
  const done = `rolling back ${namespace}/${name} to ${revision === undefined ? 'the last good revision' : `revision ${revision}`}`
  return await followChange(context, asked, { done, timeoutMs: options.timeoutMs })
}

/** `capstan helm suspend`: the release is left alone until somebody resumes it. */
export const suspendRelease: Action<Options & { reason: string }> = async (context, options) => {
  const { namespace, name } = await chooseRelease(context, options.name)
  const request = { why: options.reason, by: options.user ?? context.user }
  const asked = await context.client().suspendRelease(namespace, name, request, { signal: context.signal })
  return await followChange(context, asked, { done: `suspended ${namespace}/${name}`, timeoutMs: options.timeoutMs })
}

/** `capstan helm resume`: goes on with a suspended release. */
export const resumeRelease: Action<Options> = async (context, options) => {
  const { namespace, name } = await chooseRelease(context, options.name)
  const request = { by: options.user ?? context.user }
  const asked = await context.client().resumeRelease(namespace, name, request, { signal: context.signal })
  return await followChange(context, asked, { done: `resumed ${namespace}/${name}`, timeoutMs: options.timeoutMs })
}
