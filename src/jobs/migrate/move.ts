import { AppError, toAppError } from '../../domain/error.ts'
import type { Ancestor } from '../../domain/manifest/ancestor.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { movedToAnnotation, type OldDeployment, replicasAnnotation } from '../../domain/migrate/old-deployment.ts'
import { definitionOwner } from '../../domain/migrate/releases.ts'
import { mapOf } from '../../lib/raw.ts'
import { definitionName } from '../../domain/release/definition.ts'
import { awaitFirstSync } from './await-first-sync.ts'
import { type MigrateDeps, deploymentKind } from './deps.ts'
import { goBack } from './go-back.ts'
import type { Prepared } from './prepare.ts'

/** How a move is carried out. */
export type MoveOptions = {
  /** Of each of the three waits: for the old pods to go, for ours to come, for the first sync. */
  timeoutMs: number
  /** False: the old one is stopped, and somebody else installs Capstan. */
  installs: boolean
}

/**
 * Carries a move out: Secrets of ours, the old one to 0, Capstan by helm, its first sync. When something fails after the old one was
 * stopped, everything goes back and the error says why (ruling 6).
 */
export async function move(
  deps: MigrateDeps,
  prepared: Prepared,
  options: MoveOptions,
  signal: AbortSignal,
): Promise<void> {
  const { olds, plan, namespace } = prepared
  await makeNamespace(deps, namespace, signal)
  await writeSecrets(deps, prepared, signal)
  if (olds.some(({ ancestor }) => ancestor === 'helm-operator')) await keepDefinition(deps, prepared, signal)
  try {
    for (const old of olds) await stop(deps, { ...old, movedTo: namespace }, options.timeoutMs, signal)
    if (!options.installs) return
    deps.tell(`helm installs Capstan into ${namespace}`)
    await deps.helm.install(plan.values, signal)
    await awaitFirstSync(deps, prepared, options.timeoutMs, signal)
  } catch (error) {
    const failure = toAppError(error)
    deps.tell(`it did not work, so everything goes back: ${failure.message}`)
    // an interrupt ends the move, and not the way back
    await wayBack(deps, prepared, signal.aborted ? AbortSignal.timeout(options.timeoutMs) : signal, failure)
    throw new AppError(failure.reason, `${failure.message}. ${namesOf(olds)} as before`, { cause: error })
  }
}

/** The old ones stay at 0 only where Capstan could not be stopped: two writers are worse than none. */
async function wayBack(
  deps: MigrateDeps,
  { olds, namespace, installed, plan }: Prepared,
  signal: AbortSignal,
  failure: AppError,
): Promise<void> {
  try {
    await goBack(deps, { olds: olds.map(remembering), namespace, installed, values: plan.values }, signal)
  } catch (error) {
    const { message } = toAppError(error)
    throw new AppError(
      failure.reason,
      `${failure.message}. Going back failed too, so nobody runs: ${message}. Try --back`,
      { cause: error },
    )
  }
}

/** The replicas that a move noted on the Deployment are those that it had. */
function remembering(old: OldDeployment): OldDeployment {
  return { ...old, remembered: old.remembered ?? old.replicas }
}

function namesOf(olds: readonly OldDeployment[]): string {
  const names = olds.map(({ ancestor, namespace, name }) => `${ancestor} (${namespace}/${name})`)
  return `${names.join(' and ')} ${olds.length > 1 ? 'run' : 'runs'}`
}

async function makeNamespace({ cluster }: MigrateDeps, name: string, signal: AbortSignal): Promise<void> {
  const ref = { apiVersion: 'v1', kind: 'Namespace', name }
  if (await cluster.get(ref, { metadataOnly: true, signal })) return
  await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, signal)
}

/** Copies are made from what is there now; they carry the marker that fluxd may have noted on the Secret. */
async function writeSecrets(
  { cluster, tell }: MigrateDeps,
  { plan, namespace }: Prepared,
  signal: AbortSignal,
): Promise<void> {
  const labels = { 'app.kubernetes.io/part-of': 'capstan' }
  for (const { kind, from, name } of plan.copies) {
    const source = await cluster.get({ apiVersion: 'v1', kind, ...from }, { signal })
    if (!source)
      throw new AppError('NotReady', `${kind} ${from.namespace}/${from.name} is gone since it was looked at: try again`)
    const marker = source.metadata.annotations?.['flux.weave.works/sync-hwm']
    const annotations = marker === undefined ? {} : { annotations: { 'flux.weave.works/sync-hwm': marker } }
    const copy: KubeObject = {
      apiVersion: 'v1',
      kind,
      ...(kind === 'Secret' ? { type: source.type } : {}),
      metadata: { name, namespace, labels, ...annotations },
      data: source.data ?? {},
    }
    await cluster.apply(copy, { force: true }, signal)
    tell(`${kind} ${from.namespace}/${from.name} is copied to ${namespace}/${name}`)
  }
  for (const [name, stringData] of Object.entries(plan.secrets)) {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name, namespace, labels },
      type: 'Opaque',
      stringData,
    }
    await cluster.apply(secret, { force: true }, signal)
    tell(`Secret ${namespace}/${name} is made`)
  }
}

async function keepDefinition(
  { cluster, tell }: MigrateDeps,
  { releases }: Prepared,
  signal: AbortSignal,
): Promise<void> {
  if (definitionOwner(releases) === undefined) return
  const ref = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: definitionName }
  await cluster.patch(ref, { metadata: { annotations: { 'helm.sh/resource-policy': 'keep' } } }, { signal })
  tell('the definition of HelmRelease is kept when helm uninstalls the Helm Operator')
}

/** To 0, with the replicas noted; then until its last pod is gone, since two writers must not meet. */
async function stop(deps: MigrateDeps, old: OldDeployment, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const { cluster, tell, now, pause } = deps
  const { ancestor, namespace, name, replicas } = old
  const ref = { ...deploymentKind, namespace, name }
  const noted = { [replicasAnnotation]: String(old.remembered ?? replicas), [movedToAnnotation]: old.movedTo }
  const note = { metadata: { annotations: noted } }
  await cluster.patch(ref, { ...note, spec: { replicas: 0 } }, { signal })
  tell(`${ancestor} (${namespace}/${name}) is scaled to 0`)
  const selector = Object.entries(mapOf(mapOf(mapOf(old.object.spec).selector).matchLabels))
  const labelSelector = selector.map(([key, value]) => `${key}=${String(value)}`).join(',')
  for (const begun = now(); ; await pause(500, signal)) {
    const pods = await cluster.list({ apiVersion: 'v1', kind: 'Pod', namespace, labelSelector }, signal)
    const alive = pods.filter(({ status }) => !['Succeeded', 'Failed'].includes(String(mapOf(status).phase)))
    const wanted = mapOf((await cluster.get(ref, { signal }))?.spec).replicas
    if (wanted !== 0 && wanted !== undefined) throw new AppError('OtherWriter', comesBack(ancestor, ref.name))
    if (alive.length === 0) return
    if (now() - begun > timeoutMs)
      throw new AppError('NotReady', `${ancestor} does not end: pod ${alive[0]?.metadata.name} is still there`)
  }
}

function comesBack(ancestor: Ancestor, name: string): string {
  return `somebody scales ${name} up again: take ${ancestor} out of what keeps it (git, a HelmRelease, an autoscaler) first`
}
