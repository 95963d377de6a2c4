import { ApiRefusal } from '../../api/client.ts'
import type { Explanation } from '../../api/contract/explain.ts'
import type { Action, Context, OutputFormat } from '../context.ts'
import { exitCodes, WrongUsage } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { printJson } from '../print/json.ts'
import { poll } from './follow-job.ts'
import { watchEvents } from '../watch.ts'

export type WaitOptions = {
  /** As `capstan explain` takes it; a commit that was not fetched yet is waited for, too. */
  subject: string
  /** It is given as a commit, which nothing else may be. */
  isCommit: boolean
  timeoutMs: number
  output: OutputFormat
}

/**
 * `capstan wait`: exit 0 when all is done, 1 when something stops it that does not pass by itself, 3 when the time is over. Made for
 * pipelines: `git push && capstan wait --commit "$(git rev-parse HEAD)"`.
 */
export const waitFor: Action<WaitOptions> = async (context, { subject, isCommit, timeoutMs, output }) => {
  if (isCommit && !/^[0-9a-f]{7,40}$/i.test(subject))
    throw new WrongUsage(`--commit ${subject}: it must be 7 to 40 hexadecimal digits, as git rev-parse prints them.`)
  let last = ''
  const deadline = { at: context.now() + timeoutMs, waitingFor: subject, why: () => last }
  let before: string[] | undefined
  const found = await poll(
    context,
    deadline,
    async () => {
      const now = await read(context, subject)
      const words = now ? wordsOf(now) : 'it is not known yet'
      if (words !== last && output !== 'json') context.out.write(`${words}\n`)
      last = words
      before ??= now && fetchesOf(now)
      return now && isOver(now, before ?? []) ? now : undefined
    },
    watchEvents(context),
  )
  if (output === 'json') context.out.write(printJson(found))
  return found.state === 'done' ? exitCodes.done : exitCodes.failed
}

/** Undefined while nothing of that name is known. */
async function read({ client, signal }: Context, subject: string): Promise<Explanation | undefined> {
  try {
    return await client().explain({ subject }, { signal })
  } catch (error) {
    if (error instanceof ApiRefusal && error.problem.status === 404) return undefined
    throw error
  }
}

/** What is tried again by itself may yet go on, and git may name an image that it did not when it was fetched before. */
function isOver(found: Explanation, before: readonly string[]): boolean {
  const { state, cause } = found
  if (cause?.reason === 'NotAutomated' && fetchesOf(found).some((one) => before.includes(one))) return false
  return state === 'done' || (state === 'stopped' && !cause?.nextTryAt)
}

/** When each source was fetched last. */
function fetchesOf({ steps }: Explanation): string[] {
  return steps.filter(({ step }) => step === 'revision').map(({ of, at }) => `${of} ${at}`)
}

function wordsOf({ subject, state, cause }: Explanation): string {
  const name = `${subject.kind} ${clean(subject.id)}`
  if (!cause) return `${name}: all is done`
  const why = `${clean(cause.reason)} ${clean(cause.message)}`.trim()
  return `${name}: ${state === 'stopped' ? 'stopped at' : 'now at'} ${cause.step}: ${why}`
}
