import { type JobKind, jobKinds } from '../../domain/work/job.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Connection } from './connection.ts'
import type { Queues } from './queues.ts'

type Pauses = {
  pause: (kind: JobKind) => Promise<boolean>
  resume: (kind: JobKind) => Promise<boolean>
  paused: () => Promise<JobKind[]>
}

/** Kinds of which no process takes jobs until somebody resumes them. Redis remembers it, and a lost Redis forgets it. */
export function createPauses(parts: { connection: Connection; queues: Queues; log: Logger }): Pauses {
  const { connection, queues, log } = parts
  return {
    pause: (kind) =>
      connection.call(async () => {
        if (await queues[kind].isPaused()) return false
        await queues[kind].pause()
        log.info({ kind }, 'queue paused')
        return true
      }),
    resume: (kind) =>
      connection.call(async () => {
        if (!(await queues[kind].isPaused())) return false
        await queues[kind].resume()
        log.info({ kind }, 'queue resumed')
        return true
      }),
    paused: () =>
      connection.call(async () => {
        const states = await Promise.all(jobKinds.map(async (kind) => await queues[kind].isPaused()))
        return jobKinds.filter((_kind, at) => states[at])
      }),
  }
}
