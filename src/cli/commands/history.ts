import type { Deployment } from '../../api/contract/event.ts'
import type { Action, Context, OutputFormat } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { printJson } from '../print/json.ts'
import { printTable } from '../print/table.ts'
import { allPages } from './all-pages.ts'

export type HistoryOptions = {
  /** A source, a release or a workload; undefined: all. */
  about: string | undefined
  limit: number
  output: OutputFormat
}

/** `capstan history`: who or what deployed what, newest first. */
export const showDeployments: Action<HistoryOptions> = async (context, { about, limit, output }) => {
  const { client, signal, out } = context
  const wanted = about === undefined ? {} : { about }
  const deployments = await allPages(limit, async (range) => {
    const { deployments: items, next } = await client().deployments({ ...wanted, ...range }, { signal })
    return { items, next }
  })
  if (output === 'json') out.write(printJson({ deployments }))
  else out.write(deployments.length > 0 ? historyTable(deployments, context) : noneText(about))
  return deployments.length > 0 || about === undefined ? exitCodes.done : exitCodes.notFound
}

function noneText(about: string | undefined): string {
  return about === undefined ? 'nothing was deployed yet\n' : `nothing is known of ${clean(about)}\n`
}

function historyTable(deployments: readonly Deployment[], { style }: Pick<Context, 'style'>): string {
  const rows = deployments.map((one) => {
    const { endedAt, source, cause, revision, chart, outcome, reason, job } = one
    const mark = outcome === 'done' ? style.good('done') : style.bad(clean(`failed ${reason}`))
    return [
      clean(endedAt),
      clean(`${source.kind} ${source.namespace}/${source.name}`),
      clean(cause.by),
      clean(chart || shortRevision(revision)) || '-',
      mark,
      clean(changesOf(one)),
      clean(job),
    ]
  })
  return printTable(['TIME', 'WHAT', 'BY', 'REVISION', 'OUTCOME', 'CHANGES', 'JOB'], rows)
}

function shortRevision(revision: string): string {
  return revision.replace(/@([0-9a-f]{12})[0-9a-f]{28}$/, '@$1')
}

function changesOf({ counts, helmRevision }: Deployment): string {
  const words = Object.entries(counts).filter(([action, count]) => count > 0 && action !== 'unchanged')
  const revision = helmRevision > 0 ? `, revision ${helmRevision}` : ''
  const text = words.map(([action, count]) => (helmRevision > 0 ? action : `${count} ${action}`)).join(', ')
  return `${text || 'nothing'}${revision}`
}
