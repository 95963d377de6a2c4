/**
 * The message of an automated commit, to the letter (flux-v1 §20): `Auto-release <image>`, or a list for several. `images` as they
 * stand in the manifests afterwards; `suffix` is appended as it is (`--git-ci-skip`).
 */
export function autoReleaseMessage(images: readonly string[], suffix: string): string {
  const sorted = [...new Set(images)].toSorted((a, b) => (a < b ? -1 : 1))
  if (sorted.length === 0) return `Auto-release (no images)\n${suffix}`
  if (sorted.length === 1) return `Auto-release ${sorted[0]}${suffix}`
  return `Auto-release multiple (${sorted.length}) images\n\n${sorted.map((image) => ` - ${image}\n`).join('')}${suffix}`
}
