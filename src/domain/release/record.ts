/** What helm was about to do; written before each helm write, so that whoever comes after a crash knows whose it was (hazard A3). */
export type Intent = {
  verb: 'install' | 'upgrade' | 'rollback' | 'uninstall'
  revision: number
  epoch: string
  at: string
}

/**
 * Our bookkeeping for one release, beside helm's Secrets: ConfigMap `capstan-release-<release>` in the target namespace, key
 * `record.json`. No CRD schema prunes it (ruling 1).
 */
export type ReleaseRecord = {
  version: 1
  /** The HelmRelease that this release belongs to. */
  owner: { uid: string; namespace: string; name: string }
  intent?: Intent
  /** The inputs that were deployed last, and helm's revision number of that. */
  applied?: { chart: string; chartRevision: string; values: string; revision: number }
  /**
   * Inputs that failed: damped, not given up (ruling 11). `by`: helm itself, or the tests of what it deployed. `revision`: the newest one
   * when all was over. `rolledBack`: how often these inputs were rolled back. `at`: RFC 3339, of the last try.
   */
  failed?: {
    inputs: string
    by: 'helm' | 'test'
    attempts: number
    revision: number
    rolledBack: number
    message: string
    at: string
  }
}

export const recordLabels = { 'app.kubernetes.io/managed-by': 'capstan', 'capstan.dev/record': 'release' } as const

export function recordName(release: string): string {
  return `capstan-release-${release}`
}

/** Undefined when it is not ours or of a version that we do not know. */
export function parseRecord(text: string | undefined): ReleaseRecord | undefined {
  if (!text) return undefined
  try {
    const value = JSON.parse(text) as ReleaseRecord
    return value.version === 1 && typeof value.owner?.uid === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

/** One word for a set of inputs: the chart's whole tree and the composed values. */
export function inputsOf(chart: string, values: string): string {
  return `${chart}+${values}`
}
