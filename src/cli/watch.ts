import type { OpenStream } from './bell.ts'
import type { Context } from './context.ts'

/** A job as it changes, of which the command tells what it does now. */
export function watchJob({ client, progress }: Context, id: string): OpenStream {
  return async function* (options) {
    for await (const job of client().followJob(id, options)) {
      progress.job(job)
      yield job
    }
  }
}

/** What happens at all, from now on. */
export function watchEvents({ client, now }: Context): OpenStream {
  let after = `${now()}-0`
  return async function* (options) {
    for await (const event of client().followEvents({}, { after, ...options })) {
      after = event.id
      yield event
    }
  }
}
