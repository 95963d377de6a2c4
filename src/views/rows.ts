import type { KubeObject } from '../domain/manifest/object.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import { type AppError, toAppError } from '../domain/error.ts'
import { createCached, type Reading } from './cached.ts'
import { type ReleaseRow, releaseRow, releaseTarget, type StoredRelease } from './release-row.ts'
import { type ReleaseFacts, readReleases } from './releases.ts'
import { type BrokenSource, brokenRow, type SourceRow, sourceRow } from './source-row.ts'
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
  broken(source: BrokenSource): Promise<SourceRow>
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
  const { makeRows, prepare } = createRowMaker()
  const allReleases = createCached(async (signal) => {
    const facts = await readReleases(cluster, releaseNamespace, signal)
    await prepare(facts)
    return facts
  }, cacheOptions)
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
    async broken(source) {
      const { status } = await reader.status(source)
      return brokenRow(source, { status, now: options.now() })
    },
    async releases(asked, notBefore) {
      if (!enable.includes('releases')) return { rows: [], facts: {} }
      const [facts, workloads] = await Promise.all([attempt(() => allReleases(notBefore)), asked])
      return { rows: makeRows(facts, current(workloads)), facts }
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

/** Rows as they were made last, by object: of thousands few change from one reading to the next. */
type Made = Map<string, MadeRow>
type MadeRow = { version: string; stored: StoredRelease | undefined; unhealthy: boolean; row: ReleaseRow }

type RowMaker = {
  /** Makes rows of a reading, once for each, and of what has changed alone. */
  makeRows: (facts: Attempt<ReleaseFacts>, workloads: Workloads | undefined) => ReleaseRow[]
  /** Makes those that nobody has waited for yet, with room for others in between. */
  prepare: (facts: ReleaseFacts) => Promise<void>
}

/** Rows that are made before others get their turn. */
const slice = 250

function createRowMaker(): RowMaker {
  let made: Made = new Map()
  let last: { facts: ReleaseFacts; workloads: Workloads | undefined; rows: ReleaseRow[] } | undefined

  function rowOf(object: KubeObject, stored: ReleaseFacts['stored'], workloads: Workloads | undefined): MadeRow {
    const { resourceVersion: version = '' } = object.metadata
    const known = made.get(keyOf(object))
    const before = version !== '' && known?.version === version ? known : undefined
    const { release, targetNamespace } = before?.row ?? targetOf(object)
    const own = stored.get(`${targetNamespace}/${release}`)
    const unhealthy = workloads && unhealthyOfRelease(release, targetNamespace, workloads)
    const isUnhealthy = unhealthy?.length !== 0
    const isKept = before && !isUnhealthy && !before.unhealthy && isSameStored(before.stored, own)
    return isKept ? before : { version, stored: own, unhealthy: isUnhealthy, row: releaseRow(object, own, unhealthy) }
  }

  function rowsOf({ objects, stored }: ReleaseFacts, workloads: Workloads | undefined): ReleaseRow[] {
    const next: Made = new Map()
    const rows = objects.map((object) => {
      const entry = rowOf(object, stored, workloads)
      next.set(keyOf(object), entry)
      return entry.row
    })
    made = next
    return rows
  }

  return {
    async prepare({ objects, stored }) {
      const healthy = { ofSources: [], ofReleases: [] }
      for (const [index, object] of objects.entries()) {
        if (index % slice === slice - 1) await new Promise((resolve) => setImmediate(resolve))
        made.set(keyOf(object), rowOf(object, stored, healthy))
      }
    },
    // what was read last; when there is nothing newer, no release counts as ready, for nobody knows
    makeRows({ reading, failure }, workloads) {
      if (!reading) return []
      const isSame = last && last.facts === reading.value && last.workloads === workloads
      const rows = isSame && last ? last.rows : rowsOf(reading.value, workloads)
      last = { facts: reading.value, workloads, rows }
      if (!failure) return rows
      return rows.map((row) => ({ ...row, ready: false, reason: failure.reason, message: failure.message }))
    },
  }
}

function keyOf({ metadata: { namespace = '', name } }: KubeObject): string {
  return `${namespace}/${name}`
}

function targetOf(object: KubeObject): { release: string; targetNamespace: string } {
  const { release, namespace } = releaseTarget(object)
  return { release, targetNamespace: namespace }
}

function isSameStored(one: StoredRelease | undefined, other: StoredRelease | undefined): boolean {
  return one?.revision === other?.revision && one?.state === other?.state
}
