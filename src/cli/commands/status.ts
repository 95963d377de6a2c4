import type { Drift, Failure, Release, Source, Status, Unhealthy } from '../../api/contract/status.ts'
import type { Action, Context } from '../context.ts'
import { type ExitCode, exitCodes } from '../exit.ts'
import { clean } from '../print/clean.ts'
import { helmState } from '../print/helm-state.ts'
import { type ListOptions, showListing } from '../print/listing.ts'
import type { Style } from '../print/style.ts'
import { printTable } from '../print/table.ts'

const shownFailures = 20

/** `capstan status`: exit 0 when everything is ready, else 1. */
export const showStatus: Action<ListOptions> = async (context, options) =>
  await showListing(context, options, async () => {
    const status = await context.client().status({ signal: context.signal })
    const { sources, releases, ready } = status
    return {
      data: status,
      names: [...sources.map((one) => `source/${nameOf(one)}`), ...releases.map((one) => `release/${nameOf(one)}`)],
      table: (wide) => statusText(status, context, wide),
      code: ready ? exitCodes.done : exitCodes.failed,
    }
  })

/** `capstan sources`: each with what failed; exit 0 when all are ready, else 1. */
export const showSources: Action<ListOptions> = async (context, options) =>
  await showListing(context, options, async () => {
    const { sources } = await context.client().sources({ signal: context.signal })
    const { style } = context
    const parts = (wide: boolean) => [sourceTable(sources, style, wide), failureText(sources, style)].filter(Boolean)
    return {
      data: { sources },
      names: sources.map(nameOf),
      table: (wide) => (sources.length === 0 ? 'no sources\n' : parts(wide).join('\n')),
      code: codeOf(sources),
    }
  })

/** `capstan releases`: what helm made of each HelmRelease; exit 0 when all are ready, else 1. */
export const showReleases: Action<ListOptions> = async (context, options) =>
  await showListing(context, options, async () => {
    const { releases, observedAt } = await context.client().releases({ signal: context.signal })
    return {
      data: { releases, observedAt },
      names: releases.map(nameOf),
      table: (wide) => (releases.length === 0 ? 'no releases\n' : releaseTable(releases, context.style, wide)),
      code: codeOf(releases),
    }
  })

function nameOf({ namespace, name }: { namespace: string; name: string }): string {
  return `${namespace}/${name}`
}

function codeOf(rows: readonly { ready: boolean }[]): ExitCode {
  return rows.every(({ ready }) => ready) ? exitCodes.done : exitCodes.failed
}

function statusText(status: Status, { style }: Pick<Context, 'style'>, wide: boolean): string {
  const parts = [
    ...(status.sources.length > 0
      ? [sourceTable(status.sources, style, wide), failureText(status.sources, style)]
      : []),
    ...(status.releases.length > 0 ? [releaseTable(status.releases, style, wide)] : []),
    unhealthyText([...status.sources, ...status.releases], style),
    status.notes.map((note) => `${style.warn('note')}  ${clean(note)}\n`).join(''),
  ]
  return parts.filter((part) => part !== '').join('\n')
}

function sourceTable(sources: readonly Source[], style: Style, wide: boolean): string {
  const rows = sources.map((source) => [
    clean(`${source.namespace}/${source.name}`),
    shortRevision(source.attempted),
    String(source.objects),
    readyWord(source, style),
    ...(wide
      ? [clean(source.url), clean(source.ref), clean(source.paths.join(',')) || '-', clean(source.fetchedAt) || '-']
      : []),
    messageOf(source, style),
  ])
  const more = wide ? ['URL', 'REF', 'PATHS', 'FETCHED'] : []
  return printTable(['SOURCE', 'REVISION', 'OBJECTS', 'READY', ...more, 'MESSAGE'], rows)
}

function releaseTable(releases: readonly Release[], style: Style, wide: boolean): string {
  const rows = releases.map((release) => [
    clean(`${release.namespace}/${release.name}`),
    shortChart(release.chart),
    String(release.revision),
    helmState(release.state, style),
    readyWord(release, style),
    ...(wide ? [clean(`${release.targetNamespace}/${release.release}`), clean(release.phase) || '-'] : []),
    messageOf(release, style),
  ])
  const more = wide ? ['HELM', 'PHASE'] : []
  return printTable(['RELEASE', 'CHART', 'REVISION', 'STATE', 'READY', ...more, 'MESSAGE'], rows)
}

/** Which objects stand still, with file and line; deletions that wait come after them. */
export function failureText(
  sources: readonly (Pick<Source, 'failed' | 'failedCount' | 'held'> & Partial<Pick<Source, 'drifted' | 'marker'>>)[],
  style: Style,
): string {
  const failed = sources.flatMap((source) => source.failed)
  const held = sources.flatMap((source) => source.held)
  const rows = [
    ...failed.slice(0, shownFailures).map((failure) => failureRow(style.bad('failed'), failure)),
    ...held.slice(0, shownFailures).map((failure) => failureRow(style.warn('held'), failure)),
    ...sources
      .flatMap(({ drifted = [] }) => drifted)
      .slice(0, shownFailures)
      .map((drift) => failureRow(style.warn('drifted'), { ...drift, message: driftMessage(drift) })),
    ...sources.flatMap(({ marker }) => (marker?.problem ? [markerRow(marker.problem, style)] : [])),
  ]
  if (rows.length === 0) return ''
  const more = sources.reduce((sum, source) => sum + source.failedCount, 0) - Math.min(failed.length, shownFailures)
  const rest = more > 0 ? style.faint(`and ${more} more; see -o json\n`) : ''
  return printTable(['', 'OBJECT', 'FILE', 'WHY'], rows) + rest
}

function driftMessage({ manager, at, fields }: Drift): string {
  const what = fields.length === 0 ? 'it was deleted' : fields.join(', ')
  const who = manager === '' ? '' : ` by ${manager}`
  return `${what}${who}${at === '' ? '' : ` at ${at}`}`
}

function markerRow(problem: string, style: Style): string[] {
  return [style.warn('marker'), '-', '-', clean(`the sync marker could not be moved: ${problem}`)]
}

function failureRow(word: string, { id, file, line, reason, message }: Omit<Failure, 'since'>): string[] {
  return [word, clean(id) || '-', clean(line > 0 ? `${file}:${line}` : file) || '-', clean(`${reason}: ${message}`)]
}

function unhealthyText(rows: readonly { unhealthy: Unhealthy[] }[], style: Style): string {
  const unhealthy = rows.flatMap((row) => row.unhealthy).slice(0, shownFailures)
  if (unhealthy.length === 0) return ''
  const color = { progressing: style.warn, failed: style.bad }
  return printTable(
    ['', 'WORKLOAD', 'WHY'],
    unhealthy.map(({ id, state, message }) => [color[state](state), clean(id), clean(message)]),
  )
}

function readyWord({ ready }: { ready: boolean }, style: Style): string {
  return ready ? style.good('yes') : style.bad('no')
}

function messageOf({ reason, message }: { reason: string; message: string }, style: Style): string {
  return reason ? `${style.bad(clean(reason))} ${clean(message)}`.trim() : clean(message)
}

/** `main@1a2b3c4`. */
export function shortRevision(revision: string): string {
  return clean(revision.replace(/@([0-9a-f]{7})[0-9a-f]{33}$/, '@$1')) || '-'
}

function shortChart(chart: string): string {
  return shortRevision(chart)
}
