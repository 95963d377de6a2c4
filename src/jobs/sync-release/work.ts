import type { Chart } from '../../adapters/helm/index.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import type { Action } from '../../domain/release/decide.ts'
import type { LeftRelease } from '../../domain/release/left-behind.ts'
import type { ReleaseRecord } from '../../domain/release/record.ts'
import type { ReleaseSpec } from '../../domain/release/spec.ts'
import type { StoredRevision } from '../../domain/release/state.ts'
import type { Values } from '../../domain/release/values.ts'
import type { StatusWriter } from './status.ts'

/** A chart ready for helm, and what people call its version: the chart's own, or the commit it came from. */
export type PreparedChart = Chart & { revision: string }

/** Our record with the version under which it was read. */
export type StoredRecord = { record: ReleaseRecord | undefined; resourceVersion: string }

/** The chart on disk, the composed values, and their digests. */
export type Wanted = { chart: PreparedChart; values: Values; digest: string }

/** One run at work on one release. */
export type Work = {
  object: KubeObject
  spec: ReleaseSpec
  status: StatusWriter
  signal: AbortSignal
  /** When this run began, or what it ended that was waited for, in milliseconds since 1970. */
  began: number
  stored: StoredRecord
  /** helm's revisions as last looked at, oldest first; the newest alone where that one is deployed and as expected. */
  revisions: StoredRevision[]
  /** When they were looked at, in milliseconds since 1970; undefined once something was begun that changes them. */
  revisionsAt?: number | undefined
  /** helm's Secret of the revision that this run made. */
  made?: KubeObject
  wanted?: Wanted
  /** The inputs that had failed last when the run began. */
  failedBefore?: string | undefined
  /** What goes on; left where it throws. */
  doing?: 'chart' | Action['do'] | undefined
  /** Releases of this HelmRelease under other names or in other namespaces. */
  left: readonly LeftRelease[]
  /** What people must know although all is well. */
  notes: readonly string[]
}

/** A run that has its chart and values. */
export type PreparedWork = Work & { wanted: Wanted }
