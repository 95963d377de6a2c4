import type { JobKind } from '../../domain/work/job.ts'
import type { Progress } from '../../lib/progress.ts'
import type { Connection } from './connection.ts'
import { findQueue } from './job-id.ts'
import type { Queues } from './queues.ts'

/** Lines that were written while a job ran, oldest first. */
export type JobLog = { lines: string[]; total: number }

/** Takes what there is to tell of one run of a job: a line of its log, how far it has come. Nobody waits for it. */
export type JobTeller = { note: (text: string) => void; progress: (progress: Progress) => void }

/** Does work whose log lines belong to a job. */
export type RunAround = <T>(teller: JobTeller, work: () => Promise<T>) => Promise<T>

/** Of all runs of a job; older ones go. */
const mostLines = 5000
/** Of one run; the log of the process has the rest. */
const mostOfRun = 500
const longestLine = 2000
const progressEveryMs = 300

type Notes = {
  /** Writes about one run of a job; what cannot be written is lost. After `end` nothing is. */
  of: (kind: JobKind, id: string) => JobTeller & { end: () => void }
  /** From the line `from` on (0 is the first). Undefined for a job that there is not. */
  read: (jobId: string, range: { from: number; limit: number }) => Promise<JobLog | undefined>
}

/** The logs of jobs, in BullMQ's place for them: they go with the job, and the board shows them, too. */
export function createNotes(parts: {
  connection: Connection
  queues: Queues
  redact: (text: string) => string
  now: () => number
}): Notes {
  const { connection, queues, redact, now } = parts
  return {
    of(kind, id) {
      let written = 0
      let isEnded = false
      let last = { step: '', at: 0 }
      return {
        note(text) {
          if (!connection.isUp() || ++written > mostOfRun) return
          const said = written === mostOfRun ? 'more of this run is in the log of the process' : redact(text)
          const line = `${new Date(now()).toISOString()} ${said}`.slice(0, longestLine)
          queues[kind].addJobLog(id, line, mostLines).catch(() => {})
        },
        progress(progress) {
          const isEarly = progress.step === last.step && performance.now() - last.at < progressEveryMs
          if (isEnded || isEarly || !connection.isUp()) return
          last = { step: progress.step, at: performance.now() }
          queues[kind].updateJobProgress(id, progress).catch(() => {})
        },
        // what a delayed job waits for stands in the same place
        end() {
          isEnded = true
        },
      }
    },
    async read(jobId, { from, limit }) {
      const found = findQueue(jobId)
      if (!found) return undefined
      const queue = queues[found.kind]
      return await connection.call(async () => {
        const { logs, count } = await queue.getJobLogs(found.id, from, from + limit - 1)
        if (count === 0 && !(await queue.getJob(found.id))) return undefined
        return { lines: logs, total: count }
      })
    },
  }
}
