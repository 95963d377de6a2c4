import type { JobView, LaneDepths, QueueCounts } from '../adapters/queue/index.ts'
import type { Lane } from '../domain/work/job.ts'
import { createCached } from './cached.ts'
import type { Explained, Explanation } from './explain/explanation.ts'
import type { ReleaseRow } from './release-row.ts'
import type { SourceRow } from './source-row.ts'
import type { StatusView } from './status-view.ts'
import type { Unhealthy } from './workloads.ts'

/** One thing that stands still, and what else stands still for the same reason. */
type StuckThing = { explanation: Explanation; others: string[] }

type Total = { all: number; ready: number }

/** What a person wants to see first; of long lists the part that matters. */
export type OverviewView = {
  ready: boolean
  healthy: boolean
  totals: { sources: Total; releases: Total }
  sources: SourceRow[]
  releases: ReleaseRow[]
  unhealthy: Unhealthy[]
  /** Empty while Redis does not answer. */
  lanes: { lane: Lane; waiting: number; active: number; oldestWaitSeconds: number }[]
  /** Null while Redis does not answer. */
  queues: QueueCounts | null
  jobs: JobView[]
  stuck: StuckThing[]
  notes: string[]
  observedAt: string
}

type Parts = {
  status: () => Promise<StatusView>
  /** For those who may look at everything. */
  explain: (subject: string) => Promise<Explained>
  queue: {
    lanes(): Promise<LaneDepths>
    counts(): Promise<QueueCounts>
    list(filter: { states: JobView['state'][]; limit: number }): Promise<JobView[]>
  }
  now: () => Date
}

const mostRows = 50
const mostStuck = 8
/** More is asked about than is shown: several things often have one cause. */
const mostAsked = 12
const mostOthers = 20
const mostRunning = 12
const mostFailed = 8
/** Among those that wait for their time are those that failed and are tried again. */
const mostDelayed = 100
const ttlMs = 2000
const timeoutMs = 20_000

/** Everything at a glance, at most two seconds old however many look on. Rejects only when it could never be read. */
export function createOverview(parts: Parts): () => Promise<OverviewView> {
  const cached = createCached(() => readOverview(parts), { ttlMs, timeoutMs, now: () => parts.now().getTime() })
  return async () => {
    const { value, failure } = await cached()
    return failure ? { ...value, notes: [...value.notes, `This is an old picture: ${failure.message}`] } : value
  }
}

async function readOverview({ status, explain, queue }: Parts): Promise<OverviewView> {
  const orNone = async <T>(read: Promise<T>): Promise<T | undefined> => await read.catch(() => undefined)
  const [seen, lanes, counts, running, waiting, failed] = await Promise.all([
    status(),
    orNone(queue.lanes()),
    orNone(queue.counts()),
    orNone(queue.list({ states: ['active'], limit: mostRunning })),
    orNone(queue.list({ states: ['delayed'], limit: mostDelayed })),
    orNone(queue.list({ states: ['failed'], limit: mostFailed })),
  ])
  const unhealthy = unhealthyOf(seen)
  const failing = (waiting ?? []).filter(({ failure, waitsFor }) => failure !== undefined || waitsFor !== undefined)
  const stuck = await readStuck(subjectsOf(seen, unhealthy), explain)
  return {
    ready: seen.ready,
    healthy: seen.healthy,
    totals: { sources: totalOf(seen.sources), releases: totalOf(seen.releases) },
    sources: worstFirst(seen.sources).slice(0, mostRows),
    releases: worstFirst(seen.releases).slice(0, mostRows),
    unhealthy: unhealthy.slice(0, mostRows),
    lanes: lanes ? rowsOf(lanes) : [],
    queues: counts ?? null,
    jobs: [...(running ?? []), ...failing.slice(0, mostFailed), ...(failed ?? [])],
    stuck,
    notes: [
      ...seen.notes,
      ...(lanes && counts && running && waiting && failed ? [] : ['Redis does not answer: the queue is not known.']),
    ],
    observedAt: seen.observedAt,
  }
}

function totalOf(rows: readonly { ready: boolean }[]): Total {
  return { all: rows.length, ready: rows.filter(({ ready }) => ready).length }
}

function worstFirst<T extends { ready: boolean; healthy: boolean; namespace: string; name: string }>(
  rows: readonly T[],
): T[] {
  const rank = ({ ready, healthy }: T): number => (ready ? 2 : 0) + (healthy ? 1 : 0)
  const nameOf = ({ namespace, name }: T): string => `${namespace}/${name}`
  return rows.toSorted((a, b) => rank(a) - rank(b) || nameOf(a).localeCompare(nameOf(b)))
}

/** A workload of a release is often one of a source, too. */
function unhealthyOf({ sources, releases }: StatusView): Unhealthy[] {
  const all = [...sources, ...releases].flatMap((row) => row.unhealthy)
  const once = new Map(all.map((one) => [one.id, one]))
  return [...once.values()].toSorted((a, b) => Number(b.state === 'failed') - Number(a.state === 'failed'))
}

/** What to ask about, in the words of `capstan explain`: sources before what they make, since they often are the cause. */
function subjectsOf({ sources, releases }: StatusView, unhealthy: readonly Unhealthy[]): string[] {
  const standing = (rows: readonly (SourceRow | ReleaseRow)[], kind: string): string[] =>
    rows.filter(({ ready }) => !ready).map(({ namespace, name }) => `${kind}/${namespace}/${name}`)
  return [...standing(sources, 'source'), ...standing(releases, 'release'), ...unhealthy.map(({ id }) => id)]
}

async function readStuck(subjects: readonly string[], explain: Parts['explain']): Promise<StuckThing[]> {
  const asked = await Promise.all(
    subjects.slice(0, mostAsked).map(async (subject) => await explain(subject).catch(() => undefined)),
  )
  const byCause = new Map<string, StuckThing>()
  for (const found of asked) {
    if (!found || !('steps' in found) || !found.cause) continue
    const { step, of, reason } = found.cause
    const key = `${step} ${of} ${reason}`
    const known = byCause.get(key)
    if (known) known.others = [...known.others, nameOf(found)].slice(0, mostOthers)
    else byCause.set(key, { explanation: found, others: [] })
  }
  return [...byCause.values()].slice(0, mostStuck)
}

function nameOf({ subject: { kind, id } }: Explanation): string {
  return kind === 'source' || kind === 'release' ? `${kind} ${id}` : id
}

function rowsOf(lanes: LaneDepths): OverviewView['lanes'] {
  return Object.entries(lanes).map(([lane, { waiting, active, oldestWaitMs }]) => ({
    lane: lane as Lane,
    waiting,
    active,
    oldestWaitSeconds: Math.round(oldestWaitMs / 1000),
  }))
}
