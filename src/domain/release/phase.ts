/** Condition types of a HelmRelease; `Ready` only where the served definition has it (ruling 1). */
export type ConditionType = 'ChartFetched' | 'Deployed' | 'Released' | 'RolledBack' | 'Tested' | 'Ready'

export type Condition = {
  type: ConditionType
  status: 'True' | 'False' | 'Unknown'
  lastUpdateTime: string
  lastTransitionTime: string
  reason: string
  message: string
}

/** The Operator's phases (helm-operator §1.3). */
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

type Setting = [ConditionType, Condition['status']]

const settings: Record<Phase, readonly Setting[]> = {
  ChartFetched: [['ChartFetched', 'True']],
  ChartFetchFailed: [
    ['ChartFetched', 'False'],
    ['Released', 'False'],
    ['Ready', 'False'],
  ],
  Installing: [
    ['Deployed', 'Unknown'],
    ['Ready', 'Unknown'],
  ],
  Upgrading: [
    ['Deployed', 'Unknown'],
    ['Ready', 'Unknown'],
  ],
  Deployed: [['Deployed', 'True']],
  DeployFailed: [
    ['Deployed', 'False'],
    ['Released', 'False'],
    ['Ready', 'False'],
  ],
  Testing: [['Tested', 'Unknown']],
  TestFailed: [['Tested', 'False']],
  Tested: [['Tested', 'True']],
  Succeeded: [
    ['ChartFetched', 'True'],
    ['Deployed', 'True'],
    ['Released', 'True'],
    ['Ready', 'True'],
  ],
  Failed: [
    ['Released', 'False'],
    ['Ready', 'False'],
  ],
  RollingBack: [['RolledBack', 'Unknown']],
  RolledBack: [['RolledBack', 'True']],
  RollbackFailed: [['RolledBack', 'False']],
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
  now: string
  /** Condition types that the served definition allows. */
  allowed: ReadonlySet<string>
  /** A failed test does not count against the release. */
  ignoreTestFailure?: boolean
}

/**
 * The status after a phase. Unlike the Operator, a condition that says the same again keeps its place and its times, so that nothing is
 * written when nothing changed, and a Succeeded release never keeps a stale ChartFetched=False.
 */
export function enterPhase(status: ReleaseStatus, change: PhaseChange): ReleaseStatus {
  const { phase } = change
  let conditions = status.conditions ?? []
  const wanted: Setting[] = [...settings[phase]]
  if (phase === 'TestFailed' && !change.ignoreTestFailure) wanted.push(['Released', 'False'], ['Ready', 'False'])
  if (phase === 'Succeeded') conditions = conditions.filter(({ type }) => type !== 'RolledBack')
  for (const [type, value] of wanted)
    if (change.allowed.has(type)) conditions = setCondition(conditions, type, value, change)
  return { ...status, phase, conditions, ...countRollbacks(status, phase) }
}

function countRollbacks({ rollbackCount = 0 }: ReleaseStatus, phase: Phase): Pick<ReleaseStatus, 'rollbackCount'> {
  if (phase === 'RolledBack') return { rollbackCount: rollbackCount + 1 }
  return phase === 'Succeeded' && rollbackCount > 0 ? { rollbackCount: 0 } : {}
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
