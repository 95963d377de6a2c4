import type { KubeObject } from '../../domain/manifest/object.ts'
import { type Definition, definitionName, operatorDefinition, readDefinition } from '../../domain/release/definition.ts'
import { enterPhase, type Phase, type ReleaseStatus } from '../../domain/release/phase.ts'
import type { Failed } from '../../domain/release/record.ts'
import { helmReleaseKind, type ReleaseSpec } from '../../domain/release/spec.ts'
import { isWithin } from '../../lib/steady-clock.ts'
import { untilAborted } from '../../lib/until-aborted.ts'
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
  /**
   * Does some work, and sends what changed before it once `begun` was called and the work takes longer than people would notice. What
   * cannot be written then is written, or fails, with the next `write`.
   */
  writeDuring<T>(work: (begun: () => void) => Promise<T>): Promise<T>
  current(): ReleaseStatus
}

/** What is over sooner has no phase of its own: each status is a write that everybody who watches is told of. */
const noticedMs = 1_000

/** The served definition is read again after this time: it changes only when somebody upgrades it. */
const definitionForMs = 60_000

/** Words that the served definition takes: one read for all runs that begin while it goes on, so none of them can stop it. */
async function servedDefinition(deps: SyncReleaseDeps, signal: AbortSignal): Promise<Definition> {
  const memory = memoryOf(deps)
  const now = deps.now().getTime()
  if (!memory.definition || !isWithin(memory.definition.readAt, now, definitionForMs))
    memory.definition = { words: readWords(deps), readAt: now }
  return await untilAborted(memory.definition.words, signal)
}

/** One that must not be read counts as the Operator's own. */
async function readWords({ cluster }: SyncReleaseDeps): Promise<Definition> {
  const ref = { apiVersion: 'apiextensions.k8s.io/v1', kind: 'CustomResourceDefinition', name: definitionName }
  const definition = await cluster.get(ref).catch(() => undefined)
  return definition ? readDefinition(definition) : operatorDefinition
}

/** `run` is told with each write what the HelmRelease's metadata are by then, so that its next write goes under that version. */
export async function createStatusWriter(
  run: { object: KubeObject; readonly spec: ReleaseSpec; readonly signal: AbortSignal },
  deps: SyncReleaseDeps,
): Promise<StatusWriter> {
  const { spec, signal } = run
  const definition = await servedDefinition(deps, signal)
  let written = (run.object.status ?? {}) as ReleaseStatus
  let status = written

  async function write(): Promise<void> {
    if (JSON.stringify(status) === JSON.stringify(written)) return
    const { namespace, name, uid } = spec
    const sent = status
    const patch = { metadata: { uid }, status: { ...gone(written, sent), ...sent } }
    const ref = { ...helmReleaseKind, namespace, name }
    const { metadata } = await deps.cluster.patch(ref, patch, { subresource: 'status', signal })
    // an old HelmRelease whose definition takes no status says nothing of itself
    if (metadata.uid) run.object = { ...run.object, metadata }
    written = sent
  }

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
    write,
    async writeDuring(work) {
      let timer: NodeJS.Timeout | undefined
      let writing = Promise.resolve()
      const begun = (): void => {
        timer = setTimeout(() => {
          writing = write().catch((error: unknown) => {
            deps.log.debug({ release: spec.release, error: String(error) }, 'the status is written later')
          })
        }, noticedMs)
      }
      try {
        return await work(begun)
      } finally {
        clearTimeout(timer)
        await writing
      }
    },
    current: () => status,
  }
}

/** Fields that a merge patch has to take away. */
function gone(before: ReleaseStatus, after: ReleaseStatus): Record<string, null> {
  const left = Object.keys(before).filter((key) => !Object.hasOwn(after, key))
  return Object.fromEntries(left.map((key) => [key, null]))
}

/** The conditions of inputs that failed; they stand as long as these inputs are the wanted ones. */
export function enterFailure({ by, reason, message }: Failed, status: StatusWriter): void {
  status.enter(by === 'test' ? 'TestFailed' : 'DeployFailed', `${reason}: ${message}`)
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
