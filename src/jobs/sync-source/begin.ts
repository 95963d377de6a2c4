import { AppError, toAppError } from '../../domain/error.ts'
import { gcMark } from '../../domain/manifest/gc-mark.ts'
import type { ObjectRef } from '../../domain/manifest/object.ts'
import type { LiveObject } from '../../domain/plan/live.ts'
import { parseRevision, printRevision } from '../../domain/source/revision.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { syncSetsOf } from '../../domain/source/sync-set.ts'
import { type Desired, loadDesired } from './desired.ts'
import { latestHead } from './latest-head.ts'
import type { Ledger } from './ledger.ts'
import { lookForOther, readMarker } from './marker.ts'
import type { Head } from '../read-head.ts'
import type { SourceMemory } from './memory.ts'
import { observeLive, seedInventory } from './observe.ts'
import { readRewrite } from './rewrite.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'
import { readingOf } from './bodies.ts'

/** Everything that a sync must read before it may write. */
export async function begin(
  spec: SourceSpec,
  { ledger, memory }: { ledger: Ledger; memory: SourceMemory },
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<Sync> {
  const head = await findHead(spec, { ledger, memory }, deps, signal)
  const { commit } = head
  const rewrittenFrom = await readRewrite({ spec, ledger, head }, deps, signal)
  const tag = await lookForOther({ spec, before: ledger.status.marker, memory }, deps, signal)
  const desired = await inTime({ spec, commit, memory }, deps, signal)
  const cluster = clusterOf(spec, deps)
  const { live, unreadable, isUnseen, unseen, rewinds } = await observeLive(
    desired.objects,
    { spec, inventory: ledger.inventory, rewinds: memory.rewinds },
    { cluster, owned: deps.owned },
    signal,
  )
  tellUnseen(unseen, memory, deps)
  tellLost(spec, ledger, deps)
  const sets = syncSetsOf(spec, ledger.status.sets)
  const [set = ''] = sets
  const mark = (ref: ObjectRef) => gcMark(set, ref)
  const isOurs = (of: LiveObject) => of.mark !== '' && sets.some((one) => gcMark(one, of.ref) === of.mark)
  const isRewound = rewinds > memory.rewinds
  const inventory = seedInventory(ledger.inventory, live.values(), mark, isRewound)
  const seen = {
    spec,
    cluster,
    head,
    commit,
    revision: printRevision(head),
    memory,
    ledger,
    desired,
    live,
    unreadable,
    isUnseen,
    mark,
    isOurs,
  }
  return {
    ...seen,
    inventory,
    changes: [],
    held: [],
    waitingDeletions: undefined,
    drifted: [],
    pause: undefined,
    autoscalers: undefined,
    isRebuilt: isRewound || ledger.lost !== '',
    rewinds,
    rewrittenFrom,
    tag,
    markerBefore: ledger.status.marker?.commit ?? '',
  }
}

/** Once, until it changes (flux-v1 §28). */
function tellUnseen(unseen: readonly string[], memory: SourceMemory, { log }: SyncSourceDeps): void {
  const said = unseen.toSorted().join(', ')
  if (said !== '' && said !== memory.unseen)
    log.warn(
      { unseen: said },
      'these cannot be listed, so they are neither applied nor deleted: give the right to list them, or take what is gone out of --k8s-allow-namespace',
    )
  memory.unseen = said
}

/** Once, since the next write puts it right. */
function tellLost({ namespace, name }: SourceSpec, { lost }: Ledger, { log }: SyncSourceDeps): void {
  if (lost === '') return
  const then = 'what the source owns is made anew from the objects that carry its mark, and this sync deletes nothing'
  log.warn({ source: `${namespace}/${name}` }, `${lost}: ${then}`)
}

/** The rights that this source is applied with. */
function clusterOf({ namespace, serviceAccount }: SourceSpec, { cluster }: SyncSourceDeps): Sync['cluster'] {
  return serviceAccount === '' ? cluster : cluster.as({ namespace, serviceAccount })
}

/**
 * Up to where the source may be applied. Where the commit that was tried last has no good signature, the annotation of
 * `--sync-state=secret` may name a newer one to go on from (flux-v1 §§12-13); the tag is looked at in any case.
 */
async function findHead(
  spec: SourceSpec,
  { ledger, memory }: { ledger: Ledger; memory: SourceMemory },
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<Head> {
  const since = await lastCommit(spec, ledger, deps, signal)
  try {
    return await latestHead({ spec, since, memory }, deps, signal)
  } catch (error) {
    if (toAppError(error).reason !== 'SignatureInvalid' || spec.syncState !== 'secret') throw error
    const marked = await readMarker(spec, deps, signal)
    const remote = await deps.sources.remote(spec, signal)
    const isNewer = marked !== '' && (await deps.git.relation(remote, marked, since, signal)) === 'rewritten'
    if (!isNewer) throw error
    return await latestHead({ spec, since: marked, memory }, deps, signal)
  }
}

/** What was tried last: our own record, else the marker that fluxd or an earlier Capstan left (ruling 13). */
async function lastCommit(
  spec: SourceSpec,
  { status }: Ledger,
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<string> {
  const own = parseRevision(status.attempted)?.commit
  if (own || spec.verify === 'none') return own ?? ''
  return await readMarker(spec, deps, signal)
}

/** Files, generators and parsing have one budget together (`--sync-timeout`). */
async function inTime(
  what: Parameters<typeof loadOrReport>[0],
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<Desired> {
  const { syncTimeoutMs } = what.spec
  const deadline = AbortSignal.timeout(syncTimeoutMs)
  try {
    return await loadOrReport(what, deps, AbortSignal.any([signal, deadline]))
  } catch (error) {
    if (signal.aborted || !deadline.aborted) throw error
    const message = `loading the source took longer than ${syncTimeoutMs / 1000} s; give it more with --sync-timeout (spec.timeout of a Source)`
    return unloaded(new AppError('SyncTimeout', message))
  }
}

/**
 * A path that is missing is a problem of the desired state, shown in the status; nothing is applied or deleted for it. The same holds
 * for a load that takes too long.
 */
async function loadOrReport(
  { spec, commit, memory }: { spec: SourceSpec; commit: string; memory: SourceMemory },
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<Desired> {
  const scopeOf = async (apiVersion: string, kind: string) => await deps.cluster.resource(apiVersion, kind, signal)
  const remote = await deps.sources.remote(spec, signal)
  const loading = { ...readingOf(spec, deps), git: deps.git, render: deps.render, scopeOf }
  try {
    return await loadDesired({ spec, remote, commit }, memory, loading, signal)
  } catch (error) {
    if (!(error instanceof AppError) || error.reason !== 'PathNotFound') throw error
    return unloaded(error)
  }
}

function unloaded({ reason, message }: AppError): Desired {
  const problem = { reason, file: '', line: 0, message }
  return { objects: [], withheld: new Set(), problems: [problem], warnings: [], fresh: new Map(), made: new Map() }
}
