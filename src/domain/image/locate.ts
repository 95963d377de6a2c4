import type { KubeObject } from '../manifest/object.ts'
import { locateInValues } from './locate-values.ts'
import { type ImageRef, parseRef } from './ref.ts'

/** Keys and indexes from the object down to a scalar. */
export type Path = readonly (string | number)[]

/** One image of a workload, and the one scalar that a new tag is written to. */
export type Container = {
  name: string
  image: ImageRef
  /** Where the tag stands. */
  path: Path
  /** What stands there now: the tag alone, or a name that ends in the tag or has none. */
  text: string
  /** Why no tag can be written, in words for people; absent where it can. */
  problem?: string
}

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

/** Names of the image pull secrets in the pod's own specification. */
export function pullSecretsOf(object: KubeObject): string[] {
  const pod = podPaths[object.kind]
  const secrets = pod ? valueAt(object, [...pod, 'imagePullSecrets']) : undefined
  if (!Array.isArray(secrets)) return []
  return secrets.map((secret) => valueAt(secret, ['name'])).filter((name) => typeof name === 'string')
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

/** What stands at a path; undefined where the way does not exist. Only an object's own fields count. */
export function valueAt(value: unknown, path: Path): unknown {
  let found = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Record<string | number, unknown>)[step]
  }
  return found
}
