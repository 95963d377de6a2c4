import { healthOf } from '../health/check.ts'
import { listAt, mapAt } from '../health/fields.ts'
import { idOf, type KubeObject, refOf } from '../manifest/object.ts'
import type { Reason } from '../status/reason.ts'
import { refusalOf } from '../status/refusal.ts'
import { makeStep, type Step } from './step.ts'

/** A live workload and its pods, as of a time (RFC 3339). */
export type RolloutFacts = { object: KubeObject; pods: readonly KubeObject[]; observedAt: string }

const pullReasons = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull'])

/** Whether what was applied runs. The words of the API server and of the pods go before the counts of the workload. */
export function rolloutStep({ object, pods, observedAt: at }: RolloutFacts): Step {
  const of = idOf(refOf(object))
  const { state, why } = healthOf(object)
  if (state === 'healthy') return makeStep('rollout', of, 'done', { at, message: 'it is healthy' })
  const refusal = refusalOf(why)
  if (refusal) return makeStep('rollout', of, 'stopped', { at, reason: refusal, message: why })
  const trouble = podTrouble(pods)
  if (trouble) return makeStep('rollout', of, 'stopped', { at, ...trouble })
  if (state === 'failed') return makeStep('rollout', of, 'stopped', { at, reason: 'NotHealthy', message: why })
  return makeStep('rollout', of, 'waiting', { at, reason: 'NotReady', message: why })
}

type Trouble = { reason: Reason; message: string }

/** What the first pod that does not run suffers from; an image that cannot be pulled before anything else. */
function podTrouble(pods: readonly KubeObject[]): Trouble | undefined {
  const found = pods.filter(({ metadata }) => !metadata.deletionTimestamp).flatMap(troublesOf)
  return found.find(({ reason }) => reason === 'ImagePullFailed') ?? found[0]
}

function troublesOf(pod: KubeObject): Trouble[] {
  const status = mapAt(pod, 'status')
  const all = [...listAt(status, 'initContainerStatuses'), ...listAt(status, 'containerStatuses')]
  return all.flatMap((entry) => {
    const container = (entry ?? {}) as Record<string, unknown>
    const { reason, message } = mapAt(mapAt(container, 'state'), 'waiting')
    if (typeof reason !== 'string' || passing.has(reason)) return []
    const words = typeof message === 'string' && message !== '' ? `${reason}, ${message}` : reason
    const told = `pod ${pod.metadata.name}, container ${String(container.name)}: ${words}`
    return [{ reason: pullReasons.has(reason) ? 'ImagePullFailed' : 'NotHealthy', message: told } as const]
  })
}

/** Every container waits for these at first. */
const passing = new Set(['', 'ContainerCreating', 'PodInitializing'])
