import { type Job, UnrecoverableError } from 'bullmq'
import { dedupeKey } from '../../domain/work/dedupe-key.ts'
import type { JobKind, JobPayload, Outcome } from '../../domain/work/job.ts'
import { readPayload } from '../../domain/work/payload.ts'
import type { Logger } from '../../lib/logger.ts'
import { shownId } from './job-id.ts'
import { type Ended, Stopped, type Verdict, verdictOf } from './outcome.ts'
import type { RunAround, RunTeller } from './notes.ts'
import type { Runs } from './runs.ts'
import type { Teller } from './tell-bullmq.ts'
import { payloadOf } from './view.ts'

/** Runs one job. Throws AppError on failure; must stop soon after `signal` aborts. */
export type Processor = (payload: JobPayload, context: { jobId: string; signal: AbortSignal }) => Promise<Outcome>

/** One run of a job that BullMQ handed out; gives its result or throws what BullMQ understands. */
export type RunJob = (kind: JobKind, processor: Processor, job: Job, token: string) => Promise<string>

type Parts = {
  runs: Runs
  tell: Teller['tell']
  notesOf: (kind: JobKind, id: string) => RunTeller
  around: RunAround
  redact: (text: string) => string
  now: () => number
  log: Logger
}

async function attempt(work: () => Promise<Outcome>): Promise<Ended> {
  try {
    return { outcome: await work() }
  } catch (error) {
    return { error }
  }
}

/** Makes the run of one job, from what BullMQ hands out to what BullMQ is told. */
export function createRunJob({ runs, tell, notesOf, around, redact, now, log }: Parts): RunJob {
  async function run(kind: JobKind, processor: Processor, job: Job, token: string): Promise<string> {
    const read = readPayload(job.data)
    const problem = 'problem' in read ? read.problem : read.payload.kind === kind ? undefined : 'it is in a wrong queue'
    if (problem) throw new UnrecoverableError(`InternalError: The job was refused: ${problem}.`)
    const payload = payloadOf(job, kind)
    const jobId = shownId(kind, job.id ?? '')
    const object = job.repeatJobKey ? jobId : dedupeKey(payload)
    const { signal, end, forget } = await runs.begin({ kind, jobId, job, object })
    const teller = notesOf(kind, job.id ?? '')
    const begunAt = now()
    teller.note(`begun, try ${job.attemptsStarted}: ${payload.reason}`)
    try {
      const ended = await attempt(async () => {
        signal.throwIfAborted()
        return await around(teller, async () => await processor(payload, { jobId, signal }))
      })
      end()
      const stopped = signal.aborted && signal.reason instanceof Stopped ? signal.reason : undefined
      const verdict = verdictOf(ended, stopped, redact)
      teller.end(`${endOf(verdict)} (${((now() - begunAt) / 1000).toFixed(1)} s)`)
      logEnd({ jobId, kind, namespace: payload.namespace, name: payload.name }, ended, verdict)
      return await tell(job, token, payload, verdict)
    } finally {
      forget()
    }
  }

  function logEnd(fields: Record<string, string>, ended: Ended, verdict: Verdict): void {
    if (verdict.do === 'complete') return log.debug({ ...fields, result: verdict.summary }, 'job done')
    if (verdict.do === 'delay') return log.debug({ ...fields, why: verdict.why }, 'job waits')
    if (verdict.do === 'return') return log.info(fields, 'job stopped and given back')
    const isBug = verdict.text.startsWith('InternalError') && 'error' in ended
    if (isBug) return log.error({ ...fields, err: ended.error }, 'job failed by a bug')
    log.info({ ...fields, failure: verdict.text }, 'job failed')
  }

  return run
}

function endOf(verdict: Verdict): string {
  switch (verdict.do) {
    case 'complete':
      return `done: ${verdict.summary}`
    case 'delay':
      return `is run again: ${verdict.why}`
    case 'return':
      return 'given back'
    case 'fail':
    case 'retry':
      return `failed: ${verdict.text}`
  }
}
