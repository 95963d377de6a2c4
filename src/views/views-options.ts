import type { Cluster } from '../adapters/cluster/index.ts'
import type { StoredSummary } from '../adapters/helm/index.ts'
import type { Queue } from '../adapters/queue/index.ts'
import type { Store } from '../adapters/store/index.ts'
import type { Sink } from '../domain/event/sink.ts'
import type { KubeObject } from '../domain/manifest/object.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import type { Unpack } from '../domain/plan/inventory-parts.ts'
import type { ReadStatus } from '../domain/source/status.ts'
import type { BrokenSource } from './source-row.ts'

/** The kinds of work that may be switched off. `updates`: releases of images and changes of policies for who asks. */
export type Feature = 'sync' | 'releases' | 'images' | 'updates'

/** What the views are made of. */
export type ViewsOptions = {
  cluster: Pick<Cluster, 'server' | 'version' | 'get' | 'list' | 'resource'>
  store: Pick<Store, 'get' | 'page'>
  queue: Pick<Queue, 'list' | 'get' | 'of' | 'counts' | 'log' | 'paused' | 'lanes' | 'isUp' | 'warnings'>
  sources: () => readonly SourceSpec[]
  /** Source objects that cannot be read; none where left out. */
  brokenSources?: () => readonly BrokenSource[]
  /** Where the status of sources is read; default: where syncs keep it, in the cluster. */
  readStatus?: ReadStatus
  enable: readonly Feature[]
  /** Where events are sent; none where left out. */
  sinks?: readonly Pick<Sink, 'name' | 'type'>[]
  /** Of our own records, and of jobs about no source. */
  namespace?: string
  /** The one namespace in which HelmReleases are looked for; empty for all. */
  releaseNamespace: string
  /** What the start still waits for, in words; empty when it is over. Default: nothing. */
  starting?: () => string
  /** Why no more requests are wanted, in words; empty while they are. Default: they are. */
  ending?: () => string
  /** More sentences for `/readyz`, e.g. about the versions of git and helm. */
  warnings?: () => readonly string[]
  /** Opens what inventories are packed in; left out where nobody asks for objects. */
  unpack?: Unpack
  /** Reads one of helm's Secrets; left out where nobody asks for histories. */
  summarise?: (secret: KubeObject) => StoredSummary | undefined
  /**
   * Which repositories of images are scanned, for which labels give the time, and whether what is known is told to those alone for whom it
   * was read (`--tenants`); default: all, none, and no.
   */
  images?: {
    isScanned: (repository: string) => boolean
    usesLabels: (repository: string) => boolean
    areTenants?: boolean
  }
  now: () => Date
}
