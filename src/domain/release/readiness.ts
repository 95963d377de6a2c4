import { healthOf } from '../health/check.ts'
import { groupOf, idOf, type KubeObject, type ObjectRef } from '../manifest/object.ts'
import { isEnoughForHelm } from './enough-for-helm.ts'

/** Whether what a release made is ready, and what is not. */
export type Readiness = { isReady: boolean; why: string }

/** What helm itself looks at with `--wait`; a custom resource that never says that it is ready must not fail a release. */
const waitedFor = new Set([
  '/PersistentVolumeClaim',
  '/Pod',
  '/ReplicationController',
  '/Service',
  'apiextensions.k8s.io/CustomResourceDefinition',
  'apps/DaemonSet',
  'apps/Deployment',
  'apps/ReplicaSet',
  'apps/StatefulSet',
])

/** True for kinds that a release waits for (helm-operator §4.6, W6). */
export function isWaitedFor({ apiVersion, kind }: Pick<ObjectRef, 'apiVersion' | 'kind'>): boolean {
  return waitedFor.has(`${groupOf(apiVersion)}/${kind}`)
}

const mostNamed = 3

/** Of live objects, in the order of the manifest; undefined for one that is not there. */
export function readinessOf(objects: readonly { ref: ObjectRef; live: KubeObject | undefined }[]): Readiness {
  const waiting = objects.flatMap(({ ref, live }) => {
    const why = live ? whyNotReady(live) : 'is not there'
    return why === undefined ? [] : [`${idOf(ref)}: ${why}`]
  })
  const more = waiting.length > mostNamed ? `, and ${waiting.length - mostNamed} more` : ''
  return { isReady: waiting.length === 0, why: waiting.slice(0, mostNamed).join('; ') + more }
}

function whyNotReady(live: KubeObject): string | undefined {
  if (isEnoughForHelm(live)) return undefined
  const { state, why } = healthOf(live)
  return state === 'healthy' ? undefined : why
}
