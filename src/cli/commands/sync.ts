import type { Source } from '../../api/contract/status.ts'
import { fetchedRevisionOf, nextJobOf } from '../../api/contract/next-job.ts'
import type { Action, Context, OutputFormat } from '../context.ts'
import { type ExitCode, exitCodes } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { printJson } from '../print/json.ts'
import { chooseSource } from './choose-source.ts'
import { type Deadline, endOf, poll, readJob } from './follow-job.ts'
import { failureText, shortRevision } from './status.ts'
import { watchJob } from '../watch.ts'

export type SyncOptions = {
  source: string | undefined
  /** Until what to wait; false: not at all. */
  wait: 'applied' | 'health' | false
  timeoutMs: number
  output: OutputFormat
}

type Name = Pick<Source, 'namespace' | 'name'>

/**
 * `capstan sync`: fetch and reconcile now, then wait until the head at the time of asking is applied (W37). Exit 1 when an object
 * failed, 3 past the timeout.
 */
export const syncSource: Action<SyncOptions> = async (context, options) => {
  const name = await chooseSource(context, options.source)
  const asked = await context
    .client()
    .syncSource(name.namespace, name.name, { by: context.user }, { signal: context.signal })
  const say = (text: string): void => {
    if (options.output === 'table') context.out.write(`${text}\n`)
  }
  if (!options.wait) {
    if (options.output === 'json') context.out.write(printJson(asked))
    say(`asked for ${clean(`${name.namespace}/${name.name}`)}: job ${clean(asked.jobId)}`)
    return exitCodes.done
  }
  const run: Run = { context, name, say, requestedAt: asked.requestedAt, deadlineAt: context.now() + options.timeoutMs }
  const outcome = await waitUntilApplied(run, asked.jobId)
  const source =
    options.wait === 'health' && outcome.isApplied ? await waitForHealth(run, outcome.endedAt) : outcome.source
  if (options.output === 'json') context.out.write(printJson({ ...outcome, source }))
  return report(run, { ...outcome, source })
}

type Run = { context: Context; name: Name; say: (text: string) => void; requestedAt: string; deadlineAt: number }

/** How it ended: which revision was asked for, and what the source says now. */
type Applied = { revision: string; isApplied: boolean; failure: string; source: Source; endedAt: string }

/** How a job ended; `endedAt` by the clock of the server. */
type Ended = { end: 'done' | 'failed'; text: string; endedAt: string }

/** Follows the fetch, then the sync that it led to. A job that is lost with Redis is made up for by what the source says. */
async function waitUntilApplied(run: Run, fetchId: string): Promise<Applied> {
  const fetched = await followJob(run, fetchId, { at: run.deadlineAt, waitingFor: 'the fetch' }, '')
  if (fetched.end === 'failed') {
    const { text: failure, endedAt } = fetched
    return { revision: '', isApplied: false, failure, source: await readSource(run), endedAt }
  }
  const revision = fetchedRevisionOf(fetched.text) ?? ''
  if (revision) run.say(`fetched ${shortRevision(revision)}`)
  const next = nextJobOf(fetched.text)
  const deadline = { at: run.deadlineAt, waitingFor: `${shortRevision(revision)} to be applied` }
  const synced = next ? await followJob(run, next, deadline, revision) : fetched
  const source = await readSource(run)
  const isApplied = synced.end === 'done' && (source.ready || (revision !== '' && source.revision === revision))
  return {
    revision: revision || source.attempted,
    isApplied,
    failure: synced.end === 'failed' ? synced.text : '',
    source,
    endedAt: synced.endedAt,
  }
}

/** Until the job has ended, or the source has tried the revision (any newer head where that is empty). */
async function followJob(run: Run, id: string, deadline: Deadline, revision: string): Promise<Ended> {
  return await poll(
    run.context,
    deadline,
    async () => {
      const job = await readJob(run.context, id)
      if (job === 'lost') return await endBySource(run, revision)
      const end = endOf(job, run.requestedAt)
      if (end !== 'running') {
        return {
          end,
          text: (end === 'done' ? job.result : job.failure) ?? '',
          endedAt: job.finishedAt ?? run.requestedAt,
        }
      }
      // it may have been applied and wait for something else
      return job.state === 'delayed' && revision !== '' ? await endBySource(run, revision) : undefined
    },
    watchJob(run.context, id),
  )
}

async function endBySource(run: Run, revision: string): Promise<Ended | undefined> {
  const source = await readSource(run)
  if (!hasTried(source, run.requestedAt, revision)) return undefined
  return { end: 'done', text: revision || source.attempted, endedAt: source.fetchedAt }
}

function hasTried(source: Source, requestedAt: string, revision: string): boolean {
  if (revision !== '') return source.attempted === revision
  return Date.parse(source.fetchedAt) >= Date.parse(requestedAt) && source.attempted.endsWith(`@${source.head}`)
}

async function readSource({ context, name }: Run): Promise<Source> {
  return await context.client().source(name.namespace, name.name, { signal: context.signal })
}

/** Until nothing is unhealthy as of a time after the sync: an older reading knows nothing of what it changed. */
async function waitForHealth(run: Run, since: string): Promise<Source> {
  run.say('waiting for workloads to become healthy')
  return await poll(run.context, { at: run.deadlineAt, waitingFor: 'workloads to become healthy' }, async () => {
    const source = await readSource(run)
    return source.healthy && Date.parse(source.observedAt) >= Date.parse(since) ? source : undefined
  })
}

function report({ context, say }: Run, { revision, isApplied, failure, source }: Applied): ExitCode {
  const { style } = context
  if (isApplied) {
    say(`${style.good('applied')} ${shortRevision(revision)}: ${clean(source.message)}`)
    return exitCodes.done
  }
  const why = clean(failure || `${source.reason}: ${source.message}`)
  say(`${style.bad('failed')} ${revision ? `${shortRevision(revision)}: ` : ''}${why}`)
  if (!failure) say(failureText([source], style).trimEnd())
  return exitCodes.failed
}
