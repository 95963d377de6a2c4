import { AppError } from '../../domain/error.ts'
import { recordSelector } from '../../domain/release/record.ts'
import { readSpec } from '../../domain/release/spec.ts'
import { type SourceStatus, statusRef } from '../../domain/source/status.ts'
import { readSourceStatus } from '../../domain/source/stored-status.ts'
import type { MigrateDeps } from './deps.ts'
import type { Prepared } from './prepare.ts'
import { readStored } from './read-releases.ts'
import { lostSince } from './rehearse.ts'

const lookMs = 500

/**
 * Waits until Capstan has tried its first revision and taken over every release that stood well. Throws `NotReady` when that does not
 * come about in time, or when it cost an object: deleted, or made again.
 */
export async function awaitFirstSync(
  deps: MigrateDeps,
  prepared: Prepared,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  const begun = deps.now()
  const moves = new Set(prepared.olds.map(({ ancestor }) => ancestor))
  const remaining = () => timeoutMs - (deps.now() - begun)
  if (moves.has('fluxd') && 'git' in prepared.plan.values) await awaitSource(deps, prepared, remaining, signal)
  if (moves.has('helm-operator')) await awaitReleases(deps, prepared, remaining, signal)
  const lost = await lostSince(deps, prepared.rehearsal?.objects ?? [], signal)
  if (lost.length > 0)
    throw new AppError('NotReady', `the first sync was not without loss: ${lost.slice(0, 5).join(', ')}`)
}

async function awaitSource(
  deps: MigrateDeps,
  { namespace, plan, rehearsal }: Prepared,
  remaining: () => number,
  signal: AbortSignal,
): Promise<void> {
  const git = plan.values.git
  if (typeof git !== 'object' || git === null || !('url' in git)) return
  for (;;) {
    const status = readSourceStatus(await deps.cluster.get(statusRef({ namespace, name: 'default' }), { signal }))
    if (status && status.attempted !== '') return tellSource(deps, status, rehearsal?.objects.length ?? 0)
    if (remaining() <= 0) {
      const why = status?.message ? `: ${status.message}` : `; see kubectl -n ${namespace} logs deployment/capstan`
      throw new AppError('NotReady', `there was no first sync in time${why}`)
    }
    await deps.pause(lookMs, signal)
  }
}

/** A repository that seems empty where fluxd had applied something is not the one that fluxd read. */
function tellSource({ tell }: MigrateDeps, status: SourceStatus, before: number): void {
  if (status.objects === 0 && before > 0)
    throw new AppError(
      'NotReady',
      `Capstan found no object in ${status.attempted}, where fluxd had applied ${before}: ${status.message}`,
    )
  tell(`first sync of ${status.attempted}: ${status.objects} objects, ${status.failedCount} fail`)
  for (const { id, message } of status.failed.slice(0, 10)) tell(`  ${id}: ${message}`)
  for (const { id, reason } of status.held.slice(0, 10)) tell(`  ${id} is left as it is (${reason})`)
}

async function awaitReleases(
  deps: MigrateDeps,
  { releases }: Prepared,
  remaining: () => number,
  signal: AbortSignal,
): Promise<void> {
  const good = releases.helmReleases.flatMap((object) => {
    const { release, targetNamespace } = readSpec(object, { gitRef: '', updateDependencies: false })
    const key = `${targetNamespace}/${release}`
    return releases.stored.get(key)?.state === 'deployed' ? [key] : []
  })
  const labelSelector = recordSelector()
  for (;;) {
    const records = await deps.cluster.list({ apiVersion: 'v1', kind: 'ConfigMap', labelSelector }, signal)
    const known = new Set(
      records.map(({ metadata }) => `${metadata.namespace}/${metadata.name.replace(/^capstan-release-/, '')}`),
    )
    const missing = good.filter((key) => !known.has(key))
    if (missing.length === 0) break
    if (remaining() <= 0)
      throw new AppError(
        'NotReady',
        `${missing.length} releases were not taken over in time: ${missing.slice(0, 5).join(', ')}`,
      )
    await deps.pause(lookMs, signal)
  }
  const now = await readStored(deps, signal)
  const gone = good.filter((key) => !now.has(key))
  if (gone.length > 0) throw new AppError('NotReady', `releases are gone: ${gone.slice(0, 5).join(', ')}`)
  const upgraded = good.filter((key) => (now.get(key)?.revision ?? 0) > (releases.stored.get(key)?.revision ?? 0))
  deps.tell(`${good.length} releases are taken over, ${upgraded.length} with a new revision`)
  for (const key of upgraded) deps.tell(`  ${key}: what was deployed differed from what is wanted`)
}
