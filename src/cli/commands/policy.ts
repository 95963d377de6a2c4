import type { Action, OutputFormat } from '../context.ts'
import { WrongUsage } from '../exit.ts'
import { chooseSourceOf } from './choose-source.ts'
import { followAnswer } from './follow-answer.ts'
import { printAnswer } from './release.ts'
import { workloadId } from './workload-id.ts'

export type PolicyOptions = {
  source: string | undefined
  namespace: string | undefined
  workload: string
  automate: boolean
  deautomate: boolean
  lock: boolean
  unlock: boolean
  /** The filter of every container. */
  tagAll: string | undefined
  /** `container=filter`; `*` takes the filter away. */
  tags: readonly string[]
  message: string | undefined
  user: string | undefined
  timeoutMs: number
  output: OutputFormat
}

/** `capstan policy` and its short forms: changes policies of one workload in git. What is so already is a success. */
export const changePolicy: Action<PolicyOptions> = async (context, options) => {
  const by = options.user ?? context.user
  const change = changeOf(options, by)
  const id = workloadId(options.workload, options.namespace)
  const { namespace, name } = await chooseSourceOf(context, options.source, [id])
  const { message, timeoutMs, output } = options
  const request = { by, ...(message === undefined ? {} : { message }), workloads: { [id]: change } }
  const asked = await context.client().changePolicies(namespace, name, request, { signal: context.signal })
  const answer = await followAnswer(context, asked, { timeoutMs, waitingFor: 'the change' })
  return await printAnswer(context, answer, { output, verbosity: 1 })
}

type Change = { add: Record<string, string>; remove: string[] }

function changeOf(options: PolicyOptions, by: string): Change {
  const { automate, deautomate, lock, unlock, tagAll, tags } = options
  if (automate && deautomate) throw new WrongUsage('Give --automate or --deautomate, not both.')
  if (lock && unlock) throw new WrongUsage('Give --lock or --unlock, not both.')
  const change: Change = { add: {}, remove: [] }
  if (automate) change.add.automated = 'true'
  if (deautomate) change.remove.push('automated')
  if (lock) Object.assign(change.add, { locked: 'true', locked_user: by, locked_msg: options.message ?? '' })
  if (unlock) change.remove.push('locked', 'locked_user', 'locked_msg')
  if (tagAll !== undefined) change.add.tag_all = withPrefix(tagAll)
  for (const text of tags) setTag(text, change)
  if (Object.keys(change.add).length + change.remove.length === 0)
    throw new WrongUsage('Say what to change; see --help.')
  return change
}

/** A filter may have `=` itself: `app=semver:>=1.0`. */
function setTag(text: string, change: Change): void {
  const [, container, filter] = /^([^=\s]+)=(.+)$/.exec(text) ?? []
  if (!container || !filter) throw new WrongUsage(`--tag ${text}: it must be container=filter.`)
  if (filter === '*') change.remove.push(`tag.${container}`)
  else change.add[`tag.${container}`] = withPrefix(filter)
}

function withPrefix(filter: string): string {
  return /^(?:glob|semver|regexp|regex|numeric|alphabetical):/.test(filter) ? filter : `glob:${filter}`
}
