import type { Deployment } from '../../api/contract/event.ts'
import type { Action, Context } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { type ListOptions, showListing } from '../print/listing.ts'
import { printTable } from '../print/table.ts'
import { allPages } from './all-pages.ts'

export type HistoryOptions = ListOptions & {
  /** A source, a release or a workload; undefined: all. */
  about: string | undefined
  limit: number
}

/** `capstan history`: who or what deployed what, newest first. */
export const showDeployments: Action<HistoryOptions> = async (context, { about, limit, ...options }) =>
  await showListing(context, options, async () => {
    const { client, signal } = context
    const wanted = about === undefined ? {} : { about }
    const deployments = await allPages(limit, async (range) => {
      const { deployments: items, next } = await client().deployments({ ...wanted, ...range }, { signal })
      return { items, next }
    })
    const isEmpty = deployments.length === 0
    return {
      data: { deployments },
      names: deployments.map(({ job }) => job),
      table: (wide) => (isEmpty ? noneText(about) : historyTable(deployments, context, wide)),
      code: !isEmpty || about === undefined ? exitCodes.done : exitCodes.notFound,
    }
  })

function noneText(about: string | undefined): string {
  return about === undefined ? 'nothing was deployed yet\n' : `nothing is known of ${clean(about)}\n`
}

function historyTable(deployments: readonly Deployment[], { style }: Pick<Context, 'style'>, wide: boolean): string {
  const rows = deployments.map((one) => {
    const { startedAt, endedAt, source, cause, revision, chart, outcome, reason, job } = one
    const mark = outcome === 'done' ? style.good('done') : style.bad(clean(`failed ${reason}`))
    return [
      clean(endedAt),
      clean(`${source.kind} ${source.namespace}/${source.name}`),
      clean(cause.by),
      clean(chart || shortRevision(revision)) || '-',
      mark,
      clean(changesOf(one)),
      clean(job),
      ...(wide ? [clean(startedAt), clean(one.message)] : []),
    ]
  })
  const more = wide ? ['STARTED', 'MESSAGE'] : []
  return printTable(['TIME', 'WHAT', 'BY', 'REVISION', 'OUTCOME', 'CHANGES', 'JOB', ...more], rows)
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
