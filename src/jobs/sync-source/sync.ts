import type { Cluster } from '../../adapters/cluster/index.ts'
import type { Git } from '../../adapters/git/index.ts'
import type { AppError } from '../../domain/error.ts'
import type { KubeObject, ObjectRef } from '../../domain/manifest/object.ts'
import type { ParseFiles } from '../../domain/manifest/parsed-file.ts'
import type { Change } from '../../domain/plan/change.ts'
import type { InventoryEntry } from '../../domain/plan/inventory.ts'
import type { LiveObject } from '../../domain/plan/live.ts'
import type { Held } from '../../domain/plan/prune.ts'
import type { Applied } from '../../domain/source/applied.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { FetchFact, SourceDrift, SourceStatus } from '../../domain/source/status.ts'
import type { Enqueue } from '../../domain/work/job.ts'
import type { Fence } from '../../domain/work/fence.ts'
import type { Logger } from '../../lib/logger.ts'
import type { History } from '../history.ts'
import type { Sources } from '../sources.ts'
import type { OwnedObjects } from '../owned-objects.ts'
import type { Head } from '../read-head.ts'
import type { Desired, HeldBack, Render } from './desired.ts'
import type { Decrypt } from './files.ts'
import type { Ledger, Packer } from './ledger.ts'
import type { MarkerDeps, TagLook } from './marker.ts'
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
  git: Pick<
    Git,
    'fetch' | 'resolve' | 'tree' | 'read' | 'tags' | 'verify' | 'readTag' | 'moveTag' | 'relation' | 'log' | 'notes'
  >
  /** What the last fetch of this source saw, by whichever process; undefined when nobody knows. */
  lastFetch: (spec: SourceSpec) => Promise<Pick<FetchFact, 'at' | 'head'> | undefined>
  /** With Capstan's own rights; a source with a service account writes with that one's. */
  cluster: Cluster
  parse: ParseFiles
  render: Render
  /** For sources with `sops`. */
  secrets: Decrypt
  marking: MarkerDeps['marking']
  fence: Fence
  owned: OwnedObjects
  memory: SyncMemory
  packer: Packer
  enqueue: Enqueue
  log: Logger
  now: () => Date
  random: () => number
  /** Resolves after that many milliseconds; rejects when the signal aborts. */
  pause: (ms: number, signal: AbortSignal) => Promise<void>
  /** The programs whose work this Capstan does, and the definition that it keeps up to date: git's are not applied (rulings 1 and 6). */
  replaces: ReadonlySet<HeldBack>
  /** Takes known secrets out of a text. */
  redact: (text: string) => string
  /** Mirrors the status to where people look, beside the ConfigMap; never fails a sync. */
  publish: (spec: SourceSpec, status: SourceStatus, signal: AbortSignal) => Promise<void>
  /** Keeps what people may ask about the last sync; what it throws fails no sync. */
  remember: (spec: SourceSpec, applied: Applied) => Promise<void>
  ended: (result: SyncEnded) => void
  /** Where people and sinks are told; left out where nobody is. */
  history?: History
  /** Whether people and sinks were told that an earlier Source of this name is no more; true once. */
  wasRemoved?: (spec: SourceSpec) => Promise<boolean>
}

/** One sync in the making: what was read, and what becomes of it. */
export type Sync = {
  spec: SourceSpec
  /** Writes and reads the source's objects, with the rights of its service account. */
  cluster: Cluster
  head: Head
  commit: string
  /** `branch@commit`. */
  revision: string
  memory: SourceMemory
  ledger: Ledger
  desired: Desired
  /** Objects in the cluster that are ours or that git names, by key. */
  live: ReadonlyMap<string, LiveObject>
  /** Why an object could not be looked at, by key; it is not touched. */
  unreadable: ReadonlyMap<string, AppError>
  /** Whether nothing is known of the objects of this kind in this namespace, since they could not be listed. */
  isUnseen: (ref: ObjectRef) => boolean
  /** The gc mark that an object of this source carries (flux-v1 §2). */
  mark: (ref: ObjectRef) => string
  /** It carries that mark, or one from before URL, branch or paths were changed. */
  isOurs: (live: LiveObject) => boolean
  /** Becomes the stored inventory. */
  inventory: Map<string, InventoryEntry>
  changes: Change[]
  held: Held[]
  /** What left git and stays for now, and why. */
  waitingDeletions: { count: number; why: string } | undefined
  /** What differs from git and is left so. */
  drifted: SourceDrift[]
  /** What is left alone for now, and in how many milliseconds it may be put back. */
  pause: { ms: number; why: string } | undefined
  /** The autoscalers of the cluster, once they were asked for. */
  autoscalers: readonly KubeObject[] | undefined
  /** A sync before this one had an inventory that could not be read, or the cluster went back in time: nothing is deleted before it is whole again. */
  isRebuilt: boolean
  /** How often the cluster had gone back in time when this sync looked at it. */
  rewinds: number
  /** The commit that the marker named before this sync; empty for none. */
  markerBefore: string
  /** What the sync tag said of somebody else. */
  tag: TagLook
  /** The commit that a rewrite left behind, until a revision was tried whole and nothing new failed. */
  rewrittenFrom: string
}
