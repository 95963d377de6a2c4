import type { KubeObject } from '../../domain/manifest/object.ts'
import { type Definition, definitionName, operatorDefinition, readDefinition } from '../../domain/release/definition.ts'
import { enterPhase, type Phase, type ReleaseStatus } from '../../domain/release/phase.ts'
import { helmReleaseKind, type ReleaseSpec } from '../../domain/release/spec.ts'
import { announceOn } from '../kube-event.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { memoryOf } from './memory.ts'

/** The status of one HelmRelease while a run works on it. */
export type StatusWriter = {
  /** Enters a phase; it is written with the next `write`. */
  enter(phase: Phase, message: string, more?: Partial<ReleaseStatus>): void
  /** Sets plain fields; written with the next `write`. */
  set(more: Partial<ReleaseStatus>): void
  /** Sends what changed since the last write; nothing when nothing did. */
  write(): Promise<void>
  current(): ReleaseStatus
}

/** The served definition is read again after this time: it changes only when somebody upgrades it. */
const definitionForMs = 60_000

/** Words that the served definition takes. One that must not be read counts as the Operator's own. */
async function servedDefinition(deps: SyncReleaseDeps, signal: AbortSignal): Promise<Definition> {
  const memory = memoryOf(deps)
  const now = deps.now().getTime()
  if (memory.definition && now - memory.definition.readAt < definitionForMs) return memory.definition.words
  const ref = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: definitionName }
  const definition = await deps.cluster.get(ref, { signal }).catch(() => undefined)
  signal.throwIfAborted()
  const words = definition ? readDefinition(definition) : operatorDefinition
  memory.definition = { words, readAt: now }
  return words
}

export async function createStatusWriter(
  object: KubeObject,
  spec: ReleaseSpec,
  deps: SyncReleaseDeps,
  signal: AbortSignal,
): Promise<StatusWriter> {
  const definition = await servedDefinition(deps, signal)
  let written = (object.status ?? {}) as ReleaseStatus
  let status = written

  return {
    enter(phase, message, more = {}) {
      const ignoreTestFailure = spec.test.ignoreFailures
      const { rollbackCount } = more
      const entered = enterPhase(status, {
        phase,
        message,
        now: deps.now().toISOString(),
        definition,
        ignoreTestFailure,
        ...(rollbackCount === undefined ? {} : { rollbackCount }),
      })
      status = { ...entered, ...more }
    },
    set(more) {
      status = { ...status, ...more }
    },
    async write() {
      if (JSON.stringify(status) === JSON.stringify(written)) return
      const { namespace, name, uid } = spec
      const patch = { metadata: { uid }, status }
      await deps.cluster.patch({ ...helmReleaseKind, namespace, name }, patch, { subresource: 'status', signal })
      written = status
    },
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
  await announceOn({ ...helmReleaseKind, namespace, name, uid }, event, deps, signal)
}
