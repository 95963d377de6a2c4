import { type AppError, toAppError } from '../../domain/error.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { decide, type Patience, type Step } from '../../domain/release/decide.ts'
import type { ReleaseRecord } from '../../domain/release/record.ts'
import { helmReleaseKind, type ReleaseSpec, readSpec } from '../../domain/release/spec.ts'
import { releaseState } from '../../domain/release/state.ts'
import { backoffMs } from '../../domain/work/backoff.ts'
import type { JobPayload, Outcome } from '../../domain/work/job.ts'
import { never } from '../../lib/never.ts'
import { type Acted, deploy, removeRemains, rollback, succeeded, type Work } from './act.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { observe, readRecord } from './observe.ts'
import { prepareChart, prepareValues } from './prepare.ts'
import { keepFinalizer, removeRelease } from './remove.ts'
import { announce, createStatusWriter, type StatusWriter } from './status.ts'

/** More steps than this in one run is a loop that must not spin; the next run looks again. */
const maxSteps = 4
/** A release that another process works on, or that is held, is looked at again after this time or when something changes. */
const lookAgainMs = 15_000

/**
 * Brings one HelmRelease to what it asks for: prepare, observe, decide, one helm verb, look again. Starts no helm process and
 * writes nothing when nothing changed.
 */
export async function syncRelease(payload: JobPayload, deps: SyncReleaseDeps, signal: AbortSignal): Promise<Outcome> {
  const ref = { ...helmReleaseKind, namespace: payload.namespace, name: payload.name }
  if (!(await deps.cluster.resource(ref.apiVersion, ref.kind, signal)))
    return { end: 'done', summary: 'HelmReleases are not defined in this cluster' }
  const object = await deps.cluster.get(ref, { signal })
  if (!object) return { end: 'done', summary: 'it does not exist any more' }
  const spec = readSpec(object, deps.defaults)
  if (spec.deleting) return { end: 'done', summary: await removeRelease(object, spec, deps, signal) }
  if (spec.suspended) return { end: 'done', summary: 'suspended' }
  const started = deps.now().getTime()
  const status = await createStatusWriter(object, spec, deps, signal)
  const run = await runSteps(object, spec, status, deps, signal)
  const wasReleased = isReleased(object)
  await status.set({ observedGeneration: Math.max(spec.generation, status.current().observedGeneration ?? 0) })
  await tell(object, run, wasReleased, deps, signal)
  const seconds = (deps.now().getTime() - started) / 1000
  const { namespace, name, release } = spec
  if (run.action !== 'nothing') deps.ended({ namespace, name, release, success: run.ok, seconds, action: run.action })
  if (run.ok) return { end: 'done', summary: run.summary }
  return { end: 'again', afterMs: run.afterMs, why: run.summary }
}

/** How a run ended. `afterMs` counts only where it is not ok. */
type Ended = { ok: boolean; action: string; summary: string; reason: string; afterMs: number }

async function runSteps(
  object: KubeObject,
  spec: ReleaseSpec,
  status: StatusWriter,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<Ended> {
  if (spec.helmVersion === 'v2')
    return await hold(status, 'HelmV2Release', 'helm 2 is not supported; migrate the release and set helmVersion: v3')
  let work: Work & { forget: () => void }
  try {
    work = await prepare(object, spec, status, deps, signal)
  } catch (error) {
    if (signal.aborted) throw error
    return await unprepared(toAppError(error), object, status, deps)
  }
  try {
    return await loop(work, deps)
  } finally {
    work.forget()
  }
}

async function prepare(
  object: KubeObject,
  spec: ReleaseSpec,
  status: StatusWriter,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
) {
  const chart = await prepareChart(spec, deps, signal)
  const { values, digest, forget } = await prepareValues(spec, chart, deps, signal)
  const stored = await readRecord(spec, deps, signal)
  return { object, spec, wanted: { chart, values, digest }, stored, status, signal, forget }
}

const chartReasons = new Set([
  'ChartNotFound',
  'ChartAuthFailed',
  'GitUnreachable',
  'GitAuthFailed',
  'GitRefNotFound',
  'PathNotFound',
  'RenderFailed',
])

/** The chart or the values could not be had: says so in the status, touches nothing, tries again with back-off. */
async function unprepared(
  failure: AppError,
  object: KubeObject,
  status: StatusWriter,
  deps: SyncReleaseDeps,
): Promise<Ended> {
  if (failure.reason === 'ClusterUnavailable' || failure.reason === 'InternalError' || failure.reason === 'FenceLost')
    throw failure
  await status.enter(chartReasons.has(failure.reason) ? 'ChartFetchFailed' : 'Failed', failure.message)
  const attempts = Math.max(1, attemptsOf(object))
  return {
    ok: false,
    action: 'prepare',
    summary: `${failure.reason}: ${failure.message}`,
    reason: failure.reason,
    afterMs: backoffMs(attempts, deps.random),
  }
}

/** How long it has been failing, in doublings of the first wait; from the condition, so that a restart keeps the pace. */
function attemptsOf(object: KubeObject): number {
  const { conditions = [] } = (object.status ?? {}) as {
    conditions?: { type: string; status: string; lastTransitionTime: string; lastUpdateTime: string }[]
  }
  const failed = conditions.find(({ type, status }) => type === 'Released' && status === 'False')
  if (!failed) return 1
  const seconds = (Date.parse(failed.lastUpdateTime) - Date.parse(failed.lastTransitionTime)) / 1000
  return Math.max(1, Math.ceil(Math.log2(seconds / 5 + 2)))
}

async function loop(work: Work, deps: SyncReleaseDeps): Promise<Ended> {
  const { spec, status, signal } = work
  let action = 'nothing'
  for (let count = 0; count < maxSteps; count++) {
    signal.throwIfAborted()
    const facts = await observe(spec, work.stored, work.wanted, deps, signal)
    const state = releaseState(facts)
    const step = decide(state, facts, spec, patienceOf(work.stored.record, deps))
    deps.log.debug({ release: spec.release, state, step: step.do }, 'decided')
    if (step.do === 'nothing') return await settled(work, action, deps)
    if (step.do === 'hold') return await hold(status, step.reason, step.message)
    if (step.do === 'wait') return await wait(work, step, deps)
    action = step.do
    const acted = await act(step, work, deps)
    if (!acted.ok)
      return {
        ok: false,
        action,
        summary: `HelmFailed: ${acted.message}`,
        reason: 'HelmFailed',
        afterMs: retryAfterMs(work.stored.record, deps),
      }
  }
  return {
    ok: false,
    action,
    summary: `not settled after ${maxSteps} steps; looked at again`,
    reason: 'HelmFailed',
    afterMs: lookAgainMs,
  }
}

async function act(
  step: Exclude<Step, { do: 'nothing' | 'hold' | 'wait' }>,
  work: Work,
  deps: SyncReleaseDeps,
): Promise<Acted> {
  switch (step.do) {
    case 'install':
    case 'upgrade':
      return await deploy(step.do, work, deps)
    case 'rollback':
      return (await rollback(work, step.revision, deps))
        ? { ok: true }
        : { ok: false, message: 'the rollback after an interrupted helm run failed' }
    case 'remove remains':
      return await removeRemains(work, deps)
    case 'adopt':
      await succeeded(work, deps)
      return { ok: true }
    default:
      return never(step)
  }
}

/** In sync: says so in the status when it did not say so before. */
async function settled(work: Work, action: string, deps: SyncReleaseDeps): Promise<Ended> {
  const { object, spec, status, wanted, signal } = work
  if (!isReleased({ ...object, status: status.current() })) await succeeded(work, deps)
  await keepFinalizer(object, deps, signal)
  const summary = `${spec.release} revision ${work.stored.record?.applied?.revision ?? 0}, chart ${wanted.chart.name} ${wanted.chart.version}`
  return {
    ok: true,
    action,
    summary: action === 'nothing' ? `unchanged: ${summary}` : `${action}: ${summary}`,
    reason: '',
    afterMs: 0,
  }
}

async function hold(status: StatusWriter, reason: string, message: string): Promise<Ended> {
  if (status.current().phase !== 'RolledBack') await status.enter('Failed', `${reason}: ${message}`)
  return { ok: false, action: 'hold', summary: `${reason}: ${message}`, reason, afterMs: lookAgainMs }
}

async function wait(
  { stored }: Work,
  step: { reason: string; message: string },
  deps: SyncReleaseDeps,
): Promise<Ended> {
  const afterMs = step.reason === 'HelmFailed' ? retryAfterMs(stored.record, deps) : lookAgainMs
  return { ok: false, action: 'wait', summary: `${step.reason}: ${step.message}`, reason: step.reason, afterMs }
}

/** Failed inputs are tried again for ever with back-off (ruling 11); the time of the last try stands in the record. */
function patienceOf(record: ReleaseRecord | undefined, deps: SyncReleaseDeps): Patience {
  const failed = record?.failed
  return { isOver: !failed || retryAfterMs(record, deps) === 0, message: failed?.message ?? '' }
}

function retryAfterMs(record: ReleaseRecord | undefined, { now }: SyncReleaseDeps): number {
  const failed = record?.failed
  if (!failed) return lookAgainMs
  // without jitter here: the time must not move while it is waited for
  const due = Date.parse(failed.at) + backoffMs(failed.attempts, () => 0.5)
  return Math.max(0, due - now().getTime())
}

function isReleased(object: KubeObject): boolean {
  const { conditions = [] } = (object.status ?? {}) as { conditions?: { type: string; status: string }[] }
  return conditions.some(({ type, status }) => type === 'Released' && status === 'True')
}

async function tell(
  object: KubeObject,
  run: Ended,
  wasReleased: boolean,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name } = object.metadata
  const log = deps.log.child({ release: `${namespace}/${name}` })
  if (run.ok && run.action !== 'nothing') {
    log.info({}, run.summary)
    await announce(object, { type: 'Normal', reason: 'ReleaseSynced', message: run.summary }, deps, signal)
  }
  if (run.ok || run.action === 'wait') return
  log.info({ reason: run.reason }, run.summary)
  if (wasReleased || object.status === undefined)
    await announce(object, { type: 'Warning', reason: 'FailedReleaseSync', message: run.summary }, deps, signal)
}
