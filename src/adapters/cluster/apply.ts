import { AppError } from '../../domain/error.ts'
import { idOf, type KubeObject, refOf } from '../../domain/manifest/object.ts'
import { maxMessageLength, parseStatus, parseWarnings, type Status } from './failure.ts'
import { type Api, asked, exactJson, locate, objectOf, urgencyOf } from './objects.ts'
import type { Answer } from './send.ts'

export type ApplyOptions = {
  /** Take fields over from other managers. Without it a conflict is refused first, so that its managers can be named. */
  force: boolean
  dryRun?: boolean
  /** Field manager; default `capstan`. */
  fieldManager?: string
}

/** What the API server answered to a server-side apply. */
export type Applied = {
  /** The object as it is now, managedFields included. */
  object: KubeObject
  created: boolean
  warnings: string[]
  /** Managers overruled by force, as `manager: .spec.replicas, .spec.x`. Empty when there was no conflict. */
  overruled: string[]
}

const deadlineMs = 60_000
/** Enough to say what goes on; an object taken over whole has hundreds. */
const maxFieldsNamed = 20

/**
 * Server-side apply. It is sent without force first, since only a refusal names the managers that own the fields; with force
 * it is sent again and takes them over. So a second request is made for conflicts alone.
 */
export async function applyObject(
  api: Api,
  object: KubeObject,
  options: ApplyOptions,
  signal?: AbortSignal,
): Promise<Applied> {
  const ref = refOf(object)
  const path = await locate(api, ref, signal)
  const body = exactJson(object)

  async function attempt(force: boolean): Promise<Answer> {
    return await api.send({
      method: 'PATCH',
      path,
      query: {
        fieldManager: options.fieldManager ?? 'capstan',
        force: String(force),
        fieldValidation: 'Warn',
        ...(options.dryRun ? { dryRun: 'All' } : {}),
      },
      // The server reads JSON under this type as well.
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body,
      urgency: urgencyOf(ref, 'write'),
      deadlineMs,
      idempotent: true,
      signal,
    })
  }

  const first = await attempt(false)
  const overruled = first.status === 409 ? conflicts(parseStatus(first.text)) : []
  if (overruled.length > 0 && !options.force) throw conflict(idOf(ref), overruled)
  const answer = overruled.length > 0 ? await attempt(true) : first
  const applied = objectOf(api, answer, asked('apply', ref))
  return {
    object: applied,
    created: answer.status === 201,
    warnings: parseWarnings(answer.headers.warning),
    overruled,
  }
}

function conflict(id: string, managers: readonly string[]): AppError {
  const message = `Other managers own fields of ${id}: ${managers.join('; ')}.`
  return new AppError('FieldConflict', message.slice(0, maxMessageLength))
}

/** The managers and fields of a 409, one text per manager. Empty for a 409 of another kind. */
export function conflicts(status: Status): string[] {
  const fields = new Map<string, string[]>()
  for (const { reason, message, field } of status.details?.causes ?? []) {
    if (reason !== 'FieldManagerConflict') continue
    const manager = /conflict with "((?:[^"\\]|\\.)*)"/.exec(message ?? '')?.[1] ?? 'unknown manager'
    fields.set(manager, [...(fields.get(manager) ?? []), field ?? '?'])
  }
  return [...fields].map(([manager, paths]) => `${manager}: ${shorten([...new Set(paths)])}`)
}

function shorten(paths: readonly string[]): string {
  const rest = paths.length - maxFieldsNamed
  return paths.slice(0, maxFieldsNamed).join(', ') + (rest > 0 ? ` and ${rest} more` : '')
}
