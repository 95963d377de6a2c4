/** A version as Masterminds' semver v3 reads it. Numbers are bigint: tags such as dates with a time pass 2^53. */
export type Version = {
  major: bigint
  minor: bigint
  patch: bigint
  /** Without the dash; empty for a release. */
  pre: string
}

const maxNumber = 2n ** 64n - 1n
const versionPattern =
  /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/

/**
 * Reads a version laxly: a leading `v`, missing parts, leading zeros and bare numbers are fine (flux-v1 §15). Undefined for what is
 * no version. What follows `+` is read and does not count.
 */
export function parseVersion(text: string): Version | undefined {
  const [whole, major = '0', minor = '0', patch = '0', pre = ''] = versionPattern.exec(text) ?? []
  if (whole === undefined || pre.split('.').some((part) => /^0\d+$/.test(part))) return undefined
  const version = { major: BigInt(major), minor: BigInt(minor), patch: BigInt(patch), pre }
  return [version.major, version.minor, version.patch].some((number) => number > maxNumber) ? undefined : version
}

/** Negative when `a` comes before `b`. */
export function compareVersions(a: Version, b: Version): number {
  return (
    compareNumbers(a.major, b.major) ||
    compareNumbers(a.minor, b.minor) ||
    compareNumbers(a.patch, b.patch) ||
    comparePreReleases(a.pre, b.pre)
  )
}

/** A release comes after its pre-releases. */
export function comparePreReleases(a: string, b: string): number {
  if (a === b) return 0
  if (a === '') return 1
  if (b === '') return -1
  const left = a.split('.')
  const right = b.split('.')
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const order = comparePart(left[index], right[index])
    if (order !== 0) return order
  }
  return 0
}

/** Fewer parts first, numbers before words. */
function comparePart(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0
  if (a === undefined) return -1
  if (b === undefined) return 1
  const numbers = [a, b].map((part) => /^\d+$/.test(part) && BigInt(part) <= maxNumber)
  if (numbers[0] && numbers[1]) return compareNumbers(BigInt(a), BigInt(b))
  if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1
  return a < b ? -1 : 1
}

function compareNumbers(a: bigint, b: bigint): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
