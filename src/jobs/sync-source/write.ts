import type { AppError } from '../../domain/error.ts'
import { gcMark } from '../../domain/manifest/gc-mark.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { rankOf } from '../../domain/manifest/order.ts'
import { autoscaledFields, autoscalerKinds, autoscalerWarning, isScalable } from '../../domain/plan/autoscaler.ts'
import { compare } from '../../domain/plan/compare.ts'
import { type Conflict, contested, fightMessage, noteOverruled } from '../../domain/plan/fights.ts'
import { ignoredFields } from '../../domain/plan/ignore.ts'
import { mergeInventory } from '../../domain/plan/inventory.ts'
import { syncSetOf } from '../../domain/source/sync-set.ts'
import { applyStage, type Writing, type Written } from './apply.ts'
import { readBodies } from './bodies.ts'
import type { DesiredObject } from './desired.ts'
import { type Drifted, reportDrift } from './drift-report.ts'
import { writeLedger } from './ledger.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'

/**
 * Applies what differs, definitions and namespaces first. `insist`: a person asked, so what was corrected a moment ago is corrected
 * again. Gives how many objects were sent.
 */
export async function applyDesired(
  sync: Sync,
  { insist }: { insist: boolean },
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<number> {
  const { wanted, drifted } = sortOut(sync, insist, deps)
  if (wanted.length > 0) await applyAll(wanted, sync, deps, signal)
  reportFights(sync, deps)
  await reportDrift(drifted, sync, deps, signal)
  return wanted.length
}

function sortOut(sync: Sync, insist: boolean, deps: SyncSourceDeps): { wanted: DesiredObject[]; drifted: Drifted[] } {
  const wanted: DesiredObject[] = []
  const drifted: Drifted[] = []
  const others = otherSets(sync, deps)
  for (const object of sync.desired.objects) {
    const live = sync.live.get(object.key)
    const unreadable = object.ignored ? undefined : sync.unreadable.get(object.key)
    if (unreadable) {
      sync.changes.push(failedToRead(object, unreadable))
      continue
    }
    const verdict = compare({
      digest: object.digest,
      ignoredInGit: object.ignored,
      live,
      mark: sync.mark(object.ref),
      entry: sync.inventory.get(object.key),
      drift: sync.spec.drift,
    })
    if (verdict.act === 'nothing') continue
    const owner = live && live.mark !== '' && others.find(({ set }) => live.mark === gcMark(set, object.ref))
    if (owner) sync.changes.push(ownedByOther(object, owner.name))
    else if (verdict.act === 'report') drifted.push({ object, reason: 'Drifted' })
    else if (verdict.act === 'skip') sync.changes.push(skipped(object, verdict.why))
    else {
      const pauseMs = verdict.why === 'drifted' && !insist ? pauseOf(object.key, sync, deps) : 0
      if (pauseMs === 0) wanted.push(object)
      else {
        drifted.push({ object, reason: 'DriftFight' })
        sync.pauseMs = Math.min(sync.pauseMs || pauseMs, pauseMs)
      }
    }
  }
  return { wanted, drifted }
}

/** The same object is put back at most once per sync interval, so that two managers that fight cost little (ruling 18). */
function pauseOf(key: string, { spec, memory }: Sync, { now }: SyncSourceDeps): number {
  const last = memory.corrected.get(key)
  return last === undefined ? 0 : Math.max(0, last + spec.syncIntervalMs - now().getTime())
}

/** Fields that are not forced any more are a standstill of their own (W11). */
function reportFights({ desired, memory, changes }: Sync, { now }: SyncSourceDeps): void {
  if (memory.fights.size === 0) return
  for (const { key, id, file, line } of desired.objects) {
    const message = fightMessage(memory.fights, key, now().getTime())
    if (message) changes.push({ id, file, line, action: 'failed', reason: 'FieldConflict', message })
  }
}

/** Two sources that define one object would take it from each other for ever: the one that has it keeps it (ruling 2). */
function otherSets({ spec }: Sync, { sources }: SyncSourceDeps): { name: string; set: string }[] {
  return sources
    .list()
    .filter(({ namespace, name }) => namespace !== spec.namespace || name !== spec.name)
    .map((other) => ({ name: `${other.namespace}/${other.name}`, set: syncSetOf(other) }))
}

function ownedByOther({ id, file, line }: DesiredObject, source: string): Sync['changes'][number] {
  const message = `${id} belongs to source ${source}, which defines it too; it is left to that one`
  return { id, file, line, action: 'failed', reason: 'DuplicateObject', message }
}

function failedToRead({ id, file, line }: DesiredObject, { reason, message }: AppError): Sync['changes'][number] {
  return { id, file, line, action: 'failed', reason, message }
}

function skipped({ id, file, line }: DesiredObject, why: string): Sync['changes'][number] {
  if (why !== 'being deleted') return { id, file, line, action: 'skipped', message: why }
  const message = `${id} is being deleted in the cluster; applied again when it is gone`
  return { id, file, line, action: 'skipped', message, reason: 'NotReady' }
}

async function applyAll(
  wanted: readonly DesiredObject[],
  sync: Sync,
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<void> {
  await claim(sync, deps, signal)
  const bodies = await readBodies(wanted, sync, deps, signal)
  const autoscalers = await readAutoscalers(wanted, sync, signal)
  const stages = Map.groupBy(wanted, ({ ref }) => rankOf(ref.kind))
  for (const rank of [...stages.keys()].sort((a, b) => a - b)) {
    const writings = (stages.get(rank) ?? []).flatMap((object) => {
      const body = bodies.get(object.key)
      bodies.delete(object.key)
      return body === undefined ? [] : [toWriting(object, body, { sync, deps, autoscalers })]
    })
    for (const written of await applyStage(writings, { ...deps, cluster: sync.cluster }, signal)) {
      note(written, sync, deps)
    }
  }
}

/** Write-ahead: what is about to be applied is in the inventory before the first write, and this process is the one writer. */
export async function claim(sync: Sync, deps: SyncSourceDeps, signal: AbortSignal): Promise<void> {
  const merged = mergeInventory(
    sync.inventory,
    sync.desired.objects.filter(({ ignored }) => !ignored),
  )
  const isNew = merged.size !== sync.inventory.size || !sync.ledger.inventory
  sync.inventory = merged
  if (isNew || sync.ledger.status.holder !== deps.fence.epoch) {
    sync.ledger = await writeLedger(deps, sync.spec, { ...sync.ledger, inventory: merged }, signal)
  }
}

/** The autoscalers of the cluster, when one of them may scale what is about to be written (ruling 18). */
async function readAutoscalers(
  wanted: readonly DesiredObject[],
  { spec, cluster }: Sync,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  if (spec.overruleAutoscalers || !wanted.some(({ ref }) => isScalable(ref))) return []
  const scopes = spec.allowedNamespaces.length > 0 ? spec.allowedNamespaces.map((namespace) => ({ namespace })) : [{}]
  const lists = await Promise.all(
    autoscalerKinds.map(async (kind) => {
      if (!(await cluster.resource(kind.apiVersion, kind.kind, signal))) return []
      return await Promise.all(scopes.map((scope) => cluster.list({ ...kind, ...scope }, signal)))
    }),
  )
  return lists.flat(2)
}

function toWriting(
  object: DesiredObject,
  body: string,
  { sync, deps, autoscalers }: { sync: Sync; deps: SyncSourceDeps; autoscalers: readonly KubeObject[] },
): Writing {
  const { key, ref, file, line, digest } = object
  const live = sync.live.get(key)
  const fought = contested(sync.memory.fights, key, deps.now().getTime())
  const scaled = autoscaledFields(autoscalers, ref)
  const warning = live && scaled.length > 0 ? autoscalerWarning(autoscalers, ref) : undefined
  return {
    key,
    ref,
    file,
    line,
    digest,
    body,
    mark: sync.mark(ref),
    live,
    takeOver: live !== undefined && (live.owned === '' || live.checksum !== (sync.inventory.get(key)?.applied ?? '')),
    leaveAlone: [...ignoredFields(sync.spec.ignore, ref), ...scaled, ...fought],
    contested: fought.length > 0,
    ...(warning ? { warning } : {}),
  }
}

function note({ writing, change, owned, conflicts }: Written, sync: Sync, deps: SyncSourceDeps): void {
  sync.changes.push(change)
  const { key, ref, file, digest, live } = writing
  const before = sync.inventory.get(key) ?? { ref, file, applied: '', owned: '', tried: '', triedAt: '' }
  if (live && before.applied === digest) noteCorrection(key, conflicts, sync, deps)
  const failed = change.action === 'failed'
  sync.inventory.set(key, {
    ...before,
    ref,
    file,
    ...(failed
      ? { tried: digest, triedAt: before.tried === digest ? before.triedAt : sync.commit }
      : { applied: digest, owned: writing.contested ? '' : owned, tried: '', triedAt: '' }),
  })
}

/** Git was put back over somebody: the next time waits, and too often is a fight. */
function noteCorrection(key: string, conflicts: readonly Conflict[], { memory }: Sync, deps: SyncSourceDeps): void {
  const now = deps.now().getTime()
  if (conflicts.length > 0) noteOverruled(memory.fights, key, conflicts, now)
  memory.corrected.set(key, now)
}
