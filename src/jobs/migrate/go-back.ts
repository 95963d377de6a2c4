import { AppError } from '../../domain/error.ts'
import { movedToAnnotation, type OldDeployment, replicasAnnotation } from '../../domain/migrate/old-deployment.ts'
import type { Values } from '../../domain/migrate/values.ts'
import { arePartNames } from '../../domain/plan/inventory-parts.ts'
import { statusRef } from '../../domain/source/status.ts'
import { readSourceStatus } from '../../domain/source/stored-status.ts'
import { eject } from '../eject.ts'
import { type MigrateDeps, deploymentKind } from './deps.ts'
import { type Choice, findOld } from './find-old.ts'

/** `installed`: values of a Capstan that goes on with the other half; undefined when it stops altogether. `values`: those of the move. */
export type Back = {
  olds: readonly OldDeployment[]
  namespace: string
  installed: Values | undefined
  values: Values
}

/**
 * Back to the ancestors: Capstan stops, its finalizers go, and the old ones run again as they did. What they applied keeps their marks,
 * so that they go on; what Capstan noted of its source is forgotten, so that a later move begins as the first one did.
 */
export async function goBack(deps: MigrateDeps, back: Back, signal: AbortSignal): Promise<void> {
  const { cluster, tell, helm, pause, now } = deps
  const { olds, namespace, installed, values } = back
  if (installed) await helm.install(installed, signal)
  else {
    const releaseNamespace = typeof values.allowNamespace === 'string' ? values.allowNamespace : ''
    const freed = await eject({ cluster, namespace, releaseNamespace, pause, now, tell }, signal)
    if (freed.finalizers > 0) tell(`${freed.finalizers} HelmReleases are free of our finalizer`)
    await forgetSource(deps, namespace, signal)
  }
  for (const { ancestor, namespace: where, name, remembered = 1 } of olds) {
    const metadata = { annotations: { [replicasAnnotation]: null, [movedToAnnotation]: null } }
    await cluster.patch(
      { ...deploymentKind, namespace: where, name },
      { metadata, spec: { replicas: remembered } },
      { signal },
    )
    tell(`${ancestor} (${where}/${name}) is scaled to ${remembered}`)
  }
}

/** `--back`: every half that moved goes back, since both run in one Capstan. Throws `NotReady` with what to do. */
export async function moveBack(
  deps: MigrateDeps,
  choice: Choice & { namespace: string },
  signal: AbortSignal,
): Promise<void> {
  const { chosen: olds, others } = await findOld(deps, choice, true, signal)
  const namespace = choice.namespace || olds[0]?.movedTo || ''
  const too = others.find((one) => one.remembered !== undefined && one.replicas === 0 && one.movedTo === namespace)
  const values = (await deps.helm.values(signal)) ?? {}
  if (too && isOurs(values, too))
    throw new AppError(
      'NotReady',
      `${too.ancestor} ${too.namespace}/${too.name} moved too, and runs in the same Capstan: go back with both, --from flux-v1 --from helm-operator`,
    )
  await goBack(deps, { olds, namespace, installed: undefined, values }, signal)
}

function isOurs({ enable }: Values, { ancestor }: OldDeployment): boolean {
  return Array.isArray(enable) && enable.includes(ancestor === 'fluxd' ? 'sync' : 'releases')
}

async function forgetSource({ cluster }: MigrateDeps, namespace: string, signal: AbortSignal): Promise<void> {
  const source = 'default'
  const ref = statusRef({ namespace, name: source })
  const inventory = readSourceStatus(await cluster.get(ref, { signal }))?.inventory
  for (const name of inventory && arePartNames(source, inventory) ? inventory.parts : [])
    await cluster.delete({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name }, {}, signal)
  await cluster.delete(ref, {}, signal)
}
