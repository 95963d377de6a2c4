import type { ReleaseHistory } from '../../api/contract/release.ts'
import type { Action } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { helmState } from '../print/helm-state.ts'
import { type ListOptions, showListing } from '../print/listing.ts'
import type { Style } from '../print/style.ts'
import { printTable } from '../print/table.ts'
import { chooseRelease } from './choose-release.ts'

/** `capstan helm history`: the revisions that helm stored, newest first. */
export const showHistory: Action<ListOptions & { name: string }> = async (context, { name: given, ...options }) => {
  const { namespace, name } = await chooseRelease(context, given)
  return await showListing(context, options, async () => {
    const history = await context.client().releaseHistory(namespace, name, { signal: context.signal })
    return {
      data: history,
      names: history.revisions.map(({ revision }) => String(revision)),
      table: () => historyText(history, context.style),
      code: exitCodes.done,
    }
  })
}

function historyText({ revisions }: ReleaseHistory, style: Style): string {
  if (revisions.length === 0) return 'helm has no such release (yet)\n'
  const rows = revisions.map(({ revision, updatedAt, state, chart, appVersion, description }) => [
    String(revision),
    clean(updatedAt) || '-',
    helmState(state, style),
    clean(chart) || '-',
    clean(appVersion) || '-',
    clean(description),
  ])
  return printTable(['REVISION', 'UPDATED', 'STATE', 'CHART', 'APP', 'DESCRIPTION'], rows)
}
