import { AppError } from '../../domain/error.ts'
import type { Ancestor } from '../../domain/manifest/ancestor.ts'
import { type OldDeployment, readOldDeployment } from '../../domain/migrate/old-deployment.ts'
import { deploymentKind, type MigrateDeps } from './deps.ts'

/** What is asked for: which ancestors, and where somebody had to choose, which Deployments (`namespace/name`). */
export type Choice = { from: readonly Ancestor[]; deployments: readonly string[] }

/** The chosen ones, one for each ancestor, and all that run besides. */
export type Found = { chosen: OldDeployment[]; others: OldDeployment[] }

/**
 * Finds the Deployments that run the ancestors. `back`: those that a move of ours scaled down. Throws `NotReady` with what to do where there is
 * none, or more than one to choose from.
 */
export async function findOld(
  deps: Pick<MigrateDeps, 'cluster'>,
  { from, deployments }: Choice,
  back: boolean,
  signal: AbortSignal,
): Promise<Found> {
  const all = (await deps.cluster.list({ ...deploymentKind }, signal)).flatMap(
    (object) => readOldDeployment(object) ?? [],
  )
  const chosen = from.map((ancestor) => choose(all, { ancestor, deployments, back }))
  return { chosen, others: all.filter((one) => !chosen.includes(one)) }
}

function choose(
  all: readonly OldDeployment[],
  { ancestor, deployments, back }: { ancestor: Ancestor; deployments: readonly string[]; back: boolean },
): OldDeployment {
  const ofKind = all.filter((one) => one.ancestor === ancestor)
  const named = ofKind.filter(({ namespace, name }) => deployments.includes(`${namespace}/${name}`))
  const moved = ofKind.filter(({ remembered }) => remembered !== undefined)
  const running = ofKind.filter(({ replicas, remembered }) => replicas > 0 || remembered !== undefined)
  const candidates = named.length > 0 ? named : back ? moved : running
  const [only, ...more] = candidates
  if (only && more.length === 0 && (deployments.length === 0 || named.length > 0)) return only
  const names = candidates.map(({ namespace, name }) => `--deployment ${namespace}/${name}`)
  throw new AppError('NotReady', candidates.length > 1 ? several(ancestor, names) : nobody(ancestor, back, deployments))
}

function several(ancestor: Ancestor, names: readonly string[]): string {
  return `there is more than one ${ancestor}; say which: ${names.join(', ')}`
}

function nobody(ancestor: Ancestor, back: boolean, deployments: readonly string[]): string {
  if (deployments.length > 0)
    return `no Deployment of ${deployments.join(', ')} runs ${ancestor}: look at the names and the kubeconfig`
  if (back)
    return `no ${ancestor} was scaled down by a move: nothing to go back to; name it with --deployment namespace/name if you know better`
  return `no Deployment runs ${ancestor}, by its image or its flags: look at the kubeconfig, or name it with --deployment namespace/name`
}
