import { AppError } from '../../domain/error.ts'
import { isRefName } from '../../domain/source/ref-name.ts'

/**
 * Refuses what is no name of a branch, tag or commit, by the rules of git-check-ref-format, before git sees it (hazard H1).
 * Throws GitRefNotFound, not retried.
 */
export function checkRefName(ref: string): void {
  if (!isRefName(ref))
    throw new AppError('GitRefNotFound', `'${printable(ref)}' is not a valid name of a branch or tag`, {
      retry: 'never',
    })
}

/** Refuses what is no full commit or blob id. */
export function checkId(id: string): void {
  if (!/^[0-9a-f]{40}$/.test(id)) {
    throw new AppError('GitRefNotFound', `'${printable(id)}' is not a commit`, { retry: 'never' })
  }
}

function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, '?').slice(0, 100)
}
