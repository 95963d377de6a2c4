import type { Cluster } from '../../adapters/cluster/index.ts'
import { findCycle } from '../../domain/work/dependency.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { statusRef } from '../../domain/source/status.ts'
import { readSourceStatus } from '../../domain/source/stored-status.ts'
import type { Reason } from '../../domain/status/reason.ts'
import { suspensionMessage } from '../../domain/status/suspension.ts'
import type { Sources } from '../sources.ts'
import type { Ledger } from './ledger.ts'

/** Why a source is not synced now. */
export type Hold = { reason: Reason; message: string }

export type HoldDeps = { sources: Pick<Sources, 'list'>; cluster: Pick<Cluster, 'get'> }

/** The first reason not to sync; undefined when there is none. Reads the status of each source that this one depends on. */
export async function findHold(
  spec: SourceSpec,
  { suspended }: Pick<Ledger, 'suspended'>,
  deps: HoldDeps,
  signal: AbortSignal,
): Promise<Hold | undefined> {
  if (suspended) return { reason: 'Suspended', message: suspensionMessage(suspended) }
  const cycle = findCycle(spec, deps.sources.list())
  if (cycle) return { reason: 'DependencyCycle', message: `dependsOn goes in a circle: ${cycle.join(' → ')}` }
  for (const dependency of spec.dependsOn) {
    const message = await whyNotReady(spec, dependency, deps, signal)
    if (message) return { reason: 'DependencyNotReady', message }
  }
  return undefined
}

async function whyNotReady(
  spec: SourceSpec,
  dependency: { namespace: string; name: string },
  { cluster, sources }: HoldDeps,
  signal: AbortSignal,
): Promise<string | undefined> {
  const name = `${dependency.namespace}/${dependency.name}`
  const isThere = sources.list().some((one) => one.namespace === dependency.namespace && one.name === dependency.name)
  if (!isThere) return `it waits for source ${name}, which does not exist`
  const status = readSourceStatus(await cluster.get(statusRef(dependency), { signal }))
  if (!status) return `it waits for source ${name}, which has not been synced yet`
  if (status.ready) return undefined
  // what stands in another namespace may be of no concern here
  const why = dependency.namespace === spec.namespace ? status.message : status.reason
  return `it waits for source ${name}, which is not ready: ${why}`
}
