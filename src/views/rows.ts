import type { SourceSpec } from '../domain/source/spec.ts'
import { type AppError, toAppError } from '../domain/error.ts'
import { createCached, type Reading } from './cached.ts'

import { type ReleaseRow, releaseRow, releaseTarget } from './release-row.ts'
import { type ReleaseFacts, readReleases } from './releases.ts'
import { type SourceRow, sourceRow } from './source-row.ts'
import { createSourceReader } from './sources.ts'
import type { ViewsOptions } from './views-options.ts'
import { readWorkloads, unhealthyOfRelease, unhealthyOfSource, type Workloads } from './workloads.ts'

const ttlMs = 2000
const timeoutMs = 5000

/** Reads the facts about sources and releases and makes rows of them. What could not be read is told, never left out. */
export type RowReader = {
  /** Begins to read the workloads; one reading serves all rows of an answer. `notBefore` (Unix milliseconds): it must not be older. */
  workloads(notBefore?: number): Promise<Attempt<Workloads>>
  source(spec: SourceSpec, workloads: Promise<Attempt<Workloads>>): Promise<SourceRow>
  /** `notBefore` (Unix milliseconds): the reading must not be older. */
  releases(
    workloads: Promise<Attempt<Workloads>>,
    notBefore?: number,
  ): Promise<{ rows: ReleaseRow[]; facts: Attempt<ReleaseFacts> }>
}

export function createRowReader(
  options: Pick<ViewsOptions, 'cluster' | 'store' | 'readStatus' | 'queue' | 'enable' | 'releaseNamespace' | 'now'>,
): RowReader {
  const { cluster, queue, enable, releaseNamespace } = options
  const now = (): number => options.now().getTime()
  const reader = createSourceReader({ ...options, timeoutMs })
  const cacheOptions = { ttlMs, timeoutMs, now }
  const allReleases = createCached((signal) => readReleases(cluster, releaseNamespace, signal), cacheOptions)
  const allWorkloads = createCached((signal) => readWorkloads(cluster, signal), cacheOptions)

  return {
    workloads: (notBefore) => attempt(() => allWorkloads(notBefore)),
    async source(spec, asked) {
      const [{ status, failure }, fetched, workloads] = await Promise.all([
        reader.status(spec),
        reader.fetched(spec),
        asked,
      ])
      const live = current(workloads)
      const unhealthy = live && unhealthyOfSource(spec, live)
      const observedAt = workloads.reading?.at ?? now()
      return sourceRow({
        spec,
        status,
        failure,
        fetched,
        redisIsUp: queue.isUp(),
        unhealthy,
        observedAt,
        now: options.now(),
      })
    },
    async releases(asked, notBefore) {
      if (!enable.includes('releases')) return { rows: [], facts: {} }
      const [facts, workloads] = await Promise.all([attempt(() => allReleases(notBefore)), asked])
      return { rows: releaseRows(facts, current(workloads)), facts }
    },
  }
}

/** A reading, why there is no (newer) one, or both. */
export type Attempt<T> = { reading?: Reading<T>; failure?: AppError }

async function attempt<T>(read: () => Promise<Reading<T>>): Promise<Attempt<T>> {
  try {
    const reading = await read()
    return { reading, ...(reading.failure ? { failure: reading.failure } : {}) }
  } catch (error) {
    return { failure: toAppError(error) }
  }
}

/** The value of a reading that did not fail; health that is not known now is not told. */
function current<T>({ reading, failure }: Attempt<T>): T | undefined {
  return failure ? undefined : reading?.value
}

/** Rows of a reading, for as long as it is there and the health of workloads is the same: there may be thousands. */
const made = new WeakMap<ReleaseFacts, { workloads: Workloads | undefined; rows: ReleaseRow[] }>()

/** What was read last; when there is nothing newer, no release counts as ready, for nobody knows. */
function releaseRows({ reading, failure }: Attempt<ReleaseFacts>, workloads: Workloads | undefined): ReleaseRow[] {
  if (!reading) return []
  const before = made.get(reading.value)
  const rows = before && before.workloads === workloads ? before.rows : rowsOf(reading.value, workloads)
  made.set(reading.value, { workloads, rows })
  if (!failure) return rows
  return rows.map((row) => ({ ...row, ready: false, reason: failure.reason, message: failure.message }))
}

function rowsOf({ objects, stored }: ReleaseFacts, workloads: Workloads | undefined): ReleaseRow[] {
  return objects.map((object) => {
    const { release, namespace } = releaseTarget(object)
    const unhealthy = workloads && unhealthyOfRelease(release, namespace, workloads)
    return releaseRow(object, stored.get(`${namespace}/${release}`), unhealthy)
  })
}
