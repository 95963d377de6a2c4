/** What became of something that the Helm Operator had. */
export type Became = 'same' | 'differs' | 'replaced' | 'not applicable'

/** `name`: as people write it. `note`: what to know; empty only where there is nothing. */
export type SurfaceRow = { name: string; became: Became; note: string }

/** A field of the spec or the status. `fallback`: what counts where it is absent. */
export type FieldRow = SurfaceRow & { type: string; fallback: string }

function field(
  name: string,
  [type, fallback = '']: [type: string, fallback?: string],
  note = '',
  became: Became = 'same',
): FieldRow {
  return { name, type, fallback, note, became }
}

function row(name: string, note = '', became: Became = 'same'): SurfaceRow {
  return { name, note, became }
}

const refNote = 'The object is watched: a change of it reconciles the release within a second.'

/** Every field of the Operator's spec (helm-operator §1.1). Below a list the name goes on with `[]`. */
export const specRows: readonly FieldRow[] = [
  field(
    'helmVersion',
    ['string', '`v3`'],
    '`v2` is held with the reason HelmV2Release; convert the release first.',
    'differs',
  ),
  field('chart', ['object'], 'Git wins where both kinds are given whole.'),
  field('chart.git', ['string']),
  field(
    'chart.ref',
    ['string', '`--git-default-ref`'],
    'A branch, tag, (short) commit, `HEAD` or full name; `master~1` and refs that are neither branch nor tag are not known. A moved ref that does not touch the path upgrades nothing.',
    'differs',
  ),
  field('chart.path', ['string'], 'Relative to the root of the repository; it cannot leave it.'),
  field(
    'chart.secretRef',
    ['object'],
    'Read at each run, so that a new password counts at once. Over ssh its key `identity` is used; without one it is ignored, as it was.',
    'differs',
  ),
  field('chart.secretRef.name', ['string']),
  field('chart.secretRef.namespace', ['string', 'of the HelmRelease']),
  field('chart.skipDepUpdate', ['boolean', '`false`']),
  field('chart.repository', ['string'], 'The index is fetched once for all releases, and only when it changed.'),
  field('chart.name', ['string']),
  field('chart.version', ['string'], 'A version or a range.'),
  field(
    'chart.chartPullSecret',
    ['object'],
    'The login of the chart repository; the Operator took it and ignored it.',
    'differs',
  ),
  field('chart.chartPullSecret.name', ['string']),
  field(
    'releaseName',
    ['string', '`<namespace>-<name>`, or `<namespace>-<target>-<name>`'],
    'A name that helm does not take is said in the status before helm is asked.',
  ),
  field('targetNamespace', ['string', 'of the HelmRelease']),
  field('maxHistory', ['integer', '10'], '0 keeps all.'),
  field('valueFileSecrets', ['array'], 'Come before `valuesFrom`.'),
  field('valueFileSecrets[].name', ['string'], refNote),
  field('valuesFrom', ['array'], 'Merged in order; later wins, and `values` come last.'),
  field('valuesFrom[].configMapKeyRef', ['object'], refNote),
  field('valuesFrom[].configMapKeyRef.name', ['string']),
  field('valuesFrom[].configMapKeyRef.namespace', ['string', 'of the HelmRelease']),
  field('valuesFrom[].configMapKeyRef.key', ['string', '`values.yaml`']),
  field('valuesFrom[].configMapKeyRef.optional', ['boolean', '`false`']),
  field('valuesFrom[].secretKeyRef', ['object'], refNote),
  field('valuesFrom[].secretKeyRef.name', ['string']),
  field('valuesFrom[].secretKeyRef.namespace', ['string', 'of the HelmRelease']),
  field('valuesFrom[].secretKeyRef.key', ['string', '`values.yaml`']),
  field('valuesFrom[].secretKeyRef.optional', ['boolean', '`false`']),
  field(
    'valuesFrom[].externalSourceRef',
    ['object'],
    'Fetched with a time limit of 30 s and at most 5 MB; addresses of metadata services are refused.',
    'differs',
  ),
  field('valuesFrom[].externalSourceRef.url', ['string']),
  field('valuesFrom[].externalSourceRef.optional', ['boolean', '`false`']),
  field(
    'valuesFrom[].chartFileRef',
    ['object'],
    'Works for charts from repositories too; the file cannot lie outside the chart.',
    'differs',
  ),
  field('valuesFrom[].chartFileRef.path', ['string']),
  field('valuesFrom[].chartFileRef.optional', ['boolean', '`false`']),
  field('values', ['any'], 'What is no map is an error; the Operator took it for empty.', 'differs'),
  field('timeout', ['integer', '300'], 'Seconds, of install, upgrade and uninstall.'),
  field('resetValues', ['boolean', '`true`'], '`false` merges the values with those of the release before.'),
  field('skipCRDs', ['boolean', '`false`']),
  field('wait', ['boolean', '`true` with rollback or tests, else `false`']),
  field('forceUpgrade', ['boolean', '`false`']),
  field(
    'disableOpenAPIValidation',
    ['boolean', '`false`'],
    'Also on upgrades, where the Operator forgot it.',
    'differs',
  ),
  field('rollback', ['object']),
  field('rollback.enable', ['boolean', '`false`'], 'Goes back to the last good revision by its number.', 'differs'),
  field('rollback.retry', ['boolean', '`false`']),
  field('rollback.maxRetries', ['integer', '5'], '0 for ever. Other inputs have a new budget.', 'differs'),
  field('rollback.force', ['boolean', '`false`'], 'The Operator ignored it with helm 3.', 'differs'),
  field('rollback.recreate', ['boolean', '`false`']),
  field('rollback.disableHooks', ['boolean', '`false`']),
  field('rollback.timeout', ['integer', '300'], 'Seconds.'),
  field('rollback.wait', ['boolean', '`false`']),
  field('test', ['object']),
  field(
    'test.enable',
    ['boolean', '`false`'],
    'Failed tests stay failed until they pass or are switched off; the Operator forgot them at its next look. Switched on, they are run for what is deployed; the Operator upgraded first.',
    'differs',
  ),
  field('test.ignoreFailures', ['boolean', '`false`']),
  field('test.timeout', ['integer', '300'], 'Seconds.'),
  field(
    'test.cleanup',
    ['boolean', '`false`'],
    "Removes what the tests made. It had no effect with helm 3, so it is done only where `true` is written; else the chart's hook-delete-policy decides.",
    'differs',
  ),
]

/** Every field of its status (helm-operator §1.2). */
export const statusRows: readonly FieldRow[] = [
  field('observedGeneration', ['integer']),
  field('phase', ['string'], 'See below.'),
  field('releaseName', ['string'], 'Written with the sync, not by a poller.'),
  field('releaseStatus', ['string'], "helm's word for the newest revision; follows a watch of what helm stores."),
  field('revision', ['string'], 'Version or commit of the chart that is deployed.'),
  field('lastAttemptedRevision', ['string']),
  field(
    'rollbackCount',
    ['integer'],
    'Counts rollbacks of the inputs that are wanted now; other inputs begin at 0.',
    'differs',
  ),
  field('conditions', ['array'], 'A condition that says the same again is not written again.'),
  field('conditions[].type', ['string']),
  field('conditions[].status', ['string']),
  field('conditions[].lastUpdateTime', ['string'], 'Moves with a change only.', 'differs'),
  field('conditions[].lastTransitionTime', ['string']),
  field('conditions[].reason', ['string'], 'The phase.'),
  field('conditions[].message', ['string'], "Says why, in helm's own words, without secrets.", 'differs'),
]

/** Every phase (helm-operator §1.3). */
export const phaseRows: readonly SurfaceRow[] = [
  row(
    'ChartFetched',
    'Entered when the condition was not true before. What follows in the same run is written with it, and seen in its place.',
    'differs',
  ),
  row('ChartFetchFailed', 'Over as soon as the chart is there; the Operator let it stand.', 'differs'),
  row('Installing'),
  row('Upgrading'),
  row('Deployed'),
  row('DeployFailed'),
  row('Testing'),
  row('TestFailed'),
  row('Tested'),
  row('Succeeded'),
  row('Failed', 'The message begins with a word of the list of reasons.'),
  row('RollingBack'),
  row('RolledBack'),
  row('RollbackFailed'),
]

/** Every condition type. */
export const conditionRows: readonly SurfaceRow[] = [
  row(
    'ChartFetched',
    'Also written with the first install, and as soon as the chart is there, whatever fails after it.',
    'differs',
  ),
  row('Deployed'),
  row('Released'),
  row('RolledBack'),
  row('Tested'),
]

/** The columns of `kubectl get hr`, in their order. */
export const columnRows: readonly SurfaceRow[] = ['Release', 'Phase', 'ReleaseStatus', 'Message', 'Age'].map((name) =>
  row(name),
)

export const annotationRows: readonly SurfaceRow[] = [
  row(
    'helm.fluxcd.io/antecedent',
    'On the objects of a release: helm sends them with it, and what has none gets it by a patch.',
  ),
  row(
    'helm.fluxcd.io/migrate',
    'There is no helm 2 here: a release that does not exist is installed.',
    'not applicable',
  ),
]

/** Reasons of Kubernetes Events. */
export const eventRows: readonly SurfaceRow[] = [
  row('ReleaseSynced', 'On a change of outcome, not at each look. Its source is `capstan`.', 'differs'),
  row('FailedReleaseSync', 'On a change of outcome, not at each look. Its source is `capstan`.', 'differs'),
]

/** With their labels, as they stand in the text. */
export const metricRows: readonly (SurfaceRow & { labels: readonly string[] })[] = [
  { ...row('flux_helm_operator_release_count'), labels: [] },
  { ...row('flux_helm_operator_release_queue_length_count'), labels: [] },
  {
    ...row(
      'flux_helm_operator_release_action_duration_seconds',
      '`sync` is a run, also one that found nothing to do; a release at rest ([why](decisions/0008-releases-at-rest.md)) or suspended has none. What is waited for is counted once it is over. `dry-run-compare`, `annotate` and `migrate` never come: digests are compared, marks go with helm, and there is no helm 2.',
      'differs',
    ),
    labels: ['action', 'success', 'target_namespace', 'release_name'],
  },
  {
    ...row('flux_helm_operator_release_duration_seconds', 'Of runs, as `sync` above.', 'differs'),
    labels: ['success', 'namespace', 'release_name'],
  },
  {
    ...row('flux_helm_operator_release_phase_duration_seconds', 'As the one by action.', 'differs'),
    labels: ['action', 'success', 'namespace', 'release_name'],
  },
  {
    ...row(
      'flux_helm_operator_release_condition_info',
      'Each condition has its own value; the Operator gave all of them that of the last.',
      'differs',
    ),
    labels: ['target_namespace', 'release_name', 'condition'],
  },
  {
    ...row(
      'flux_git_ready',
      'Speaks of the repository of the flags; of a chart from git the condition ChartFetched does.',
      'differs',
    ),
    labels: [],
  },
]

export const routeRows: readonly SurfaceRow[] = [
  row('GET /metrics'),
  row('GET /healthz'),
  row(
    'POST /api/v1/sync-git',
    'Also looks at every release again. It wants a token, but for the loopback of the pod (`--fluxctl-loopback`) and with `--open-refresh`.',
    'differs',
  ),
  row('GET /debug/pprof/', 'The Operator served it by accident.', 'not applicable'),
]
