import type { UpdateNote } from '../image/note.ts'
import { isLockPolicy } from '../manifest/annotations.ts'
import type { UpdateResult } from '../work/update-spec.ts'
import { type Event, type EventSource, type EventType, makeEvent } from './event.ts'
import { commitText } from './text.ts'

type PolicyType = Extract<EventType, 'automate' | 'deautomate' | 'lock' | 'unlock' | 'update_policy'>

/** A commit of ours that was pushed. */
export type PushedCommit = { source: EventSource; at: string; commit: string; note: Omit<UpdateNote, 'jobID'> }

const titles: Record<PolicyType, string> = {
  automate: 'Automated',
  deautomate: 'Deautomated',
  lock: 'Locked',
  unlock: 'Unlocked',
  update_policy: 'Updated policies',
}

/** The events of a commit of ours: the commit itself and, where it changes policies, each kind of change with its workloads. */
export function eventsOfCommit(pushed: PushedCommit): Event[] {
  const { source, at, commit, note } = pushed
  const ids = idsOf(note.result)
  const about = { source, startedAt: at, endedAt: at, commit }
  const { spec, result } = note
  const event = makeEvent({
    ...about,
    type: 'commit',
    metadata: { revision: commit, spec, result },
    serviceIDs: ids,
    message: commitText(commit, ids),
  })
  return [event, ...policyEvents(about, note)]
}

function idsOf(result: UpdateResult): string[] {
  return Object.entries(result).flatMap(([id, { Status }]) => (Status === 'success' ? [id] : []))
}

function policyEvents(
  about: Pick<Event, 'source' | 'startedAt' | 'endedAt' | 'commit'>,
  { spec, result }: PushedCommit['note'],
): Event[] {
  if (spec.type !== 'policy') return []
  const byType = new Map<PolicyType, string[]>()
  const reasons = new Set<string>()
  const users = new Set<string>()
  for (const id of idsOf(result)) {
    const { add = {}, remove = {} } = spec.spec[id] ?? {}
    for (const type of typesOf(Object.keys(add), Object.keys(remove)))
      byType.set(type, [...(byType.get(type) ?? []), id])
    if (add.locked_msg) reasons.add(add.locked_msg)
    if (add.locked_user) users.add(add.locked_user)
  }
  const { User, Message } = spec.cause
  return [...byType].map(([type, ids]) => {
    const isLock = type === 'lock'
    const why = isLock ? [...reasons].join('; ') || Message : Message
    const by = User || (isLock ? [...users].join(', ') : '')
    return makeEvent({
      ...about,
      type,
      metadata: { ...(by ? { user: by } : {}), ...(why ? { message: why } : {}) },
      serviceIDs: ids,
      message: `${titles[type]}: ${ids.toSorted().join(', ')}${by ? `, by ${by}` : ''}${why ? `: ${why}` : ''}`,
    })
  })
}

/** Who locked and why belongs to the lock. */
function typesOf(added: readonly string[], removed: readonly string[]): Set<PolicyType> {
  return new Set([
    ...added.map((name) => typeOf(name, 'automate', 'lock')),
    ...removed.map((name) => typeOf(name, 'deautomate', 'unlock')),
  ])
}

function typeOf(name: string, automated: PolicyType, locked: PolicyType): PolicyType {
  if (name === 'automated') return automated
  return isLockPolicy(name) ? locked : 'update_policy'
}
