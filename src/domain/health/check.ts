import { groupOf, type KubeObject } from '../manifest/object.ts'
import { type Health, type HealthRule, progressing } from './health.ts'
import { customResourceDefinitionHealth } from './kinds/custom-resource-definition.ts'
import { daemonSetHealth } from './kinds/daemon-set.ts'
import { deploymentHealth } from './kinds/deployment.ts'
import { ingressHealth } from './kinds/ingress.ts'
import { jobHealth } from './kinds/job.ts'
import { namespaceHealth } from './kinds/namespace.ts'
import { persistentVolumeClaimHealth } from './kinds/persistent-volume-claim.ts'
import { podHealth } from './kinds/pod.ts'
import { readyHealth } from './kinds/ready.ts'
import { serviceHealth } from './kinds/service.ts'
import { statefulSetHealth } from './kinds/stateful-set.ts'

/** Rules by `group/Kind`; every other kind is judged by its Ready condition. */
const rules: Readonly<Record<string, HealthRule>> = {
  '/Namespace': namespaceHealth,
  '/PersistentVolumeClaim': persistentVolumeClaimHealth,
  '/Pod': podHealth,
  '/Service': serviceHealth,
  'apiextensions.k8s.io/CustomResourceDefinition': customResourceDefinitionHealth,
  'apps/DaemonSet': daemonSetHealth,
  'apps/Deployment': deploymentHealth,
  'apps/StatefulSet': statefulSetHealth,
  'batch/Job': jobHealth,
  'networking.k8s.io/Ingress': ingressHealth,
}

/** How a live object is doing. Give the whole object: without its status most kinds look as if they had just begun. */
export function healthOf(object: KubeObject): Health {
  const rule = rules[`${groupOf(object.apiVersion)}/${object.kind}`] ?? readyHealth
  if (object.metadata.deletionTimestamp && rule !== namespaceHealth) return progressing('is being deleted')
  return rule(object)
}
