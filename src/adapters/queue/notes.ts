import type { JobKind } from '../../domain/work/job.ts'
import type { Progress } from '../../lib/progress.ts'
import type { Connection } from './connection.ts'
import { findQueue } from './job-id.ts'
import type { Queues } from './queues.ts'
import type { RunScript } from './scripts.ts'

/** Lines that were written while a job ran, oldest first. */
export type JobLog = { lines: string[]; total: number }

/** Takes what there is to tell of one run of a job: a line of its log, how far it has come. Nobody waits for it. */
export type JobTeller = { note: (text: string) => void; progress: (progress: Progress) => void }

/** Does work whose log lines belong to a job. */
export type RunAround = <T>(teller: JobTeller, work: () => Promise<T>) => Promise<T>

/** Of all runs of a job; older ones go. */
const mostLines = 5000
/** Of one run, beside its end; the log of the process has the rest. */
const mostOfRun = 500
const longestLine = 2000
/** Lines come in bursts; each call for one costs as much as for all. */
const gatherMs = 100
const progressEveryMs = 300

/** `end` writes a last line, and at once what was not written yet. After it there is no progress. */
export type RunTeller = JobTeller & { end: (text: string) => void }

type Notes = {
  /** Writes about one run of a job, its lines within a tenth of a second; what cannot be written is lost. */
  of: (kind: JobKind, id: string) => RunTeller
  /** From the line `from` on (0 is the first). Undefined for a job that there is not. */
  read: (jobId: string, range: { from: number; limit: number }) => Promise<JobLog | undefined>
}

/** The logs of jobs, in BullMQ's place for them: they go with the job, and the board shows them, too. */
export function createNotes(parts: {
  connection: Connection
  queues: Queues
  script: RunScript
  redact: (text: string) => string
  now: () => number
}): Notes {
  const { connection, queues, script, redact, now } = parts
  return {
    of(kind, id) {
      let gathered: string[] = []
      let timer: NodeJS.Timeout | undefined
      let noted = 0
      let isEnded = false
      let last = { step: '', at: 0 }

      function write(): void {
        clearTimeout(timer)
        timer = undefined
        const lines = gathered
        gathered = []
        if (lines.length === 0 || !connection.isUp()) return
        script('addLines', { kind, dedupe: '' }, [id, mostLines, ...lines]).catch(() => {})
      }

      function gather(text: string): void {
        gathered.push(`${new Date(now()).toISOString()} ${redact(text)}`.slice(0, longestLine))
      }

      return {
        note(text) {
          if (++noted > mostOfRun) return
          gather(noted === mostOfRun ? 'more of this run is in the log of the process' : text)
          timer ??= setTimeout(write, gatherMs).unref()
        },
        progress(progress) {
          const isEarly = progress.step === last.step && performance.now() - last.at < progressEveryMs
          if (isEnded || isEarly || !connection.isUp()) return
          last = { step: progress.step, at: performance.now() }
          queues[kind].updateJobProgress(id, progress).catch(() => {})
        },
        // what a delayed job waits for stands in the same place
        end(text) {
          isEnded = true
          gather(text)
          write()
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
