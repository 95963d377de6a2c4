import type { HelmOutcome } from '../../adapters/helm/index.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { inputsOf, type Intent, type ReleaseRecord } from '../../domain/release/record.ts'
import type { ReleaseSpec } from '../../domain/release/spec.ts'
import { lastGoodRevision, type StoredRevision } from '../../domain/release/state.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { readRevisions, type StoredRecord, type Wanted, writeRecord } from './observe.ts'
import type { StatusWriter } from './status.ts'

/** One run at work on one release. */
export type Work = {
  object: KubeObject
  spec: ReleaseSpec
  wanted: Wanted
  stored: StoredRecord
  status: StatusWriter
  signal: AbortSignal
}

/** How an action ended; `message` is helm's own words, redacted. */
export type Acted = { ok: true } | { ok: false; message: string }

/** Installs or upgrades, tests, and on failure removes or rolls back; writes down what helm really stored (helm-operator §4.2). */
export async function deploy(verb: 'install' | 'upgrade', work: Work, deps: SyncReleaseDeps): Promise<Acted> {
  const { spec, wanted, status, signal } = work
  const before = await readRevisions(spec, deps, signal)
  const where = `release ${spec.release} in ${spec.targetNamespace}`
  await begin(work, verb, (before.at(-1)?.revision ?? 0) + 1, deps)
  await status.enter(
    verb === 'install' ? 'Installing' : 'Upgrading',
    `${verb === 'install' ? 'Installing' : 'Upgrading'} ${where}`,
    {
      lastAttemptedRevision: wanted.chart.revision,
    },
  )
  const outcome = await runHelm(verb, work, deps)
  signal.throwIfAborted()
  if (!outcome.ok)
    return await failed(work, { before, message: outcome.message, by: 'helm', isFirst: verb === 'install' }, deps)
  await status.enter('Deployed', `Deployed ${where}`)
  const tested = await test(work, deps)
  if (!tested.ok)
    return await failed(work, { before, message: tested.message, by: 'test', isFirst: before.length === 0 }, deps)
  await succeeded(work, deps)
  return { ok: true }
}

async function runHelm(
  verb: 'install' | 'upgrade',
  { spec, wanted, signal }: Work,
  deps: SyncReleaseDeps,
): Promise<HelmOutcome> {
  const request = {
    release: spec.release,
    namespace: spec.targetNamespace,
    timeoutSeconds: spec.timeoutSeconds,
    chartPath: wanted.chart.path,
    values: wanted.values,
    wait: spec.wait,
    skipCrds: spec.skipCrds,
    disableOpenApiValidation: spec.disableOpenApiValidation,
  }
  deps.fence.check()
  if (verb === 'install') return await deps.helm.install(request, signal)
  const { resetValues, forceUpgrade, maxHistory } = spec
  return await deps.helm.upgrade({ ...request, resetValues, force: forceUpgrade, maxHistory }, signal)
}

async function test({ spec, status, signal }: Work, deps: SyncReleaseDeps): Promise<Acted> {
  if (!spec.test.enable) return { ok: true }
  await status.enter('Testing', `Running the tests of release ${spec.release}`)
  const target = { release: spec.release, namespace: spec.targetNamespace, timeoutSeconds: spec.test.timeoutSeconds }
  const outcome = await deps.helm.test(target, signal)
  signal.throwIfAborted()
  if (outcome.ok) {
    await status.enter('Tested', `The tests of release ${spec.release} passed`)
    return { ok: true }
  }
  await status.enter('TestFailed', outcome.message)
  return spec.test.ignoreFailures ? { ok: true } : outcome
}

type Failure = { before: readonly StoredRevision[]; message: string; by: 'helm' | 'test'; isFirst: boolean }

/** Remedies what was stored, then remembers the inputs, so that they are damped and not tried in a loop. */
async function failed(work: Work, failure: Failure, deps: SyncReleaseDeps): Promise<Acted> {
  const { spec, wanted, status, signal } = work
  if (failure.by === 'helm') await status.enter('DeployFailed', failure.message)
  const after = await readRevisions(spec, deps, signal)
  const isNew = (after.at(-1)?.revision ?? 0) > (failure.before.at(-1)?.revision ?? 0)
  let rolledBack = false
  if (isNew && failure.isFirst) await removeRemains(work, deps)
  else if (isNew && spec.rollback.enable) rolledBack = await rollback(work, lastGoodRevision(after), deps)
  const record = work.stored.record
  const inputs = inputsOf(wanted.chart.digest, wanted.digest)
  const earlier = record?.failed?.inputs === inputs ? record.failed : undefined
  const latest = (await readRevisions(spec, deps, signal)).at(-1)
  await end(
    work,
    {
      failed: {
        inputs,
        by: failure.by,
        attempts: (earlier?.attempts ?? 0) + 1,
        revision: latest?.revision ?? 0,
        rolledBack: (earlier?.rolledBack ?? 0) + (rolledBack ? 1 : 0),
        message: failure.message,
        at: deps.now().toISOString(),
      },
    },
    deps,
  )
  return { ok: false, message: failure.message }
}

/** Back to the last good revision by its number, never simply "the one before" (helm-operator §4.2 [BUG]). */
export async function rollback(work: Work, revision: number | undefined, deps: SyncReleaseDeps): Promise<boolean> {
  const { spec, status, signal } = work
  if (revision === undefined) return false
  const { timeoutSeconds, wait, force, recreate, disableHooks } = spec.rollback
  await status.enter('RollingBack', `Rolling back release ${spec.release} to revision ${revision}`)
  deps.fence.check()
  const target = { release: spec.release, namespace: spec.targetNamespace, timeoutSeconds }
  const outcome = await deps.helm.rollback(
    { ...target, revision, wait, force, recreatePods: recreate, disableHooks },
    signal,
  )
  signal.throwIfAborted()
  if (outcome.ok) await status.enter('RolledBack', `Rolled back release ${spec.release} to revision ${revision}`)
  else await status.enter('RollbackFailed', outcome.message)
  return outcome.ok
}

/** What a failed or interrupted first install left; there was nothing before it. */
export async function removeRemains({ spec, signal }: Work, deps: SyncReleaseDeps): Promise<Acted> {
  deps.fence.check()
  const target = { release: spec.release, namespace: spec.targetNamespace, timeoutSeconds: spec.timeoutSeconds }
  const outcome = await deps.helm.uninstall(target, signal)
  signal.throwIfAborted()
  if (!outcome.ok)
    deps.log.warn({ release: spec.release }, `the remains of a failed install could not be removed: ${outcome.message}`)
  return outcome
}

/** Writes down that what helm has now is what is wanted. */
export async function succeeded(work: Work, deps: SyncReleaseDeps): Promise<void> {
  const { spec, wanted, status, signal } = work
  const latest = (await readRevisions(spec, deps, signal)).at(-1)
  const applied = {
    chart: wanted.chart.digest,
    chartRevision: wanted.chart.revision,
    values: wanted.digest,
    revision: latest?.revision ?? 0,
  }
  await end(work, { applied }, deps)
  await status.enter(
    'Succeeded',
    `Release ${spec.release} in ${spec.targetNamespace} is deployed with chart ${wanted.chart.name} ${wanted.chart.version}`,
    {
      revision: wanted.chart.revision,
      releaseName: spec.release,
      releaseStatus: latest?.state ?? 'unknown',
    },
  )
}

/** Intent before the write (hazard A3). */
export async function begin(work: Work, verb: Intent['verb'], revision: number, deps: SyncReleaseDeps): Promise<void> {
  const intent: Intent = { verb, revision, epoch: deps.fence.epoch, at: deps.now().toISOString() }
  const owner = ownerOf(work.spec)
  const record: ReleaseRecord = { ...(work.stored.record ?? { version: 1, owner }), owner, intent }
  work.stored = await writeRecord(work.spec, work.stored, record, deps, work.signal)
}

/** The intent is over; `applied` clears what failed, a failure keeps what was applied. */
async function end(
  work: Work,
  result: Pick<ReleaseRecord, 'applied'> | Pick<ReleaseRecord, 'failed'>,
  deps: SyncReleaseDeps,
): Promise<void> {
  const { applied } = work.stored.record ?? {}
  const record: ReleaseRecord = {
    version: 1,
    owner: ownerOf(work.spec),
    ...('failed' in result && applied ? { applied } : {}),
    ...result,
  }
  work.stored = await writeRecord(work.spec, work.stored, record, deps, work.signal)
}

function ownerOf({ uid, namespace, name }: ReleaseSpec): ReleaseRecord['owner'] {
  return { uid, namespace, name }
}
