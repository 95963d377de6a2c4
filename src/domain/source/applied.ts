import { isText } from '../../lib/raw.ts'

/** What the last sync of a source knew and the cluster does not show; a cached fact in the store, written by every sync. */
export type Applied = {
  /** `branch@<40 hex>`. */
  revision: string
  /** Commits that are in it, newest first; the first is its own. */
  commits: string[]
  /** Policies that git sets, by ID of the object and by name without prefix; objects with none are left out. */
  policies: Record<string, Record<string, string>>
}

/** How far back a person may ask whether a commit is applied. */
export const mostAppliedCommits = 1000
/** A source that is not synced any more is forgotten. */
export const appliedKeptMs = 7 * 24 * 3_600_000

/** Where it lies in the store. */
export function appliedKey(namespace: string, name: string): string {
  return `applied:${namespace}/${name}`
}

/** Redis is untrusted (hazard B7): anything odd is as if it were not there. */
export function parseApplied(text: string | undefined): Applied | undefined {
  try {
    const { revision, commits, policies } = JSON.parse(text ?? 'null') as Applied
    if (typeof revision !== 'string' || !Array.isArray(commits) || !commits.every(isText)) return undefined
    if (!isMap(policies) || !Object.values(policies).every((one) => isMap(one) && Object.values(one).every(isText)))
      return undefined
    return { revision, commits, policies }
  } catch {
    return undefined
  }
}

/**
 * Which commits are still to be applied until `ref` is, for fluxctl: none, or the one that is waited for. `ref` is a commit, also
 * its first digits, or the branch; a commit that nobody has fetched yet is not applied (ruling 4).
 */
export function notApplied(
  ref: string,
  { commits, head, branch }: { commits: readonly string[]; head: string; branch: string },
): string[] {
  const wanted = ref === branch || ref === 'HEAD' ? head : ref
  if (wanted !== '' && commits.some((commit) => commit.startsWith(wanted))) return []
  return [head.startsWith(wanted) && head !== '' ? head : wanted]
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
