import { clean } from '../print/clean.ts'
import type { ContainerUpdate, Results } from './api.ts'
import { parseImage } from './names.ts'
import { tabulate } from './tabwriter.ts'

/** A line of the table of results; those with an update can be chosen. */
export type Item = { id: string; status: string; error: string; update: ContainerUpdate | undefined }

export const heading = 'WORKLOAD \tSTATUS \tUPDATES'

/** What was done, as fluxctl's table; 0 leaves out what was skipped and ignored, 1 what was ignored. */
export function resultText(results: Results, verbosity: number): string {
  const items = itemsOf(results, verbosity)
  return tabulate([heading, ...items.map((item, at) => rowOf(item, items[at - 1]))])
}

/** One item for each update, or for the error, or for the workload. */
export function itemsOf(results: Results, verbosity: number): Item[] {
  const hidden = [...(verbosity < 1 ? ['skipped'] : []), ...(verbosity < 2 ? ['ignored'] : [])]
  return Object.entries(results)
    .filter(([, { Status }]) => !hidden.includes(Status))
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([id, { Status: status, Error: error = '', PerContainer }]) => {
      const updates = (PerContainer ?? []).map((update) => ({ id, status, error: '', update }))
      const own = error !== '' || updates.length === 0 ? [{ id, status, error, update: undefined }] : []
      return [...own, ...updates]
    })
}

/** A line of cells; a workload is named once. */
export function rowOf(item: Item, before: Item | undefined): string {
  const what = clean(item.update ? updateText(item.update) : item.error)
  return before?.id === item.id ? `\t\t${what}` : `${clean(item.id)}\t${clean(item.status)}\t${what}`
}

function updateText({ Container, Current, Target }: ContainerUpdate): string {
  const { tag, sha } = parseImage(Target)
  return `${Container}: ${Current} -> ${tag || `sha256:${sha}`}`
}
