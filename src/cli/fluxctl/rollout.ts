import { clean } from '../print/clean.ts'
import type { Workload } from './api.ts'
import type { VerbContext } from './context.ts'
import { tabulate } from './tabwriter.ts'

const everyMs = 2000

/** `--watch`: prints where each workload stands every 2 s, until all are ready or one is stuck. */
export async function watchRollout(
  { api, out, err, pause }: Pick<VerbContext, 'api' | 'out' | 'err' | 'pause'>,
  { ids, verbosity }: { ids: readonly string[]; verbosity: number },
): Promise<void> {
  err.write('Monitoring rollout ...\n')
  for (;;) {
    const workloads = await api.workloadsNamed(ids)
    for (const workload of workloads) {
      out.write(rolloutText(workload, verbosity))
      const { Messages } = workload.Rollout
      if (Messages === null) continue
      err.write(`There was a problem releasing ${clean(workload.ID)}:\n`)
      for (const message of Messages) err.write(`${clean(message)}\n`)
      return
    }
    if (workloads.every(({ Status }) => Status === 'ready')) {
      err.write('All workloads ready.\n')
      return
    }
    await pause(everyMs)
  }
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
