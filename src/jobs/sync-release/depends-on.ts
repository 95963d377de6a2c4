import type { Stop } from '../../domain/release/decide.ts'
import type { Dependency } from '../../domain/release/own-fields.ts'
import { isReleaseReady, isSourceReady } from '../../domain/release/is-ready.ts'
import { helmReleaseKind, type ReleaseSpec, readSpec } from '../../domain/release/spec.ts'
import { sourceKind } from '../../domain/source/resource.ts'
import { statusRef } from '../../domain/source/status.ts'
import { readSourceStatus } from '../../domain/source/stored-status.ts'
import { findCycle } from '../../domain/work/dependency.ts'
import type { SyncReleaseDeps } from './deps.ts'

type Deps = Pick<SyncReleaseDeps, 'cluster' | 'ownCluster' | 'defaults' | 'areTenants'>

/** Releases that are read in search of a circle. */
const mostRead = 200

/**
 * What this release waits for; undefined when all is ready. Looked at with our own rights, so other tenants' words are not repeated; with
 * `--tenants` nothing of another namespace is looked at, since even whether it is there and ready is not for strangers.
 */
export async function findWait(spec: ReleaseSpec, deps: Deps, signal: AbortSignal): Promise<Stop | undefined> {
  for (const dependency of spec.dependsOn) {
    const message = foreignProblem(dependency, spec, deps)
    if (message) return { do: 'hold', reason: 'DependencyNotReady', message }
    if (await isReady(dependency, deps, signal)) continue
    const cycle = await readCycle(spec, deps, signal)
    if (cycle) {
      const message = `dependsOn goes in a circle: ${cycle.join(' → ')}`
      return { do: 'hold', reason: 'DependencyCycle', message }
    }
    const { kind, namespace, name } = dependency
    return { do: 'hold', reason: 'DependencyNotReady', message: `it waits for ${kind} ${namespace}/${name}` }
  }
  return undefined
}

function foreignProblem(
  { kind, namespace, name }: Dependency,
  spec: Pick<ReleaseSpec, 'namespace'>,
  { areTenants }: Deps,
): string | undefined {
  return areTenants && namespace !== spec.namespace
    ? `dependsOn names ${kind} ${namespace}/${name} of another namespace, which --tenants does not allow`
    : undefined
}

/** A Source object by its condition; the source of the flags, which has none, by the record of its last sync. */
async function isReady(
  { kind, namespace, name }: Dependency,
  { cluster: theirs, ownCluster: cluster = theirs }: Deps,
  signal: AbortSignal,
): Promise<boolean> {
  if (kind === 'HelmRelease') {
    const found = await cluster.get({ ...helmReleaseKind, namespace, name }, { signal })
    return found !== undefined && isReleaseReady(found)
  }
  const isServed = await cluster.resource(sourceKind.apiVersion, sourceKind.kind, signal)
  const found = isServed && (await cluster.get({ ...sourceKind, namespace, name }, { signal }))
  if (found) return isSourceReady(found)
  return readSourceStatus(await cluster.get(statusRef({ namespace, name }), { signal }))?.ready ?? false
}

/** Sources never wait for releases, so only releases can make a circle. */
async function readCycle(spec: ReleaseSpec, deps: Deps, signal: AbortSignal): Promise<string[] | undefined> {
  const { cluster, defaults } = deps
  const start = releasesOf(spec, deps)
  const known = [start]
  const names = new Set<string>()
  for (const one of known) {
    for (const { namespace, name } of one.dependsOn) {
      if (names.has(`${namespace}/${name}`) || names.size >= mostRead) continue
      names.add(`${namespace}/${name}`)
      const found = await cluster.get({ ...helmReleaseKind, namespace, name }, { signal })
      if (found) known.push(releasesOf(readSpec(found, defaults), deps))
    }
  }
  return findCycle(start, known)
}

function releasesOf(spec: ReleaseSpec, deps: Deps) {
  const { namespace, name, dependsOn } = spec
  const isLookedAt = (one: Dependency) => one.kind === 'HelmRelease' && !foreignProblem(one, spec, deps)
  return { namespace, name, dependsOn: dependsOn.filter(isLookedAt) }
}
