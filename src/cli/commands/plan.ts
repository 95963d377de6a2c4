import { ApiRefusal } from '../../api/client.ts'
import type { Plan, PlanAccepted, PlanChange } from '../../api/contract/plan.ts'
import type { Source } from '../../api/contract/status.ts'
import type { Action, Context, OutputFormat } from '../context.ts'
import { type ExitCode, exitCodes, NotThere, WrongUsage } from '../exit.ts'
import { packFolder } from '../pack-folder.ts'
import { clean } from '../print/clean.ts'
import { printDiff } from '../print/diff.ts'
import { printJson } from '../print/json.ts'
import type { Style } from '../print/style.ts'
import { printTable } from '../print/table.ts'
import { chooseSource } from './choose-source.ts'
import { poll, readAsked } from './follow-job.ts'
import { shortRevision } from './status.ts'
import { watchJob } from '../watch.ts'

export type PlanOptions = {
  source: string | undefined
  /** Commit, tag or branch; undefined: what the source follows. */
  ref: string | undefined
  /** A checkout on this machine in place of a revision. */
  dir: string | undefined
  full: boolean
  timeoutMs: number
  output: OutputFormat
}

/** `capstan plan`: what a sync would do. Exit 0 when nothing, 2 when something would change, 1 when an object would fail. */
export const planSource: Action<PlanOptions> = async (context, options) => {
  if (options.ref !== undefined && options.dir !== undefined) throw new WrongUsage('Give --ref or --dir, not both.')
  const archive = options.dir === undefined ? undefined : packFolder(options.dir)
  const source = await chooseSource(context, options.source)
  const asked = await ask(context, source, options, archive)
  if (options.output === 'table') {
    context.err.write(`planning ${clean(`${source.namespace}/${source.name}`)}: job ${clean(asked.job)}\n`)
  }
  const plan = await waitForPlan(context, asked, context.now() + options.timeoutMs)
  context.out.write(options.output === 'json' ? printJson(plan) : planText(plan, context.style))
  return codeOf(plan)
}

async function ask(
  { client, user, signal }: Context,
  { namespace, name }: Source,
  { ref, full }: PlanOptions,
  archive: Uint8Array | undefined,
): Promise<PlanAccepted> {
  if (archive) return await client().planFiles(namespace, name, { archive, full, by: user }, { signal })
  return await client().planSource(
    namespace,
    name,
    { full, by: user, ...(ref === undefined ? {} : { ref }) },
    { signal },
  )
}

/** The finished plan, also one that could not be made. Throws TimedOut, NotThere. */
export async function waitForPlan(context: Context, { job, plan: id }: PlanAccepted, at: number): Promise<Plan> {
  return await poll(
    context,
    { at, waitingFor: 'the plan' },
    async () => {
      const plan = await readPlan(context, id)
      if (plan && (plan.state === 'done' || plan.state === 'failed')) return plan
      const found = await readAsked(context, job)
      // stopped by somebody, before it could say so itself
      const stopped = found.state === 'failed' || (found.state === 'completed' && !plan)
      if (!stopped) return undefined
      const ended = (await readPlan(context, id)) ?? undefined
      if (ended && ended.state !== 'queued' && ended.state !== 'running') return ended
      throw new NotThere(`There is no plan: ${found.failure ?? found.result ?? 'its job was stopped'}.`)
    },
    watchJob(context, job),
  )
}

async function readPlan({ client, signal }: Context, id: string): Promise<Plan | undefined> {
  try {
    return await client().plan(id, { signal })
  } catch (error) {
    if (error instanceof ApiRefusal && error.problem.status === 404) return undefined
    throw error
  }
}

/** The exit code that a finished plan asks for. */
export function codeOf({ state, reason, counts }: Plan): ExitCode {
  if (reason === 'GitRefNotFound') return exitCodes.notFound
  if (reason === 'NotFollowed') return exitCodes.denied
  if (state === 'failed' || counts.failed > 0) return exitCodes.failed
  return counts.created + counts.configured + counts.deleted > 0 ? exitCodes.changes : exitCodes.done
}

/** A plan for people: objects, diffs, counts, notes. */
export function planText(plan: Plan, style: Style): string {
  if (plan.state === 'failed') return `${style.bad('failed')} ${clean(`${plan.reason}: ${plan.message}`)}\n`
  const diffs = plan.changes.flatMap((change) => (change.diff ? [diffText(change, style)] : []))
  const summary = `${shortRevision(plan.revision)}: ${summaryOf(plan.counts)}\n`
  const notes = plan.warnings.map((warning) => `${style.warn('note')}  ${clean(warning)}\n`).join('')
  return [tableOf(plan, style), ...diffs, summary + notes].filter((part) => part !== '').join('\n')
}

function tableOf({ changes, held }: Plan, style: Style): string {
  const rows = [
    ...changes.map(({ action, id, file, line, reason, message, overruled }) => [
      paintOf(action, style)(action),
      clean(id) || '-',
      clean(line > 0 ? `${file}:${line}` : file) || '-',
      clean(
        [reason && `${reason}:`, message, overruled && `overrules ${overruled.join('; ')}`].filter(Boolean).join(' '),
      ),
    ]),
    ...held.map(({ id, file, reason, message }) => [
      style.warn('held'),
      clean(id),
      clean(file) || '-',
      clean(`${reason}: ${message}`),
    ]),
  ]
  return rows.length === 0 ? '' : printTable(['', 'OBJECT', 'FILE', 'WHY'], rows)
}

function paintOf(action: PlanChange['action'], { good, bad, warn, faint }: Style): (text: string) => string {
  if (action === 'created') return good
  if (action === 'configured') return warn
  return action === 'deleted' || action === 'failed' ? bad : faint
}

function diffText({ action, id, diff = '' }: PlanChange, style: Style): string {
  return `${action} ${clean(id)}\n${printDiff(diff, style)}`
}

/** "1 created, 998 unchanged", or "no change". */
function summaryOf(counts: Plan['counts']): string {
  const words = Object.entries(counts).filter(([action, count]) => count > 0 && action !== 'unchanged')
  const text = words.map(([action, count]) => `${count} ${action}`)
  return [...(text.length > 0 ? text : ['no change']), `${counts.unchanged} unchanged`].join(', ')
}
