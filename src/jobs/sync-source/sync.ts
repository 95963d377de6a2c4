import type { Cluster } from '../../adapters/cluster/index.ts'
import type { Git } from '../../adapters/git/index.ts'
import type { ObjectRef } from '../../domain/manifest/object.ts'
import type { Change } from '../../domain/plan/change.ts'
import type { InventoryEntry } from '../../domain/plan/inventory.ts'
import type { LiveObject } from '../../domain/plan/live.ts'
import type { Held } from '../../domain/plan/prune.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { Fence } from '../../domain/work/fence.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Sources } from '../fetch-source.ts'
import type { OwnedObjects } from '../owned-objects.ts'
import type { Desired } from './desired.ts'
import type { Ledger, Packer } from './ledger.ts'
import type { SourceMemory, SyncMemory } from './memory.ts'

/** What a finished sync tells to metrics. */
export type SyncEnded = {
  namespace: string
  name: string
  success: boolean
  seconds: number
  changes: readonly Change[]
  objects: number
}

export type SyncSourceDeps = {
  sources: Sources
  git: Pick<Git, 'fetch' | 'resolve' | 'tree' | 'read'>
  cluster: Cluster
  fence: Fence
  owned: OwnedObjects
  memory: SyncMemory
  packer: Packer
  log: Logger
  now: () => Date
  random: () => number
  /** Resolves after that many milliseconds; rejects when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>
  ended: (result: SyncEnded) => void
}

/** One sync in the making: what was read, and what becomes of it. */
export type Sync = {
  spec: SourceSpec
  commit: string
  /** `branch@commit`. */
  revision: string
  memory: SourceMemory
  ledger: Ledger
  desired: Desired
  /** Objects in the cluster that are ours or that git names, by key. */
  live: ReadonlyMap<string, LiveObject>
  /** The gc mark that an object of this source carries (flux-v1 §2). */
  mark: (ref: ObjectRef) => string
  /** Becomes the stored inventory. */
  inventory: Map<string, InventoryEntry>
  changes: Change[]
  held: Held[]
}
