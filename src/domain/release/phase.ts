import type { Definition } from './definition.ts'

/** Condition types of a HelmRelease; `Ready` and `Suspended` only where the served definition has them (ruling 1). */
export type ConditionType = 'ChartFetched' | 'Deployed' | 'Released' | 'RolledBack' | 'Tested' | 'Ready' | 'Suspended'

export type Condition = {
  type: ConditionType
  status: 'True' | 'False' | 'Unknown'
  lastUpdateTime: string
  lastTransitionTime: string
  reason: string
  message: string
}

/** The Operator's phases (helm-operator §1.3), and `Suspended` where the served definition has it. */
export type Phase =
  | 'ChartFetched'
  | 'ChartFetchFailed'
  | 'Installing'
  | 'Upgrading'
  | 'Deployed'
  | 'DeployFailed'
  | 'Testing'
  | 'TestFailed'
  | 'Tested'
  | 'Succeeded'
  | 'Failed'
  | 'RollingBack'
  | 'RolledBack'
  | 'RollbackFailed'
  | 'Suspended'

type Setting = [ConditionType, Condition['status']]

const failed: readonly Setting[] = [
  ['Released', 'False'],
  ['Ready', 'False'],
]
/** ChartFetched goes with it: the Operator let an old False stand for ever (helm-operator §6.4, complaint 14). */
const began: readonly Setting[] = [
  ['ChartFetched', 'True'],
  ['Deployed', 'Unknown'],
  ['Ready', 'Unknown'],
]

const settings: Record<Phase, readonly Setting[]> = {
  ChartFetched: [['ChartFetched', 'True']],
  ChartFetchFailed: [['ChartFetched', 'False'], ...failed],
  Installing: began,
  Upgrading: began,
  Deployed: [['Deployed', 'True']],
  DeployFailed: [['ChartFetched', 'True'], ['Deployed', 'False'], ...failed],
  Testing: [['Tested', 'Unknown']],
  TestFailed: [['Tested', 'False']],
  Tested: [['Tested', 'True']],
  Succeeded: [
    ['ChartFetched', 'True'],
    ['Deployed', 'True'],
    ['Released', 'True'],
    ['Ready', 'True'],
  ],
  Failed: failed,
  RollingBack: [['RolledBack', 'Unknown']],
  RolledBack: [['RolledBack', 'True']],
  RollbackFailed: [['RolledBack', 'False']],
  Suspended: [['Suspended', 'True']],
}

/** The status of a HelmRelease, all of it optional as the definition has it (helm-operator §1.2). */
export type ReleaseStatus = {
  observedGeneration?: number
  phase?: Phase
  releaseName?: string
  releaseStatus?: string
  revision?: string
  lastAttemptedRevision?: string
  rollbackCount?: number
  conditions?: Condition[]
}

export type PhaseChange = {
  phase: Phase
  /** helm's or our own words, safe to print. */
  message: string
  /** RFC 3339. */
  now: string
  definition: Definition
  /** A failed test does not count against the release. */
  ignoreTestFailure?: boolean
  /** With phase RolledBack: how often it was rolled back for what it wants now (complaint 8). */
  rollbackCount?: number
}

/**
 * The status after a phase. Unlike the Operator, a condition that says the same again keeps its place and its times, so that nothing is
 * written when nothing changed. Words that the served definition does not take are left out.
 */
export function enterPhase(status: ReleaseStatus, change: PhaseChange): ReleaseStatus {
  const { phase, definition } = change
  let conditions = status.conditions ?? []
  const wanted: Setting[] = [...settings[phase]]
  if (phase === 'TestFailed' && !change.ignoreTestFailure) wanted.push(...failed)
  if (phase === 'Succeeded') conditions = conditions.filter(({ type }) => type !== 'RolledBack')
  if (phase !== 'Suspended') conditions = conditions.filter(({ type }) => type !== 'Suspended')
  for (const [type, value] of wanted) {
    if (definition.takesCondition(type)) conditions = setCondition(conditions, type, value, change)
  }
  const { rollbackCount: before, ...rest } = status
  const rollbackCount = countRollbacks(before, change)
  return {
    ...rest,
    ...(definition.takesPhase(phase) ? { phase } : {}),
    ...(conditions.length > 0 ? { conditions } : {}),
    ...(rollbackCount === undefined ? {} : { rollbackCount }),
  }
}

/** None is written as nothing, as the Operator did it: who prints the field sees it empty. */
function countRollbacks(before: number | undefined, { phase, rollbackCount: count }: PhaseChange): number | undefined {
  if (phase === 'RolledBack') return count ?? (before ?? 0) + 1
  return phase === 'Succeeded' ? undefined : before
}

function setCondition(
  conditions: readonly Condition[],
  type: ConditionType,
  status: Condition['status'],
  { phase, message, now }: PhaseChange,
): Condition[] {
  const before = conditions.find((condition) => condition.type === type)
  if (before && before.status === status && before.reason === phase && before.message === message)
    return [...conditions]
  const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now
  const next: Condition = { type, status, lastUpdateTime: now, lastTransitionTime, reason: phase, message }
  return [...conditions.filter((condition) => condition !== before), next]
}

/** What of a status tells one outcome from another: an Event is written only when this changes (W15). */
export function outcomeOf({ phase, conditions = [] }: ReleaseStatus): string {
  // what failed is told when it is over
  if (phase === 'RollingBack') return phase
  const released = conditions.find(({ type }) => type === 'Released')
  if (!released) return ''
  const word = /^[A-Za-z]+(?=: )/.exec(released.message)?.[0] ?? ''
  return released.status === 'False' ? `${released.reason} ${word}` : released.status
}
