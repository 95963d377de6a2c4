import type { ReleaseHistory } from '../../api/contract/release.ts'
import type { Action, OutputFormat } from '../context.ts'
import { exitCodes } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { printJson } from '../print/json.ts'
import { printTable } from '../print/table.ts'
import { chooseRelease } from './choose-release.ts'

/** `capstan helm history`: the revisions that helm stored, newest first. */
export const showHistory: Action<{ name: string; output: OutputFormat }> = async (context, { name: given, output }) => {
  const { client, signal, out } = context
  const { namespace, name } = await chooseRelease(context, given)
  const history = await client().releaseHistory(namespace, name, { signal })
  out.write(output === 'json' ? printJson(history) : historyText(history))
  return exitCodes.done
}

function historyText({ revisions }: ReleaseHistory): string {
  if (revisions.length === 0) return 'helm has no such release (yet)\n'
  const rows = revisions.map(({ revision, updatedAt, state, chart, appVersion, description }) => [
    String(revision),
    clean(updatedAt) || '-',
    clean(state),
    clean(chart) || '-',
    clean(appVersion) || '-',
    clean(description),
  ])
  return printTable(['REVISION', 'UPDATED', 'STATE', 'CHART', 'APP', 'DESCRIPTION'], rows)
}
