import type { AppError } from '../../domain/error.ts'
import { conditionOf } from '../../domain/health/fields.ts'
import type { Stop } from '../../domain/release/decide.ts'
import { outcomeOf, type Phase, type ReleaseStatus } from '../../domain/release/phase.ts'
import type { Failed } from '../../domain/release/record.ts'
import { backoffMs } from '../../domain/work/backoff.ts'
import { never } from '../../lib/never.ts'
import { nameOf } from './act.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { memoryOf } from './memory.ts'
import type { Work } from './work.ts'
import { announce, enterFailure } from './status.ts'

/** How a run ended. `afterMs` counts only where it is not ok. */
export type Conclusion = {
  ok: boolean
  /** The HelmRelease was deleted meanwhile: its release is to be removed. */
  isGone?: boolean
  /** What was asked for was tried, so that it is not urgent any more. */
  answered?: true
  /** This generation was worked on. */
  observed: boolean
  /** The first thing that was done; empty for nothing. */
  action: string
  reason: string
  summary: string
  afterMs: number
  /** Nobody foresaw this. */
  bug?: AppError
}

/** What is held is looked at again after this time, if nothing wakes it before. */
const heldMs = 60_000

/** Says in the status what the end of a run means. */
export function conclude(step: Stop, work: Work, action: string): Conclusion {
  const { status } = work
  if (work.revisionsAt !== undefined) sayWhatIsStored(work)
  switch (step.do) {
    case 'nothing':
      return concludeWell(work, action)
    case 'wait':
      return concludeWait(step, work, action)
    case 'hold': {
      const { reason, message } = step
      const failed = work.stored.record?.failed
      if (failed && message === failed.message) reportFailure(failed, work)
      else status.enter('Failed', `${reason}: ${message}`)
      return { ok: false, observed: true, action, reason, summary: `${reason}: ${message}`, afterMs: heldMs }
    }
    default:
      return never(step)
  }
}

/** helm's word for the newest revision; what was not looked at is left as it is. */
function sayWhatIsStored({ spec, status, revisions }: Work): void {
  const known = status.current().releaseStatus
  const releaseStatus = revisions.at(-1)?.state ?? (known === undefined ? undefined : 'uninstalled')
  status.set({ releaseName: spec.release, ...(releaseStatus === undefined ? {} : { releaseStatus }) })
}

function concludeWait(step: Extract<Stop, { do: 'wait' }>, work: Work, action: string): Conclusion {
  const { spec, status, stored } = work
  const { reason, message, afterMs, failed, forReadinessOf } = step
  if (failed) reportFailure(failed, work)
  if (forReadinessOf) {
    const where = `release ${spec.release} in ${spec.targetNamespace}`
    const phase = phaseOf[forReadinessOf]
    status.enter(phase, `${phase} ${where}: ${message}`)
    return waiting(message, afterMs)
  }
  const summary = `${reason}: ${message}`
  // another process of Capstan says by itself what it does
  const isStranger = reason === 'OtherWriter' && !stored.record?.intent
  if (isStranger) status.enter('Failed', summary)
  return { ok: false, observed: failed !== undefined || isStranger, action, reason, summary, afterMs }
}

const phaseOf = { install: 'Installing', upgrade: 'Upgrading', rollback: 'RollingBack' } as const

/** Nothing has ended yet, so nothing is counted (reason NotReady); the generation is observed by the run that ends it. */
function waiting(message: string, afterMs: number): Conclusion {
  return { ok: false, observed: false, action: '', reason: 'NotReady', summary: `NotReady: ${message}`, afterMs }
}

function concludeWell({ spec, status, revisions, stored, wanted, notes }: Work, action: string): Conclusion {
  const chart = wanted ? nameOf(wanted) : ''
  const revision = stored.record?.applied?.chartRevision
  const message = `Release ${spec.release} in ${spec.targetNamespace} is deployed with chart ${chart}`
  const told = [message, ...notes].join('. ')
  if (isBackAtTested({ spec, status })) status.enter('Tested', `The tests of release ${spec.release} passed`)
  status.enter('Succeeded', told, revision === undefined ? {} : { revision })
  const summary = `${spec.release} revision ${revisions.at(-1)?.revision ?? 0}, chart ${chart}`
  return { ok: true, observed: true, action, reason: '', summary, afterMs: 0 }
}

function reportFailure(failed: Failed, { spec, status, revisions }: Work): void {
  enterFailure(failed, status)
  const latest = revisions.at(-1)
  if (failed.rollbackFailed !== undefined) status.enter('RollbackFailed', failed.rollbackFailed)
  else if (latest && latest.revision === failed.rolledBackTo && latest.state === 'deployed') {
    const message = `Rolled back release ${spec.release}; revision ${latest.revision} is deployed`
    status.enter('RolledBack', message, { rollbackCount: failed.rollbacks })
  }
}

/** What a rollback went back to for failed tests is wanted again, and its own tests had passed. */
function isBackAtTested({ spec: { test }, status }: Pick<Work, 'spec' | 'status'>): boolean {
  const { conditions = [] } = status.current()
  const is = (type: string, value: string) => conditions.some((one) => one.type === type && one.status === value)
  return test.enable && !test.ignoreFailures && is('RolledBack', 'True') && is('Tested', 'False')
}

/** What passes by itself and says nothing about the release. */
const notItsFault = new Set<string>(['ClusterUnavailable', 'FenceLost', 'RateLimited', 'OtherWriter'])

/**
 * What threw: chart or values could not be had, or a step not be begun. Says so in the status and tries again with back-off, or when the
 * other side says. A bug is thrown on, for the log, once it was told.
 */
export async function reportUnprepared(failure: AppError, work: Work, deps: SyncReleaseDeps): Promise<Conclusion> {
  const { reason, message } = failure
  // a registry may want to be left alone for an hour
  const isPassing = notItsFault.has(reason) && !(reason === 'RateLimited' && work.doing === 'chart')
  if (isPassing) throw failure
  const isBug = reason === 'InternalError'
  const words = isBug ? 'a bug in Capstan; the log of the job says more' : message
  const summary = deps.redactor.redact(`${reason}: ${words}`)
  work.status.enter(phaseAt(work), summary)
  const afterMs = pauseOf(failure) ?? backoffMs(countFailure(work, deps), deps.random)
  const told = { ok: false, observed: true, action: 'prepare', reason, summary, afterMs }
  return isBug ? { ...told, bug: failure } : told
}

function pauseOf({ retry }: AppError): number | undefined {
  return typeof retry === 'object' && 'afterMs' in retry ? retry.afterMs : undefined
}

/** How often in a row this was so. */
function countFailure({ spec: { namespace, name } }: Work, deps: SyncReleaseDeps): number {
  const { failures } = memoryOf(deps)
  const count = (failures.get(`${namespace}/${name}`) ?? 0) + 1
  failures.set(`${namespace}/${name}`, count)
  return count
}

/** helm-operator §1.3: what the Operator's helm would have failed with has failed here, too. */
function phaseAt({ doing }: Work): Phase {
  if (doing === 'chart') return 'ChartFetchFailed'
  return doing === 'install' || doing === 'upgrade' ? 'DeployFailed' : 'Failed'
}

/** The outcome changed, or what failed in the same way is something else than before: another spec, or other inputs. */
export function isNews({ object, status, stored, failedBefore }: Work, { ok, reason }: Conclusion): boolean {
  if (reason === 'NotReady') return false
  const [before, after] = [(object.status ?? {}) as ReleaseStatus, status.current()]
  if (outcomeOf(before) !== outcomeOf(after)) return true
  const { failed } = stored.record ?? {}
  const isOther = failed !== undefined && failed.inputs !== failedBefore
  return !ok && (isOther || before.observedGeneration !== after.observedGeneration)
}

/** Log and Event, when the outcome changed or something was done (W15). */
export async function tell(work: Work, conclusion: Conclusion, deps: SyncReleaseDeps): Promise<void> {
  const { object, signal } = work
  const { namespace, name } = object.metadata
  const log = deps.log.child({ release: `${namespace}/${name}` })
  const { ok, action, reason, summary } = conclusion
  if (!isNews(work, conclusion) && (action === '' || !ok)) return
  if (ok) log.info({}, summary)
  else log.info({ reason }, summary)
  const event = ok
    ? ({ type: 'Normal', reason: 'ReleaseSynced' } as const)
    : ({ type: 'Warning', reason: 'FailedReleaseSync' } as const)
  await announce(object, { ...event, message: summary }, deps, signal)
}

/** Log and Event, when it begins. */
export async function tellSuspension(
  { object, spec, signal }: Work,
  message: string,
  deps: SyncReleaseDeps,
): Promise<void> {
  const { suspended } = memoryOf(deps)
  const id = `${spec.namespace}/${spec.name}`
  const isKnown = suspended.has(id) || conditionOf(object, 'Suspended')?.status === 'True'
  suspended.add(id)
  if (isKnown) return
  deps.log.child({ release: id }).info({ reason: 'Suspended' }, message)
  await announce(object, { type: 'Normal', reason: 'Suspended', message }, deps, signal)
}
