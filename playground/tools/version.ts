/** A version as programs print it. `pre` is what follows a dash: such a build is not the release of that number. */
export type Version = { numbers: readonly [number, number, number]; pre?: string; text: string }

/** The first thing in a text that looks like a version. Undefined when there is none. */
export function findVersion(text: string): Version | undefined {
  const match = /(?<![\w.])v?(\d+)\.(\d+)(?:\.(\d+))?(?:-([\w.-]+))?/.exec(text)
  if (!match) return undefined
  const [whole, major, minor, patch = '0', pre] = match
  const numbers = [Number(major), Number(minor), Number(patch)] as const
  return { numbers, text: whole.replace(/^v/, ''), ...(pre && { pre }) }
}

/** True from `from` (included) to `below` (not included). Builds with a dash never fit: they may be anything. */
export function fits(version: Version, range: { from: string; below: string }): boolean {
  if (version.pre) return false
  const [from, below] = [findVersion(range.from), findVersion(range.below)]
  return from !== undefined && below !== undefined && compare(version, from) >= 0 && compare(version, below) < 0
}

function compare(a: Version, b: Version): number {
  for (const n of [0, 1, 2] as const) {
    if (a.numbers[n] !== b.numbers[n]) return a.numbers[n] - b.numbers[n]
  }
  return 0
}
