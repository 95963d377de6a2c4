import type { SinkList } from '../../api/contract/event.ts'
import type { Accepted } from '../../api/contract/job.ts'
import type { Action, Context } from '../context.ts'
import { type ExitCode, exitCodes, NotThere } from '../exit.ts'
import { ageOf } from '../print/age.ts'
import { clean } from '../print/clean.ts'
import { type ListOptions, showListing } from '../print/listing.ts'
import { printTable } from '../print/table.ts'
import { endOf, poll, readJob } from './follow-job.ts'
import { watchJob } from '../watch.ts'

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
async function followEnd(context: Context, { jobId, requestedAt }: Accepted, timeoutMs: number): Promise<ExitCode> {
  const { out, style } = context
  const deadline = { at: context.now() + timeoutMs, waitingFor: `job ${jobId}` }
  return await poll(
    context,
    deadline,
    async () => {
      const job = await readJob(context, jobId)
      if (job === 'lost') throw new NotThere('The server has forgotten the request (Redis lost it); ask again.')
      const end = endOf(job, requestedAt)
      if (end === 'running') return undefined
      const text = clean((end === 'done' ? job.result : job.failure) ?? '')
      out.write(end === 'done' ? `${style.good('done')} ${text}\n` : `${style.bad('failed')} ${text}\n`)
      return end === 'done' ? exitCodes.done : exitCodes.failed
    },
    watchJob(context, jobId),
  )
}
