import type { KubeObject } from '../manifest/object.ts'
import type { Container } from './container.ts'
import { locateInValues } from './locate-values.ts'
import { parseRef } from './ref.ts'
import { type Path, valueAt } from './value-at.ts'

const podPaths: Readonly<Record<string, Path>> = {
  CronJob: ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
  DaemonSet: ['spec', 'template', 'spec'],
  Deployment: ['spec', 'template', 'spec'],
  StatefulSet: ['spec', 'template', 'spec'],
}

/**
 * The images of a workload in the order of flux-v1 §4: containers, then initContainers; of a HelmRelease those in its values (§18).
 * Kinds in any API group and version count (complaint #3564). What is no image reference, a template for example, is left out.
 * Undefined for an object that is no workload.
 */
export function locateImages(object: KubeObject): Container[] | undefined {
  if (object.kind === 'HelmRelease') return locateInValues(object)
  const pod = podPaths[object.kind]
  if (!pod) return undefined
  const spec = valueAt(object, pod)
  return ['containers', 'initContainers'].flatMap((field) => containersIn(valueAt(spec, [field]), [...pod, field]))
}

/** Whether objects of this kind may name images. */
export function hasImages(kind: string): boolean {
  return kind === 'HelmRelease' || kind in podPaths
}

/** Names of the image pull secrets in the pod's own specification. */
export function pullSecretsOf(object: KubeObject): string[] {
  const pod = podPaths[object.kind]
  const secrets = pod ? valueAt(object, [...pod, 'imagePullSecrets']) : undefined
  if (!Array.isArray(secrets)) return []
  return secrets.map((secret) => valueAt(secret, ['name'])).filter((name) => typeof name === 'string')
}

/** The service account that the pod runs as, whose image pull secrets count too; a HelmRelease says nothing of it (flux-v1 §14). */
export function serviceAccountOf(object: KubeObject): string {
  const pod = podPaths[object.kind]
  const spec = pod ? valueAt(object, pod) : undefined
  const named = [['serviceAccountName'], ['serviceAccount']].map((path) => valueAt(spec, path))
  return named.find((name): name is string => typeof name === 'string' && name !== '') ?? 'default'
}

function containersIn(list: unknown, path: Path): Container[] {
  if (!Array.isArray(list)) return []
  return list.flatMap((container, index) => {
    const [name, text] = [valueAt(container, ['name']), valueAt(container, ['image'])]
    const image = typeof text === 'string' ? parseRef(text) : undefined
    if (typeof name !== 'string' || typeof text !== 'string' || !image) return []
    return [{ name, image, path: [...path, index, 'image'], text }]
  })
}
