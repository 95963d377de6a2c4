import { Gauge, type Registry } from '@prometheus-io/client'
import type { ReleaseEnded, ReleaseFacts } from './facts.ts'
import { setOrLeaveOut } from './sampled.ts'
import { createSlimHistogram } from './slim-histogram.ts'

/** The Helm Operator's metrics, with its names, labels and buckets (helm-operator §7). */
export type OperatorMetrics = {
  releaseEnded: (ended: ReleaseEnded) => void
  /** All releases that are known now; undefined when they could not be read. */
  releases: (releases: readonly ReleaseFacts[] | undefined) => void
  queueLength: (jobs: number | undefined) => void
}

const prefix = 'flux_helm_operator_release'
const buckets = [1, 5, 10, 30, 60, 120, 180, 300, 600, 1800]

const conditionValues: Readonly<Record<string, number>> = { True: 1, Unknown: 0, False: -1 }

export function createOperatorMetrics(registers: [Registry]): OperatorMetrics {
  const count = new Gauge({ name: `${prefix}_count`, help: 'HelmReleases in the cluster.', registers })
  const queueLength = new Gauge({
    name: `${prefix}_queue_length_count`,
    help: 'Releases that wait to be worked on.',
    registers,
  })
  const actions = createSlimHistogram({
    name: `${prefix}_action_duration_seconds`,
    help: 'Duration of each action on a release, in seconds.',
    buckets,
    registers,
  })
  const durations = createSlimHistogram({
    name: `${prefix}_duration_seconds`,
    help: 'Deprecated: duration of one run of a release, in seconds.',
    buckets,
    registers,
  })
  const phases = createSlimHistogram({
    name: `${prefix}_phase_duration_seconds`,
    help: 'Deprecated: duration of each action on a release, in seconds.',
    buckets,
    registers,
  })
  const conditionInfo = new Gauge({
    name: `${prefix}_condition_info`,
    help: 'Conditions of releases: 1 true, 0 unknown, -1 false.',
    labelNames: ['target_namespace', 'release_name', 'condition'],
    registers,
  })

  return {
    releaseEnded({ targetNamespace, release, success, seconds, action }) {
      const outcome = { success: String(success), release_name: release }
      if (action === 'sync') durations.observe({ ...outcome, namespace: targetNamespace }, seconds)
      actions.observe({ ...outcome, action, target_namespace: targetNamespace }, seconds)
      phases.observe({ ...outcome, action, namespace: targetNamespace }, seconds)
    },
    releases(releases) {
      setOrLeaveOut(count, releases?.length)
      conditionInfo.reset()
      for (const { targetNamespace, release, conditions } of releases ?? []) {
        for (const { type, status } of conditions) {
          const labels = { target_namespace: targetNamespace, release_name: release, condition: type }
          conditionInfo.set(labels, conditionValues[status] ?? 0)
        }
      }
    },
    queueLength: (jobs) => setOrLeaveOut(queueLength, jobs),
  }
}
