import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from './contract/job.ts'

export type JobFollower = {
  id: string
  /** Asked before each look. */
  mayGoOn: () => Promise<boolean>
}

const lookEveryMs = 300
/** A line without meaning, so that proxies keep the connection and a client that is gone is noticed. */
const beatEveryMs = 15_000
/** Then the client comes back by itself, with a token that is looked at again. */
const longestMs = 3_600_000

/**
 * Server-sent events (WHATWG HTML, 9.2): a job at once, then whenever it has changed. Ends with the job, when it is gone, and when it
 * cannot be read; a client that wants more comes back and is told which it was.
 */
export async function* followJob(
  { id, mayGoOn }: JobFollower,
  read: (id: string) => Promise<Job | undefined>,
): AsyncGenerator<string> {
  const ends = performance.now() + longestMs
  let beat = performance.now()
  let last = ''
  yield 'retry: 2000\n\n'
  while ((await mayGoOn()) && performance.now() < ends) {
    const job = await read(id).catch(() => undefined)
    if (!job) return
    const text = JSON.stringify(job)
    if (text !== last) yield `event: job\ndata: ${text}\n\n`
    last = text
    if (job.state === 'completed' || job.state === 'failed') return
    if (performance.now() - beat > beatEveryMs) {
      beat = performance.now()
      yield ': still here\n\n'
    }
    await sleep(lookEveryMs)
  }
}
