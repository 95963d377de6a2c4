import { clean } from '../print/clean.ts'
import type { Workload } from './api.ts'
import type { Verb } from './context.ts'
import { Failure } from './failure.ts'
import { workloadsJson } from './print-json.ts'
import { tabulate } from './tabwriter.ts'

/** `fluxctl list-workloads`. */
export const listWorkloads: Verb = async ({ flags, words, api, out, namespace }) => {
  checkList(flags.text('output-format'), words)
  const found = await api.workloads(flags.on('all-namespaces') ? '' : await namespace())
  const container = flags.text('container')
  const workloads = found
    .filter(({ Containers }) => container === '' || Containers?.some(({ Name }) => Name === container))
    .toSorted((one, other) => (one.ID < other.ID ? -1 : 1))
  if (flags.text('output-format') === 'json') {
    // a filter that lets nothing through leaves no list
    out.write(workloadsJson(container !== '' && workloads.length === 0 ? null : workloads))
    return
  }
  out.write(workloadTable(workloads, { noHeaders: flags.on('no-headers') }))
}

/** The table of both `fluxctl list-workloads` and `capstan list-workloads`. */
export function workloadTable(workloads: readonly Workload[], { noHeaders }: { noHeaders: boolean }): string {
  const heads = noHeaders ? [] : ['WORKLOAD\tCONTAINER\tIMAGE\tRELEASE\tPOLICY']
  return tabulate([...heads, ...workloads.flatMap(rowsOf)])
}

/** What both lists refuse. */
export function checkList(format: string, words: readonly string[]): void {
  if (words.length > 0) throw new Failure('expected no (non-flag) arguments')
  if (!['tab', 'json'].includes(format)) throw new Failure('invalid output format specified')
}

function rowsOf(workload: Workload): string[] {
  const { ID, Containers, Status } = workload
  const [first, ...more] = (Containers ?? []).map(({ Name = '', Current }) => [clean(Name), clean(Current?.ID ?? '')])
  const end = [clean(Status), policiesOf(workload)]
  if (!first) return [[clean(ID), '', '', ...end].join('\t')]
  return [[clean(ID), ...first, ...end].join('\t'), ...more.map((cells) => ['', ...cells, '', ''].join('\t'))]
}

function policiesOf({ Automated, Ignore, Locked }: Workload): string {
  const names = [Automated ? 'automated' : '', Ignore ? 'ignore' : '', Locked ? 'locked' : '']
  return names.filter(Boolean).join(',')
}
