/**
 * Whether a text can be the name of a branch or tag, or a commit, by the rules of git-check-ref-format; a name that git could take for
 * an option is none (hazard H1).
 */
export function isRefName(ref: string): boolean {
  return !(
    ref === '' ||
    ref === '@' ||
    ref.length > 250 ||
    /[\s\p{Cc}~^:?*[\\]/u.test(ref) ||
    /\.\.|@\{|\/\/|\.lock(?:\/|$)|\.$/.test(ref) ||
    ref.split('/').some((part) => part === '' || part.startsWith('.') || part.startsWith('-'))
  )
}
