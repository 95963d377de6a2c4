import type { SinkList } from '../../api/contract/event.ts'
import type { Accepted } from '../../api/contract/job.ts'
import type { Action, Context } from '../context.ts'
import { type ExitCode, exitCodes } from '../exit.ts'
import { ageOf } from '../print/age.ts'
import { clean } from '../print/clean.ts'
import { type ListOptions, showListing } from '../print/listing.ts'
import { printTable } from '../print/table.ts'
import { followAccepted } from './follow-job.ts'

/** `capstan sink ls`: where events are sent, and how that goes. */
export const listSinks: Action<ListOptions> = async (context, options) =>
  await showListing(context, options, async () => {
    const { sinks } = await context.client().sinks({ signal: context.signal })
    return {
      data: { sinks },
      names: sinks.map(({ name }) => name),
      table: () => (sinks.length === 0 ? 'events are sent nowhere; see --sinks-file\n' : sinkTable(sinks, context)),
      code: sinks.some(({ failures }) => failures > 0) ? exitCodes.failed : exitCodes.done,
    }
  })

function sinkTable(sinks: SinkList['sinks'], { style, now }: Context): string {
  const rows = sinks.map(({ name, type, failures, failure, deliveredAt }) => {
    const state = failures > 0 ? style.bad(`failed ${failures} times`) : style.good('good')
    return [clean(name), clean(type), state, deliveredAt ? ageOf(deliveredAt, now()) : 'never', clean(failure)]
  })
  return printTable(['NAME', 'TYPE', 'STATE', 'DELIVERED', 'FAILURE'], rows)
}

type Change = { name: string; user: string | undefined; timeoutMs: number }

/** `capstan sink test`: whether a sink takes an event now. */
export const testSink: Action<Change> = async (context, { name, user, timeoutMs }) => {
  const asked = await context.client().testSink(name, { by: user ?? context.user }, { signal: context.signal })
  return await followEnd(context, asked, timeoutMs)
}

/** `capstan sink replay`: sends a sink the past again. */
export const replaySink: Action<Change & { sinceMs: number }> = async (context, options) => {
  const { name, user, timeoutMs, sinceMs } = options
  const since = new Date(context.now() - sinceMs).toISOString()
  const request = { by: user ?? context.user, since }
  return await followEnd(
    context,
    await context.client().replaySink(name, request, { signal: context.signal }),
    timeoutMs,
  )
}

/** Waits for the end of the job and says what came of it. */
async function followEnd(context: Context, accepted: Accepted, timeoutMs: number): Promise<ExitCode> {
  const { out, style } = context
  const { isDone, job } = await followAccepted(context, accepted, timeoutMs)
  out.write(
    `${isDone ? style.good('done') : style.bad('failed')} ${clean((isDone ? job.result : job.failure) ?? '')}\n`,
  )
  return isDone ? exitCodes.done : exitCodes.failed
}
