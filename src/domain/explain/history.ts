/** The commits that a source has seen last, with their parents. */
export type History = { head: string; parents: ReadonlyMap<string, readonly string[]> }

/** So many commits of a source are remembered. */
export const historyDepth = 300

const commitPattern = /^[0-9a-f]{40}$/

/** Where they lie in the store; derived again by the next fetch of a new head. */
export function historyKey(namespace: string, name: string): string {
  return `history:${namespace}/${name}`
}

/** `[commit, ...parents]` for each commit, newest first. */
export function printHistory(head: string, entries: readonly { commit: string; parents: readonly string[] }[]): string {
  return JSON.stringify({ head, commits: entries.map(({ commit, parents }) => [commit, ...parents]) })
}

/** Redis is untrusted (hazard B7): anything odd is as if it were not there. */
export function parseHistory(text: string | undefined): History | undefined {
  try {
    const { head, commits } = JSON.parse(text ?? 'null') as { head: string; commits: string[][] }
    const isGood = commits.length <= historyDepth && [head, ...commits.flat()].every((id) => commitPattern.test(id))
    return isGood
      ? { head, parents: new Map(commits.map(([commit = '', ...parents]) => [commit, parents])) }
      : undefined
  } catch {
    return undefined
  }
}

/** The remembered commits that begin with these digits. */
export function findCommits({ parents }: History, digits: string): string[] {
  return [...parents.keys()].filter((commit) => commit.startsWith(digits))
}

/** Whether one commit is another or lies behind it; undefined when that is further back than what is remembered. */
export function isBehind({ parents }: History, commit: string, tip: string): boolean | undefined {
  if (commit === tip) return true
  if (!parents.has(tip)) return undefined
  const seen = new Set([tip])
  for (const one of seen) {
    for (const parent of parents.get(one) ?? []) {
      if (parent === commit) return true
      seen.add(parent)
    }
  }
  return false
}
