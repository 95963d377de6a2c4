import { printPath } from '../../domain/plan/field-path.ts'
import { parseFieldText } from '../../domain/plan/field-text.ts'
import type { Conflict } from '../../domain/plan/fights.ts'
import type { Status } from './failure.ts'

/** Enough to say what goes on; an object taken over whole has hundreds. */
const maxFieldsNamed = 20

/** The managers and fields of a 409, each manager once. Empty for a 409 of another kind. `object`: what was sent. */
export function conflictsOf(status: Status, object: unknown): Conflict[] {
  const byManager = new Map<string, Set<string>>()
  for (const { reason, message, field = '?' } of status.details?.causes ?? []) {
    if (reason !== 'FieldManagerConflict') continue
    const manager = /conflict with "((?:[^"\\]|\\.)*)"/.exec(message ?? '')?.[1] ?? 'unknown manager'
    byManager.set(manager, (byManager.get(manager) ?? new Set<string>()).add(field))
  }
  return [...byManager].map(([manager, fields]) => ({
    manager,
    fields: [...fields].map((text) => parseFieldText(text, object) ?? [{ key: text.replace(/^\./, '') }]),
  }))
}

/** As `manager: .spec.replicas, .spec.x`, one text per manager. */
export function nameConflicts(conflicts: readonly Conflict[]): string[] {
  return conflicts.map(({ manager, fields }) => `${manager}: ${shorten(fields.map(printPath))}`)
}

function shorten(paths: readonly string[]): string {
  const rest = paths.length - maxFieldsNamed
  return paths.slice(0, maxFieldsNamed).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
