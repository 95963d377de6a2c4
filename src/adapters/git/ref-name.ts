import { AppError } from '../../domain/error.ts'

/**
 * Refuses what is no name of a branch, tag or commit, by the rules of git-check-ref-format, before git sees it (hazard H1).
 * Throws GitRefNotFound, not retried.
 */
export function checkRefName(ref: string): void {
  const bad =
    ref === '' ||
    ref === '@' ||
    ref.length > 250 ||
    /[\s\p{Cc}~^:?*[\\]/u.test(ref) ||
    /\.\.|@\{|\/\/|\.lock(?:\/|$)|\.$/.test(ref) ||
    ref.split('/').some((part) => part === '' || part.startsWith('.') || part.startsWith('-'))
  if (bad)
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
