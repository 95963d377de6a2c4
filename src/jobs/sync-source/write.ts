import type { KubeObject } from '../../domain/manifest/object.ts'
import { createTurns } from '../../domain/manifest/turns.ts'
import { type Change, isHeldBack } from '../../domain/plan/change.ts'
import { type Conflict, fightMessage, noteOverruled } from '../../domain/plan/fights.ts'
import type { InventoryEntry } from '../../domain/plan/inventory.ts'
import { wasScaled } from '../../domain/plan/left-alone.ts'
import { parseExactJson } from '../../lib/exact-json.ts'
import { beginStep } from '../../lib/progress.ts'
import { applyOne, type Writing, type Written } from './apply.ts'
import { readBodies } from './bodies.ts'
import type { DesiredObject } from './desired.ts'
import { type Drifted, reportDrift } from './drift-report.ts'
import { inTurns } from './in-turns.ts'
import { createJudge } from './judge.ts'
import { leftAlone, readAutoscalers } from './left-alone.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'
import { writeAhead } from './write-ahead.ts'

/** A few more than the cluster adapter has in flight. */
const atOnce = 40

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
  if ([...sync.inventory.values()].some(wasScaled))
    await readAutoscalers(
      [...sync.inventory.values()].map(({ ref }) => ref),
      sync,
      deps,
      signal,
    )
  const { wanted, drifted } = sortOut(sync, insist, deps)
  if (wanted.length > 0) await applyAll(wanted, sync, deps, signal)
  reportFights(sync, deps)
  await reportDrift(drifted, sync, deps, signal)
  return wanted.length
}

type Sorted = { wanted: DesiredObject[]; drifted: Drifted[] }

function sortOut(sync: Sync, insist: boolean, deps: SyncSourceDeps): Sorted {
  const sorted: Sorted = { wanted: [], drifted: [] }
  const leftAlone = new Set(sync.desired.withheld)
  const judge = createJudge(sync, deps)
  for (const object of sync.desired.objects) {
    const verdict = judge(object)
    if (verdict.act === 'leave') sync.changes.push(verdict.change)
    if (object.ignored || (verdict.act === 'leave' && isSettled(verdict.change))) leftAlone.add(object.key)
    if (verdict.act === 'apply' && (insist || !isPaused(object, verdict.why, sync, deps))) sorted.wanted.push(object)
    else if (verdict.act === 'apply' || verdict.act === 'report') {
      sorted.drifted.push({ object, reason: verdict.act === 'apply' ? 'DriftFight' : 'Drifted' })
      leftAlone.add(object.key)
    }
  }
  sync.memory.leftAlone = leftAlone
  return sorted
}

/** It is left for good, not until it is gone. */
function isSettled({ action, reason }: Change): boolean {
  return action === 'failed' || isHeldBack(reason)
}

/**
 * The same object is put back or made again at most once per sync interval, so that two managers that fight cost little (ruling 18);
 * as does a Job that its controller takes away when it is done.
 */
function isPaused({ key, id, digest }: DesiredObject, why: string, sync: Sync, { now }: SyncSourceDeps): boolean {
  const { spec, memory, inventory, pause } = sync
  const isAgain = why === 'drifted' || (why === 'absent' && inventory.get(key)?.applied === digest)
  const last = memory.corrected.get(key)
  if (!isAgain || last === undefined) return false
  const ms = Math.max(0, last + spec.syncIntervalMs - now().getTime())
  if (ms > 0 && (!pause || ms < pause.ms))
    sync.pause = { ms, why: `${id} was ${why === 'absent' ? 'deleted' : 'changed'} again by somebody` }
  return ms > 0
}

/** Fields that are not forced any more are a standstill of their own (W11). */
function reportFights({ desired, memory, changes }: Sync, { now }: SyncSourceDeps): void {
  if (memory.fights.size === 0) return
  for (const { key, id, file, line } of desired.objects) {
    const message = fightMessage(memory.fights, key, now().getTime())
    if (message) changes.push({ id, file, line, action: 'failed', reason: 'FieldConflict', message })
  }
}

async function applyAll(
  wanted: readonly DesiredObject[],
  sync: Sync,
  deps: SyncSourceDeps,
  signal: AbortSignal,
): Promise<void> {
  await writeAhead(wanted, sync, deps, signal)
  const bodies = await readBodies(wanted, sync, deps, signal)
  const autoscalers = await readAutoscalers(
    wanted.map(({ ref }) => ref),
    sync,
    deps,
    signal,
  )
  const tick = beginStep(deps.log, 'applying objects', wanted.length)
  const definitions = new Set(wanted.filter(({ ref }) => ref.kind === 'CustomResourceDefinition'))
  const changes = new Map<string, Change>()
  await inTurns(createTurns(wanted), atOnce, async (object) => {
    const body = bodies.get(object.key)
    bodies.delete(object.key)
    changes.set(object.key, body === undefined ? unreadable(object) : await apply(object, body))
    tick()
    // once for all of them, before the first object of a new kind has its turn
    if (definitions.delete(object) && definitions.size === 0) sync.cluster.forgetDiscovery()
  })
  // as git has them, not as they ended
  for (const { key } of wanted) {
    const change = changes.get(key)
    if (change) sync.changes.push(change)
  }

  async function apply(object: DesiredObject, body: string): Promise<Change> {
    const writing = toWriting(object, body, { sync, deps, autoscalers })
    const written = await applyOne(writing, { ...deps, cluster: sync.cluster }, signal)
    note(written, sync, deps)
    return written.change
  }
}

/** Its file was read once and cannot be read again: a key that is gone, or an object of git that is. */
function unreadable({ id, file, line }: DesiredObject): Change {
  const message = `${file} cannot be read again, so ${id} is not applied`
  return { id, file, line, action: 'failed', reason: 'GitUnreachable', message }
}

function toWriting(
  object: DesiredObject,
  body: string,
  { sync, deps, autoscalers }: { sync: Sync; deps: SyncSourceDeps; autoscalers: readonly KubeObject[] },
): Writing {
  const { key, ref, file, line, digest } = object
  const live = sync.live.get(key)
  return {
    key,
    ref,
    file,
    line,
    digest,
    body,
    live,
    mark: sync.mark(ref),
    takeOver: live !== undefined && (live.owned === '' || live.checksum !== (sync.inventory.get(key)?.applied ?? '')),
    ...leftAlone(object, sync, {
      autoscalers,
      now: deps.now().getTime(),
      object: () => parseExactJson(body) as KubeObject,
    }),
  }
}

function note({ writing, change, owned, conflicts }: Written, sync: Sync, deps: SyncSourceDeps): void {
  const { key, ref, file, digest } = writing
  const before = sync.inventory.get(key) ?? { ref, file, applied: '', owned: '', tried: '', triedAt: '' }
  if (before.applied === digest && isSame(before, writing) && change.action !== 'failed')
    noteCorrection(key, conflicts, sync, deps)
  const failed = change.action === 'failed'
  sync.inventory.set(key, {
    ...before,
    ref,
    file,
    ...(failed
      ? { tried: digest, triedAt: before.tried === digest ? before.triedAt : sync.commit }
      : { applied: digest, owned: writing.contested ? '' : owned, tried: '', triedAt: '', left: writing.left }),
  })
}

/** Nothing of what git asks for is other than at the last apply. */
function isSame({ left = '' }: InventoryEntry, writing: Writing): boolean {
  return left === writing.left
}

/** Git was put back over somebody: the next time waits, and too often is a fight. */
function noteCorrection(key: string, conflicts: readonly Conflict[], { memory }: Sync, deps: SyncSourceDeps): void {
  const now = deps.now().getTime()
  if (conflicts.length > 0) noteOverruled(memory.fights, key, conflicts, now)
  memory.corrected.set(key, now)
}
