import { type Ancestor, ancestorOf } from '../manifest/ancestor.ts'
import type { KubeObject } from '../manifest/object.ts'
import { listOf, mapOf, type Raw, textOf } from '../../lib/raw.ts'

/** Annotation of ours on a Deployment that was scaled to 0 by a move: how many replicas it had. */
export const replicasAnnotation = 'capstan.dev/migrated-replicas'
/** Beside it: the namespace of the Capstan that it moved to. */
export const movedToAnnotation = 'capstan.dev/migrated-to'

/** Where a file of a container comes from. */
export type Mount = {
  path: string
  subPath: string
  kind: 'Secret' | 'ConfigMap' | 'emptyDir' | 'hostPath' | 'other'
  /** Of the Secret or ConfigMap, else of the volume. */
  name: string
  /** File → key, where not every key is mounted under its own name. */
  items: Readonly<Record<string, string>>
  volume: Raw
  mount: Raw
}

/** What runs an ancestor: the container itself, and what stands around it. */
export type OldDeployment = {
  ancestor: Ancestor
  namespace: string
  name: string
  /** Wanted replicas now. */
  replicas: number
  /** Before a move of ours scaled it down; undefined when none did. */
  remembered: number | undefined
  /** Namespace of the Capstan that it moved to; its own where no move of ours was. */
  movedTo: string
  container: Raw
  command: readonly string[]
  argv: readonly string[]
  mounts: readonly Mount[]
  /** The other containers, and those that run before. */
  beside: readonly Raw[]
  before: readonly Raw[]
  pod: Raw
  podMeta: { labels: Readonly<Record<string, string>>; annotations: Readonly<Record<string, string>> }
  account: string
  object: KubeObject
}

const containerNames: Readonly<Record<string, Ancestor>> = {
  flux: 'fluxd',
  fluxd: 'fluxd',
  'flux-helm-operator': 'helm-operator',
  'helm-operator': 'helm-operator',
}
const telling: Readonly<Record<Ancestor, RegExp>> = {
  fluxd: /^--?(git-url|k8s-secret-name|memcached-hostname)(=|$)/,
  'helm-operator': /^--?(enabled-helm-versions|charts-sync-interval|tiller-namespace)(=|$)/,
}

/**
 * Reads a Deployment that runs an ancestor: by its image, or, for an image under another name, by the name of the container and a flag
 * that only that program has. Undefined for every other Deployment.
 */
export function readOldDeployment(object: KubeObject): OldDeployment | undefined {
  const spec = mapOf(object.spec)
  const template = mapOf(spec.template)
  const pod = mapOf(template.spec)
  const containers = listOf(pod.containers).map(mapOf)
  const found = containers.flatMap((container) => {
    const ancestor = runs(container)
    return ancestor ? [{ container, ancestor }] : []
  })[0]
  if (!found) return undefined
  const { container, ancestor } = found
  const meta = mapOf(template.metadata)
  const { [replicasAnnotation]: remembered, [movedToAnnotation]: movedTo } = object.metadata.annotations ?? {}
  const namespace = object.metadata.namespace ?? 'default'
  return {
    ancestor,
    namespace,
    name: object.metadata.name,
    replicas: typeof spec.replicas === 'number' ? spec.replicas : 1,
    remembered: remembered !== undefined && /^\d+$/.test(remembered) ? Number(remembered) : undefined,
    movedTo: movedTo ?? namespace,
    container,
    command: listOf(container.command).map(textOf),
    argv: listOf(container.args).map(textOf),
    mounts: mountsOf(container, pod),
    beside: containers.filter((one) => one !== container),
    before: listOf(pod.initContainers).map(mapOf),
    pod,
    podMeta: { labels: textsOf(meta.labels), annotations: textsOf(meta.annotations) },
    account: textOf(pod.serviceAccountName) || 'default',
    object,
  }
}

/** What is mounted into a container of a pod. */
export function mountsOf(container: Raw, pod: Raw): Mount[] {
  const volumes = listOf(pod.volumes).map(mapOf)
  return listOf(container.volumeMounts).map((mount) => readMount(mapOf(mount), volumes))
}

/** The file's key in the Secret or ConfigMap behind a mount. */
export function keyOf({ items }: Mount, file: string): string {
  return items[file] ?? file
}

function runs(container: Raw): Ancestor | undefined {
  const pod = { containers: [container] }
  const byImage = ancestorOf({ apiVersion: 'v1', kind: 'Pod', metadata: { name: '' }, spec: pod })
  if (byImage) return byImage
  const byName = containerNames[textOf(container.name)]
  return byName && listOf(container.args).some((arg) => telling[byName].test(textOf(arg))) ? byName : undefined
}

function readMount(mount: Raw, volumes: readonly Raw[]): Mount {
  const volume = volumes.find(({ name }) => name === mount.name) ?? { name: mount.name }
  const path = textOf(mount.mountPath).replace(/(.)\/+$/, '$1')
  const base = { path, subPath: textOf(mount.subPath), volume, mount }
  if (volume.secret) {
    const secret = mapOf(volume.secret)
    return { ...base, kind: 'Secret', name: textOf(secret.secretName), items: itemsOf(secret) }
  }
  if (volume.configMap) {
    const map = mapOf(volume.configMap)
    return { ...base, kind: 'ConfigMap', name: textOf(map.name), items: itemsOf(map) }
  }
  const kind = volume.emptyDir ? 'emptyDir' : volume.hostPath ? 'hostPath' : 'other'
  return { ...base, kind, name: textOf(volume.name), items: {} }
}

function itemsOf({ items }: Raw): Record<string, string> {
  return Object.fromEntries(
    listOf(items)
      .map(mapOf)
      .map(({ key, path }) => [textOf(path), textOf(key)]),
  )
}

function textsOf(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries(mapOf(value)).map(([key, text]) => [key, textOf(text)]))
}
