import type { Workload } from '../fluxctl/api.ts'
import type { Action } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { workloadTable } from '../fluxctl/list-workloads.ts'
import { clean } from '../print/clean.ts'
import { type ListOptions, showListing } from '../print/listing.ts'
import { printTable } from '../print/table.ts'

export type WorkloadsOptions = ListOptions & {
  /** Undefined: all. */
  namespace: string | undefined
  /** Only those with such a container. */
  container: string | undefined
  headers: boolean
}

/** `capstan list-workloads`: fluxctl's table of what runs, of all namespaces where none is named. */
export const listWorkloads: Action<WorkloadsOptions> = async (context, { namespace, container, headers, ...options }) =>
  await showListing(context, options, async () => {
    const found = await context.flux().workloads(namespace ?? '')
    const workloads = found
      .filter(({ Containers }) => container === undefined || Containers?.some(({ Name }) => Name === container))
      .toSorted((one, other) => (one.ID < other.ID ? -1 : 1))
    return {
      data: workloads,
      names: workloads.map(({ ID }) => ID),
      table: (wide) => (wide ? wideTable(workloads) : workloadTable(workloads, { noHeaders: !headers })),
      code: exitCodes.done,
    }
  })

function wideTable(workloads: readonly Workload[]): string {
  const rows = workloads.map(({ ID, Containers, Status, Rollout, ReadOnly, SyncError, Antecedent, Policies }) => [
    ID,
    (Containers ?? []).map(({ Name, Current }) => `${Name}=${Current?.ID ?? ''}`).join(' '),
    Status,
    `${Rollout.Updated}/${Rollout.Desired}`,
    String(ReadOnly),
    String(Antecedent),
    Object.entries((Policies ?? {}) as Record<string, string>)
      .map(([name, value]) => (value === 'true' ? name : `${name}=${value}`))
      .join(','),
    String(SyncError),
  ])
  const heads = ['WORKLOAD', 'IMAGES', 'RELEASE', 'REPLICAS', 'READONLY', 'RELEASED BY', 'POLICIES', 'ERROR']
  return printTable(
    heads,
    rows.map((row) => row.map((cell) => clean(cell) || '-')),
  )
}
