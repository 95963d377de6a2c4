import { clean } from '../print/clean.ts'
import type { Workload } from './api.ts'
import type { VerbContext } from './context.ts'
import { tabulate } from './tabwriter.ts'

const everyMs = 2000

/** How far a workload has come; `problem`: what keeps it from going on. */
export type Standing = 'ready' | 'moving' | { problem: readonly string[] }

/** What is watched, in how much detail, and by what a workload is judged where that is not as fluxctl does it. */
export type Watched = {
  ids: readonly string[]
  verbosity: number
  judge?: (workload: Workload) => Standing | Promise<Standing>
}

/** `--watch`: prints where each workload stands every 2 s, until all are ready (true) or one is stuck (false). */
export async function watchRollout(
  { api, out, err, pause }: Pick<VerbContext, 'api' | 'out' | 'err' | 'pause'>,
  { ids, verbosity, judge = standingOf }: Watched,
): Promise<boolean> {
  err.write('Monitoring rollout ...\n')
  for (;;) {
    const workloads = await api.workloadsNamed(ids)
    let isReady = true
    for (const workload of workloads) {
      out.write(rolloutText(workload, verbosity))
      const standing = await judge(workload)
      isReady &&= standing === 'ready'
      if (typeof standing === 'string') continue
      err.write(`There was a problem releasing ${clean(workload.ID)}:\n`)
      for (const message of standing.problem) err.write(`${clean(message)}\n`)
      return false
    }
    if (isReady) {
      err.write('All workloads ready.\n')
      return true
    }
    await pause(everyMs)
  }
}

/** As fluxctl judges: by the word `ready` alone, and by messages. */
export function standingOf({ Status, Rollout: { Messages } }: Workload): Standing {
  if (Messages !== null) return { problem: Messages }
  return Status === 'ready' ? 'ready' : 'moving'
}

function rolloutText({ ID, Containers, Status, Rollout }: Workload, verbosity: number): string {
  const { Updated, Desired, Outdated, Ready } = Rollout
  const more = verbosity > 0 ? ` (${Outdated} outdated, ${Ready} ready)` : ''
  const [first, ...others] = (Containers ?? []).map(
    ({ Name = '', Current }) => `${clean(Name)}\t${clean(Current?.ID ?? '')}`,
  )
  const end = `${clean(Status)}\t${Updated}/${Desired}${more}`
  const head = 'WORKLOAD\tCONTAINER\tIMAGE\tRELEASE\tREPLICAS'
  return tabulate([head, `${clean(ID)}\t${first ?? '\t'}\t${end}`, ...others.map((one) => `\t${one}\t\t`), ''])
}
