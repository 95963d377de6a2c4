import type { Job } from './contract/job.ts'
import { followLive } from './live-stream.ts'

const lookEveryMs = 300

/**
 * A job at once, then whenever it has changed. Ends with the job, when it is gone, and when it cannot be read; a client that wants more
 * comes back and is told which it was.
 */
export function followJob(
  mayGoOn: () => Promise<boolean>,
  read: () => Promise<Job | undefined>,
): AsyncGenerator<string> {
  let last = ''
  return followLive({ everyMs: lookEveryMs, mayGoOn }, async () => {
    const job = await read()
    if (!job) return undefined
    const text = JSON.stringify(job)
    const event = text === last ? '' : `event: job\ndata: ${text}\n\n`
    last = text
    return { event, isLast: job.state === 'completed' || job.state === 'failed' }
  })
}
