import { AppError } from '../../domain/error.ts'
import { printRight, type Right } from '../../domain/access/right.ts'
import type { Problem } from '../contract/problem.ts'
import { problem, problemOf } from '../problem.ts'
import type { Caller, Reviews } from './caller.ts'

/** Why a caller may not; undefined where the caller may. Rights are asked for in their order. */
export async function denialOf(
  caller: Caller,
  rights: readonly Right[],
  access: Pick<Reviews, 'may'> | undefined,
): Promise<Problem | undefined> {
  if (caller.kind !== 'user') return undefined
  for (const right of rights) {
    const may = (await access?.may(caller.user, right).catch(unanswered)) ?? false
    if (may === true) continue
    return may === false ? denied(caller.user.username, right) : may
  }
  return undefined
}

function denied(who: string, right: Right): Problem {
  const unblock =
    right.namespace === ''
      ? 'Name a namespace in which you may, or ask for a ClusterRoleBinding to view, edit or admin.'
      : `Ask for a RoleBinding to view, edit or admin in namespace ${right.namespace}.`
  return { ...problem('NotAllowed', `${who} may not ${printRight(right)}.`), unblock }
}

/** Could not be asked is never yes and never no. */
export function unanswered(error: unknown): Problem {
  const late = new AppError('ClusterUnavailable', 'The API server did not answer in time.')
  const told = problemOf(error instanceof AppError ? error : late)
  return { ...told, status: 503, detail: `Who may do this could not be asked: ${told.detail}`, retryAfter: 5 }
}

/** To be tried again after so many seconds. */
export function tooMany(seconds: number): Problem {
  return { ...problem('TooManyRequests'), retryAfter: Math.max(1, seconds) }
}
