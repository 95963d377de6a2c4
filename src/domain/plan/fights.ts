import { type FieldPath, printPath } from './field-path.ts'

/** Fields of one manager that an apply met or overruled. */
export type Conflict = { manager: string; fields: readonly FieldPath[] }

type Fight = {
  manager: string
  path: FieldPath
  /** When it was overruled, milliseconds since 1970, oldest first; no more than decide. */
  at: number[]
}

/** Fields that were overruled lately, by key of the object and text of the field. */
export type Fights = Map<string, Map<string, Fight>>

/** Taken back more often than this within {@link windowMs} is a fight (W11). */
const patience = 3
const windowMs = 5 * 60_000
/** More objects than this do not fight at a time; the oldest are forgotten. */
const maxObjects = 1000
const maxFieldsPerObject = 100

/** Notes that an apply of the object took fields from others. `now`: milliseconds since 1970. */
export function noteOverruled(fights: Fights, key: string, overruled: readonly Conflict[], now: number): void {
  const fields = fights.get(key) ?? new Map<string, Fight>()
  forgetRested(fields, now)
  for (const { manager, fields: paths } of overruled) {
    for (const path of paths) {
      const text = printPath(path)
      const at = [...(fields.get(text)?.at ?? []), now].slice(-patience - 1)
      // set anew, so that the oldest stand first
      fields.delete(text)
      fields.set(text, { manager, path, at })
    }
  }
  dropOldest(fields, maxFieldsPerObject)
  fights.delete(key)
  if (fields.size > 0) fights.set(key, fields)
  dropOldest(fights, maxObjects)
}

/**
 * The fields of the object that are not forced for now: somebody took them back more than 3 times in 5 min, and it is less than
 * 5 min since we forced them last (W11).
 */
export function contested(fights: Fights, key: string, now: number): FieldPath[] {
  return fought(fights, key, now).map(({ path }) => path)
}

/** What people are told of fields that are left to another manager, with the reason `FieldConflict`; undefined when there are none. */
export function fightMessage(fights: Fights, key: string, now: number): string | undefined {
  const texts = fought(fights, key, now).map(({ manager, path }) => `${printPath(path)} (by ${manager})`)
  if (texts.length === 0) return undefined
  return `Changed back again and again, so left alone for 5 min: ${texts.join(', ')}. Stop that manager or take the field out of git.`
}

function fought(fights: Fights, key: string, now: number): Fight[] {
  const fields = fights.get(key)
  if (!fields) return []
  forgetRested(fields, now)
  if (fields.size === 0) fights.delete(key)
  return [...fields.values()].filter(({ at }) => isFight(at))
}

function isFight(at: readonly number[]): boolean {
  return at.length > patience && (at.at(-1) ?? 0) - (at[0] ?? 0) <= windowMs
}

function forgetRested(fields: Map<string, Fight>, now: number): void {
  for (const [text, { at }] of fields) if (now - (at.at(-1) ?? 0) >= windowMs) fields.delete(text)
}

function dropOldest(map: Map<string, unknown>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return
    map.delete(key)
  }
}
