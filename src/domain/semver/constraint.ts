import { never } from '../../lib/never.ts'
import { comparePreReleases, compareVersions, parseVersion, type Version } from './version.ts'

/** Whether a version is in the range. */
export type Constraint = (version: Version) => boolean

const operators = ['!=', '>=', '=>', '<=', '=<', '~>', '=', '>', '<', '~', '^', ''] as const
type Operator = (typeof operators)[number]

/** One comparison. A part that was not given, or given as `x`, is zero in `version`. */
type Comparison = {
  operator: Operator
  version: Version
  /** The first part that was not given; undefined when all three were. */
  open: 'major' | 'minor' | 'patch' | undefined
}

const partPattern = String.raw`v?[0-9xX*]+(?:\.[0-9xX*]+){0,2}`
const tailPattern = String.raw`(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?`
const hyphenRange = new RegExp(
  String.raw`\s*(${partPattern}${tailPattern})\s+-\s+(${partPattern}${tailPattern})\s*`,
  'g',
)
const versionToken = new RegExp(
  String.raw`v?([0-9xX*]+)(?:\.([0-9xX*]+))?(?:\.([0-9xX*]+))?((?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?`,
  'y',
)

/**
 * Reads a range by the rules of Masterminds' semver v3.4 (flux-v1 §15): `||` between groups, comma or space inside, `~ ^ != => =<`,
 * hyphen ranges, `x` and missing parts. A pre-release is in a range only where its group names one. Undefined for what is no range,
 * the empty text too.
 */
export function parseConstraint(text: string): Constraint | undefined {
  const groups: Comparison[][] = []
  for (const segment of text.replaceAll(hyphenRange, '>= $1, <= $2 ').split('||')) {
    const group = parseGroup(segment)
    if (!group) return undefined
    groups.push(group)
  }
  const admitting = groups.map((group) => ({ group, pre: group.some(({ version }) => version.pre !== '') }))
  return (version) =>
    admitting.some(
      ({ group, pre }) => (version.pre === '' || pre) && group.every((comparison) => holds(comparison, version)),
    )
}

/** Read by hand: the pattern that the Go library has for this takes for ever on a hostile text (hazard L11). */
function parseGroup(segment: string): Comparison[] | undefined {
  const group: Comparison[] = []
  let at = skipSpace(segment, 0)
  for (;;) {
    const operator = operators.find((one) => segment.startsWith(one, at)) ?? ''
    versionToken.lastIndex = skipSpace(segment, at + operator.length)
    const match = versionToken.exec(segment)
    const comparison = match && makeComparison(operator, match)
    if (!comparison) return undefined
    group.push(comparison)
    const end = versionToken.lastIndex
    at = skipSpace(segment, end)
    if (at === segment.length) return group
    if (segment[at] === ',') at = skipSpace(segment, at + 1)
    else if (at === end) return undefined
  }
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (at < text.length && /\s/.test(text[at] ?? '')) at++
  return at
}

function makeComparison(operator: Operator, match: RegExpExecArray): Comparison | undefined {
  const [, major = '', minor = '', patch = '', tail = ''] = match
  const open = isOpen(major) ? 'major' : isOpen(minor) ? 'minor' : isOpen(patch) ? 'patch' : undefined
  const numbers =
    open === 'major'
      ? '0.0.0'
      : open === 'minor'
        ? `${major}.0.0`
        : open === 'patch'
          ? `${major}.${minor}.0`
          : `${major}.${minor}.${patch}`
  const version = parseVersion(numbers + tail)
  return version && { operator, version, open }
}

function isOpen(part: string): boolean {
  return part === '' || part === 'x' || part === 'X' || part === '*'
}

function holds(comparison: Comparison, version: Version): boolean {
  switch (comparison.operator) {
    case '':
    case '=':
      return comparison.open ? isNear(comparison, version) : compareVersions(version, comparison.version) === 0
    case '!=':
      return isOther(comparison, version)
    case '>':
      return isAbove(comparison, version)
    case '<':
      return compareVersions(version, comparison.version) < 0
    case '>=':
    case '=>':
      return compareVersions(version, comparison.version) >= 0
    case '<=':
    case '=<':
      return isAtMost(comparison, version)
    case '~':
    case '~>':
      return isNear(comparison, version)
    case '^':
      return isCompatible(comparison, version)
    default:
      return never(comparison.operator)
  }
}

function isOther({ open, version: given }: Comparison, version: Version): boolean {
  if (open === undefined) return compareVersions(version, given) !== 0
  if (given.major !== version.major) return true
  if (open === 'minor') return false
  if (given.minor !== version.minor) return true
  if (open === 'patch') return comparePreReleases(version.pre, given.pre) !== 0
  return compareVersions(version, given) !== 0
}

/** `>11` starts at 12, `>11.1` at 11.2. */
function isAbove({ open, version: given }: Comparison, version: Version): boolean {
  if (open === undefined) return compareVersions(version, given) > 0
  if (version.major !== given.major) return version.major > given.major
  if (open === 'minor') return false
  if (open === 'patch') return version.minor > given.minor
  return compareVersions(version, given) > 0
}

/** `<=11` ends with the last 11. */
function isAtMost({ open, version: given }: Comparison, version: Version): boolean {
  if (open === undefined) return compareVersions(version, given) <= 0
  if (version.major !== given.major) return version.major < given.major
  return open === 'minor' || version.minor <= given.minor
}

/** Same minor, or same major where no minor was given; `~*` and `~0.0.0` are anything. */
function isNear({ open, version: given }: Comparison, version: Version): boolean {
  if (compareVersions(version, given) < 0) return false
  const isZero = given.major === 0n && given.minor === 0n && given.patch === 0n
  if (isZero && open !== 'minor' && open !== 'patch') return true
  return version.major === given.major && (version.minor === given.minor || open === 'minor')
}

/** The same up to the first part that is not zero. */
function isCompatible({ open, version: given }: Comparison, version: Version): boolean {
  if (compareVersions(version, given) < 0) return false
  if (given.major > 0n || open === 'minor') return version.major === given.major
  if (version.major > 0n) return false
  if (given.minor > 0n || open === 'patch') return version.minor === given.minor
  return version.minor === 0n && version.patch === given.patch
}
