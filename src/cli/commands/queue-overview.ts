import type { JobKindName } from '../../api/client.ts'
import type { QueueCounts } from '../../api/contract/job.ts'
import type { Action, Context } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { type ListOptions, showListing } from '../print/listing.ts'
import { printTable } from '../print/table.ts'

/** `capstan queue`: how many jobs of each kind run, wait and failed, and how many are in line in each lane. */
export const showQueues: Action<ListOptions> = async (context, options) =>
  await showListing(context, options, async () => {
    const counts = await context.client().queues({ signal: context.signal })
    return {
      data: counts,
      names: Object.keys(counts.queues),
      table: (wide) => `${kindTable(counts, context, wide)}\n${laneTable(counts)}`,
      code: exitCodes.done,
    }
  })

function kindTable({ queues, paused }: QueueCounts, { style }: Context, wide: boolean): string {
  const rows = Object.entries(queues)
    .filter(
      ([kind, of]) => wide || Object.values(of).some((count) => count > 0) || paused.includes(kind as JobKindName),
    )
    .map(([kind, { active, waiting, delayed, failed, completed }]) => [
      kind,
      String(active),
      String(waiting),
      String(delayed),
      failed > 0 ? style.bad(String(failed)) : '0',
      String(completed),
      paused.includes(kind as JobKindName) ? style.warn('paused') : 'taken',
    ])
  if (rows.length === 0) return 'no jobs\n'
  return printTable(['KIND', 'RUNNING', 'WAITING', 'DELAYED', 'FAILED', 'DONE', 'JOBS ARE'], rows)
}

function laneTable({ lanes }: QueueCounts): string {
  const rows = Object.entries(lanes).map(([lane, count]) => [lane, String(count)])
  return printTable(['LANE', 'IN LINE'], rows)
}

type Change = { kinds: readonly JobKindName[]; change: 'pause' | 'resume' }

/** `capstan queue pause|resume`: no process takes jobs of these kinds, or each does again. */
export const changeQueues: Action<Change> = async (context, { kinds, change }) => {
  for (const kind of kinds) {
    const { paused } = await context
      .client()
      .changeQueue(kind, change, { by: context.user }, { signal: context.signal })
    context.out.write(`${kind} ${paused ? 'paused; what runs goes on' : 'resumed'}\n`)
  }
  return exitCodes.done
}
