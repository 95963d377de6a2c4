import { groupOf, type KubeObject } from '../manifest/object.ts'
import { type Health, type HealthRule, progressing } from './health.ts'
import { apiServiceHealth } from './kinds/api-service.ts'
import { canaryHealth } from './kinds/canary.ts'
import { customResourceDefinitionHealth } from './kinds/custom-resource-definition.ts'
import { daemonSetHealth } from './kinds/daemon-set.ts'
import { deploymentHealth } from './kinds/deployment.ts'
import { helmReleaseHealth } from './kinds/helm-release.ts'
import { horizontalPodAutoscalerHealth } from './kinds/horizontal-pod-autoscaler.ts'
import { ingressHealth } from './kinds/ingress.ts'
import { jobHealth } from './kinds/job.ts'
import { namespaceHealth } from './kinds/namespace.ts'
import { persistentVolumeClaimHealth } from './kinds/persistent-volume-claim.ts'
import { podHealth } from './kinds/pod.ts'
import { podDisruptionBudgetHealth } from './kinds/pod-disruption-budget.ts'
import { readyHealth } from './kinds/ready.ts'
import { replicaSetHealth } from './kinds/replica-set.ts'
import { serviceHealth } from './kinds/service.ts'
import { statefulSetHealth } from './kinds/stateful-set.ts'

/** Rules by `group/Kind`; every other kind is judged by its Ready condition. */
const rules: Readonly<Record<string, HealthRule>> = {
  '/Namespace': namespaceHealth,
  '/PersistentVolumeClaim': persistentVolumeClaimHealth,
  '/Pod': podHealth,
  '/ReplicationController': replicaSetHealth,
  '/Service': serviceHealth,
  'apiregistration.k8s.io/APIService': apiServiceHealth,
  'apiextensions.k8s.io/CustomResourceDefinition': customResourceDefinitionHealth,
  'apps/DaemonSet': daemonSetHealth,
  'apps/Deployment': deploymentHealth,
  'apps/ReplicaSet': replicaSetHealth,
  'apps/StatefulSet': statefulSetHealth,
  'autoscaling/HorizontalPodAutoscaler': horizontalPodAutoscalerHealth,
  'batch/Job': jobHealth,
  'flagger.app/Canary': canaryHealth,
  'helm.fluxcd.io/HelmRelease': helmReleaseHealth,
  'networking.k8s.io/Ingress': ingressHealth,
  'policy/PodDisruptionBudget': podDisruptionBudgetHealth,
}

/** Groups that Kubernetes itself serves; every other one is somebody's own, whose objects may have conditions. */
const ownGroups = new Set([
  '',
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'apps',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'autoscaling',
  'batch',
  'certificates.k8s.io',
  'coordination.k8s.io',
  'discovery.k8s.io',
  'events.k8s.io',
  'extensions',
  'flowcontrol.apiserver.k8s.io',
  'internal.apiserver.k8s.io',
  'networking.k8s.io',
  'node.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'resource.k8s.io',
  'scheduling.k8s.io',
  'storage.k8s.io',
  'storagemigration.k8s.io',
])

/**
 * Whether an object of this kind may be anything but healthy once it is stored: false for a ConfigMap, which has nothing to wait
 * for, true for a Deployment and for every kind that Kubernetes does not bring itself.
 */
export function hasHealthRule(apiVersion: string, kind: string): boolean {
  const group = groupOf(apiVersion)
  const rule = rules[`${group}/${kind}`]
  return rule ? rule !== ingressHealth : !ownGroups.has(group)
}

/** How a live object is doing. Give the whole object: without its status most kinds look as if they had just begun. */
export function healthOf(object: KubeObject): Health {
  const rule = rules[`${groupOf(object.apiVersion)}/${object.kind}`] ?? readyHealth
  if (object.metadata.deletionTimestamp && rule !== namespaceHealth) return progressing('is being deleted')
  return rule(object)
}
