import { AppError } from '../../domain/error.ts'
import { countChanges } from '../../domain/plan/plan.ts'
import { secretValues } from '../../domain/plan/masked.ts'
import { changesBetween, objectsOf } from '../../domain/release/manifest-changes.ts'
import { helmReleaseKind, nameProblem, type ReleaseSpec, readSpec } from '../../domain/release/spec.ts'
import { suspensionMessage } from '../../domain/status/suspension.ts'
import { mergeValues } from '../../domain/release/values.ts'
import { explainValues, type ValuesLayer } from '../../domain/release/values-origin.ts'
import type { JobPayload, Outcome } from '../../domain/work/job.ts'
import type { Request } from '../../domain/work/request.ts'
import { answerPlan, type MadePlan } from '../answer-plan.ts'
import type { Requests } from '../requests.ts'
import { readLayers } from '../sync-release/compose-values.ts'
import { findWait } from '../sync-release/depends-on.ts'
import type { SyncReleaseDeps } from '../sync-release/deps.ts'
import { createReleaseMemory, memoryOf } from '../sync-release/memory.ts'
import { prepareChart } from '../sync-release/chart.ts'
import { releaseRequest } from '../sync-release/release-request.ts'
import { accountProblem, withRights } from '../sync-release/rights.ts'
import type { PreparedChart } from '../sync-release/work.ts'
import { readNewest, type Newest } from './newest.ts'

export type PlanReleaseDeps = SyncReleaseDeps & { requests: Requests }

/**
 * Answers a request about a HelmRelease without changing anything: what the next install or upgrade would change in what helm stored
 * last, or each value with the source that it came from. Secrets are masked.
 */
export async function planRelease(payload: JobPayload, deps: PlanReleaseDeps, signal: AbortSignal): Promise<Outcome> {
  return await answerPlan(payload, (request) => makePlan(request, deps, signal), deps, signal)
}

async function makePlan(
  { namespace, name, ask }: Request,
  deps: PlanReleaseDeps,
  signal: AbortSignal,
): Promise<MadePlan> {
  const object = await deps.cluster.get({ ...helmReleaseKind, namespace, name }, { signal })
  if (!object || ask.kind !== 'plan-release')
    throw new AppError('ReleaseNotFound', `There is no HelmRelease ${namespace}/${name} (any more).`, {
      retry: 'never',
    })
  const spec = readSpec(object, deps.defaults)
  const problem = nameProblem(spec)
  if (problem) throw new AppError('InvalidValues', problem, { retry: 'never' })
  const accountMissing = accountProblem(spec, deps)
  if (accountMissing) throw new AppError('NoServiceAccount', accountMissing, { retry: 'never' })
  // secrets that a sync has learned are its own to forget
  const memory = { ...createReleaseMemory(), commits: memoryOf(deps).commits }
  const theirs = withRights(spec, { ...deps, memory })
  const chart = await prepareChart(spec, theirs, signal)
  try {
    const newest = await readNewest(spec, theirs, signal)
    const layers = [...reusedLayer(spec, newest), ...(await readLayers(spec, { chart, deps: theirs, signal }))]
    if (ask.show === 'values') return valuesPlan(chart, layers, deps)
    return await changesPlan({ spec, chart, layers, newest }, theirs, signal)
  } finally {
    for (const forget of memory.secrets.values()) forget()
  }
}

/** `resetValues: false` begins with what was deployed before, which may hold secrets of that time. */
function reusedLayer({ resetValues }: ReleaseSpec, { release }: Newest): ValuesLayer[] {
  if (resetValues || !release) return []
  return [{ source: 'the release before (resetValues: false)', isSecret: true, values: release.config }]
}

function valuesPlan(chart: PreparedChart, layers: readonly ValuesLayer[], { redactor }: PlanReleaseDeps): MadePlan {
  const values = explainValues(layers).map((one) => ({ ...one, value: redactor.redact(one.value) }))
  const counts = countChanges([], { unchanged: 0, held: 0 })
  return { revision: revisionOf(chart), changes: [], counts, held: [], warnings: [], values }
}

type Parts = { spec: ReleaseSpec; chart: PreparedChart; layers: readonly ValuesLayer[]; newest: Newest }

async function changesPlan(
  { spec, chart, layers, newest }: Parts,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<MadePlan> {
  const outcome = await deps.helm.preview(
    {
      ...releaseRequest(spec, chart, mergeValues(layers.map(({ values }) => values))),
      wait: false,
      verb: newest.release ? 'upgrade' : 'install',
      resetValues: spec.resetValues,
      force: spec.forceUpgrade,
    },
    signal,
  )
  if (!outcome.ok) throw new AppError(outcome.reason, outcome.message, { retry: 'never' })
  const before = objectsOf(newest.release?.manifest ?? '', spec.targetNamespace)
  const after = objectsOf(outcome.manifest, spec.targetNamespace)
  const forget = deps.redactor.register([...before, ...after].flatMap(secretValues))
  try {
    const { changes, unchanged } = changesBetween(before, after, deps.redactor.redact)
    const counts = countChanges(changes, { unchanged, held: 0 })
    const warnings = await noticesOf(spec, newest, deps, signal)
    return { revision: revisionOf(chart), changes, counts, held: [], warnings }
  } finally {
    forget()
  }
}

/** What people should know before they trust the plan. */
async function noticesOf(
  spec: ReleaseSpec,
  { state }: Newest,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<string[]> {
  const wait = await findWait(spec, deps, signal)
  return [
    ...(spec.suspended ? [`nothing is done before it is resumed: ${suspensionMessage(spec.suspended)}`] : []),
    ...(wait && 'message' in wait ? [`nothing is done yet: ${wait.message}`] : []),
    ...(state === '' || state === 'deployed' ? [] : [`helm says of the newest revision: ${state}`]),
  ]
}

function revisionOf({ name, version, revision }: PreparedChart): string {
  return version === revision ? `${name}@${version}` : `${name}@${version} (${revision.slice(0, 12)})`
}
