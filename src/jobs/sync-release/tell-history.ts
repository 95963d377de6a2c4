import { causeOf, type Deployment, imagesIn } from '../../domain/event/deployment.ts'
import { type Event, type EventSource, makeEvent } from '../../domain/event/event.ts'
import { severityOf } from '../../domain/event/outcome.ts'
import { idOf } from '../../domain/manifest/object.ts'
import { helmReleaseKind, type ReleaseSpec } from '../../domain/release/spec.ts'
import { nameOf } from './act.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { digestsOf, latestOf } from './keep-record.ts'
import { readStored } from './revisions.ts'
import { type Conclusion, isNews } from './report.ts'
import type { Work } from './work.ts'

/** The reason of the job, when it began (milliseconds since 1970), and which revision of the chart was deployed then. */
export type Run = { why: string; started: number; before: string }

const unremarkable = new Set(['', 'adopt', 'note ready'])

/** Tells how a run ended when that is news, and records it when it changed something or failed. Never fails the run. */
export async function tellHistory(work: Work, conclusion: Conclusion, run: Run, deps: SyncReleaseDeps): Promise<void> {
  const { history, log } = deps
  const { ok, action } = conclusion
  const isNew = isNews(work, conclusion)
  if (!history || (!isNew && (action === '' || !ok))) return
  try {
    const ended = { ...conclusion, run, endedAt: deps.now().toISOString() }
    await history.tell([eventOf(work, ended)])
    if (isNew || !unremarkable.has(action)) await history.record(await recordOf(work, ended, deps))
  } catch (error) {
    if (!work.signal.aborted) log.warn({ error: String(error) }, 'what happened to a release could not be told')
  }
}

type Ended = Conclusion & { run: Run; endedAt: string }

function eventOf(work: Work, { ok, action, reason, summary, run, endedAt }: Ended): Event {
  const { namespace, name, release, targetNamespace } = work.spec
  return makeEvent({
    startedAt: new Date(run.started).toISOString(),
    endedAt,
    type: 'helm_release',
    metadata: { release, targetNamespace, action, chart: chartOf(work), helmRevision: latestOf(work) },
    source: sourceOf(work.spec),
    serviceIDs: [idOf({ ...helmReleaseKind, namespace, name })],
    severity: severityOf({ ready: ok, reason }),
    reason,
    message: summary,
  })
}

async function recordOf(work: Work, ended: Ended, deps: SyncReleaseDeps): Promise<Omit<Deployment, 'job'>> {
  const { ok, action, reason, summary, run, endedAt } = ended
  const { wanted } = work
  const digests = wanted ? digestsOf(wanted) : { chart: '', values: '' }
  return {
    source: sourceOf(work.spec),
    cause: causeOf(run.why),
    startedAt: new Date(run.started).toISOString(),
    endedAt,
    outcome: ok ? 'done' : 'failed',
    reason,
    message: summary,
    revision: wanted?.chart.revision ?? '',
    before: run.before,
    chart: chartOf(work),
    chartDigest: digests.chart,
    valuesDigest: digests.values,
    helmRevision: latestOf(work),
    images: ok ? await readImages(work, deps) : [],
    counts: action === '' ? {} : { [action]: 1 },
    changes: [],
  }
}

/** Tells that a release was uninstalled because its HelmRelease was deleted. */
export async function tellRemoval(spec: ReleaseSpec, summary: string, deps: SyncReleaseDeps): Promise<void> {
  const at = deps.now().toISOString()
  const { release, targetNamespace } = spec
  const event = makeEvent({
    startedAt: at,
    endedAt: at,
    type: 'helm_release',
    metadata: { release, targetNamespace, action: 'uninstall', chart: '', helmRevision: 0 },
    source: sourceOf(spec),
    serviceIDs: [idOf({ ...helmReleaseKind, namespace: spec.namespace, name: spec.name })],
    message: summary,
  })
  await deps.history?.tell([event])
}

function sourceOf({ namespace, name }: ReleaseSpec): EventSource {
  return { kind: 'release', namespace, name }
}

function chartOf({ wanted }: Work): string {
  return wanted ? nameOf(wanted) : ''
}

/** What helm stored of the newest revision says which images it runs. */
async function readImages(work: Work, deps: SyncReleaseDeps): Promise<string[]> {
  if (work.revisions.length === 0) return []
  return imagesIn((await readStored(work, deps))?.manifest ?? '')
}
