import { createHash } from 'node:crypto'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { enterPhase, type Phase, type ReleaseStatus } from '../../domain/release/phase.ts'
import { helmReleaseKind, type ReleaseSpec } from '../../domain/release/spec.ts'
import type { SyncReleaseDeps } from './deps.ts'

/** The status of one HelmRelease while a run works on it; written only when something in it changed. */
export type StatusWriter = {
  /** Enters a phase and writes it at once, so that people see what goes on. */
  enter(phase: Phase, message: string, more?: Partial<ReleaseStatus>): Promise<void>
  /** Sets plain fields and writes them. */
  set(more: Partial<ReleaseStatus>): Promise<void>
  current(): ReleaseStatus
}

const definitionName = 'helmreleases.helm.fluxcd.io'
const operatorConditions = ['ChartFetched', 'Deployed', 'Released', 'RolledBack', 'Tested']
/** The served definition is read again after this time: it changes only when somebody upgrades it. */
const definitionForMs = 60_000
let allowed: { types: ReadonlySet<string>; readAt: number } | undefined

/** Condition types that the served definition allows: a status with another one is refused whole (ruling 1). */
async function allowedConditions(deps: SyncReleaseDeps, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const now = deps.now().getTime()
  if (allowed && now - allowed.readAt < definitionForMs) return allowed.types
  const ref = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: definitionName }
  const definition = await deps.cluster.get(ref, { signal }).catch(() => undefined)
  const types = new Set([
    ...operatorConditions,
    ...(JSON.stringify(definition?.spec ?? '').includes('"Ready"') ? ['Ready'] : []),
  ])
  allowed = { types, readAt: now }
  return types
}

export async function createStatusWriter(
  object: KubeObject,
  spec: ReleaseSpec,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<StatusWriter> {
  const types = await allowedConditions(deps, signal)
  let status = (object.status ?? {}) as ReleaseStatus

  async function write(next: ReleaseStatus): Promise<void> {
    if (JSON.stringify(next) === JSON.stringify(status)) return
    status = next
    const ref = { ...helmReleaseKind, namespace: spec.namespace, name: spec.name }
    await deps.cluster.patch(ref, { status: { ...next } }, { subresource: 'status', signal })
  }

  return {
    async enter(phase, message, more = {}) {
      const ignoreTestFailure = spec.test.ignoreFailures
      const entered = enterPhase(status, {
        phase,
        message,
        now: deps.now().toISOString(),
        allowed: types,
        ignoreTestFailure,
      })
      await write({ ...entered, ...more })
    },
    set: (more) => write({ ...status, ...more }),
    current: () => status,
  }
}

/** A Kubernetes Event on the HelmRelease, on a change of outcome only (W15); one that cannot be written is no failure. */
export async function announce(
  object: KubeObject,
  event: { type: 'Normal' | 'Warning'; reason: string; message: string },
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<void> {
  const { namespace = 'default', name, uid = '' } = object.metadata
  const now = deps.now().toISOString()
  const id = createHash('sha256').update(`${uid}${now}${event.message}`).digest('hex').slice(0, 16)
  const body: KubeObject = {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: `${name}.${id}`, namespace },
    involvedObject: { ...helmReleaseKind, namespace, name, uid },
    ...event,
    message: event.message.slice(0, 1_000),
    source: { component: 'capstan' },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  }
  await deps.cluster
    .create(body, signal)
    .catch(() => deps.log.debug({ namespace, name }, 'an event could not be written'))
}
