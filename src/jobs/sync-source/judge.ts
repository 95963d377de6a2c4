import { ancestorAnnotation, gcMarkLabel } from '../../domain/manifest/annotations.ts'
import { gcMark } from '../../domain/manifest/gc-mark.ts'
import type { ObjectRef } from '../../domain/manifest/object.ts'
import type { Change } from '../../domain/plan/change.ts'
import { autoscaledFields } from '../../domain/plan/autoscaler.ts'
import { compare, type Verdict } from '../../domain/plan/compare.ts'
import { ignoredFields } from '../../domain/plan/ignore.ts'
import { leftMark, wasScaled } from '../../domain/plan/left-alone.ts'
import { syncSetOf } from '../../domain/source/sync-set.ts'
import type { LiveObject } from '../../domain/plan/live.ts'
import type { DesiredObject, HeldBack } from './desired.ts'
import type { Sync, SyncSourceDeps } from './sync.ts'

/** What a sync makes of one object; `leave`: it is not touched, and people are told why. */
export type Judgement = Extract<Verdict, { act: 'apply' | 'report' | 'nothing' }> | { act: 'leave'; change: Change }

/** Judges the objects of one sync: by digests and metadata alone, nothing is read for it. The same for a sync and for a plan. */
export function createJudge(
  sync: Pick<Sync, 'spec' | 'live' | 'unreadable' | 'mark' | 'inventory' | 'autoscalers'>,
  deps: Pick<SyncSourceDeps, 'sources' | 'replaces'>,
): (object: DesiredObject) => Judgement {
  const { spec, mark, live: all, unreadable, inventory } = sync
  let others: ReturnType<typeof otherSets> | undefined
  const ownerOf = (live: LiveObject, ref: ObjectRef) =>
    live.mark === '' ? undefined : (others ??= otherSets(spec, deps)).find(({ set }) => live.mark === gcMark(set, ref))
  return (object) => {
    const { key, ref, digest, ignored, heldBack } = object
    if (!ignored && heldBack && deps.replaces.has(heldBack)) return holdBack(object, heldBack)
    const cause = ignored ? undefined : unreadable.get(key)
    if (cause) return leave(object, { action: 'failed', reason: cause.reason, message: cause.message })
    const live = all.get(key)
    const entry = inventory.get(key)
    const scaled = entry && wasScaled(entry) ? autoscaledFields(sync.autoscalers ?? [], ref) : []
    const left = leftMark({ ignored: ignoredFields(spec.ignore, ref), scaled })
    const facts = { digest, ignoredInGit: ignored, live, mark: mark(ref), entry, drift: spec.drift, left }
    const verdict = compare(facts)
    const isWanted = verdict.act === 'apply' || verdict.act === 'report'
    const owner = isWanted && live && live.mark !== facts.mark ? ownerOf(live, ref) : undefined
    if (owner) {
      const message = `${object.id} belongs to source ${owner.name}, whose mark it carries; it is left to that one until it is taken out there (kubectl label … ${gcMarkLabel}- where nobody else defines it)`
      return leave(object, { action: 'failed', reason: 'DuplicateObject', message })
    }
    return verdict.act === 'skip' ? skip(object, verdict.why) : verdict
  }
}

/** Two that do the same work undo each other's; taken out of git, the object is deleted as any other. */
function holdBack(object: DesiredObject, heldBack: HeldBack): Judgement {
  if (heldBack === 'definition') return holdDefinition(object)
  const message = `${object.id} runs ${heldBack}, whose work this is now: it is neither applied nor deleted while git has it. Take it out of git, which deletes it, or say that it is meant with the annotation ${ancestorAnnotation}: allow`
  return leave(object, { action: 'skipped', reason: 'AncestorInSource', message })
}

/** Its fields that this definition lacks would be dropped from every HelmRelease (ruling 1). */
function holdDefinition(object: DesiredObject): Judgement {
  const message = `${object.id} is older than the definition that Capstan keeps up to date: it is neither applied nor deleted while git has it. Put the one of this Capstan there (crds/helmrelease.yaml of its chart), or run it with --install-crds=false, so that git decides`
  return leave(object, { action: 'skipped', reason: 'OlderDefinition', message })
}

/** Two sources that define one object would take it from each other for ever: the one that has it keeps it (ruling 2). */
function otherSets(spec: Sync['spec'], { sources }: Pick<SyncSourceDeps, 'sources'>): { name: string; set: string }[] {
  return sources
    .list()
    .filter(({ namespace, name }) => namespace !== spec.namespace || name !== spec.name)
    .map((other) => ({ name: `${other.namespace}/${other.name}`, set: syncSetOf(other) }))
}

function skip(object: DesiredObject, why: string): Judgement {
  if (why !== 'being deleted') return leave(object, { action: 'skipped', message: why })
  const message = `${object.id} is being deleted in the cluster; applied again when it is gone`
  return leave(object, { action: 'skipped', message, reason: 'NotReady' })
}

function leave({ id, file, line }: DesiredObject, change: Pick<Change, 'action' | 'reason' | 'message'>): Judgement {
  return { act: 'leave', change: { id, file, line, ...change } }
}
