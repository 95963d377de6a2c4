import { type Document, isMap, isScalar, isSeq, type Node, type Pair } from 'yaml'
import { idOf, type Json, type KubeObject, type ObjectRef } from './object.ts'

/**
 * What is wrong with an object. `node` is where, when it is known; `id` and `object` say which one it is, where that can be read:
 * such an object alone is refused, as kubectl refuses it (flux-v1 §2).
 */
export type Fault = { message: string; node: Node | null; id?: string; object?: ObjectRef }

export type ObjectFound = { object: KubeObject; node: Node | null }

type Fields = { [key: string]: Json }

/**
 * The objects of one document: none when it is empty or has no kind, the items when its kind ends in List and it has items
 * (flux-v1 §4). An item that is not an object is a fault and does not take the others with it. In a patch a null takes something away
 * and stays.
 */
export function readObjects(
  value: Json,
  document: Pick<Document.Parsed, 'contents'>,
  isPatch = false,
): { objects: ObjectFound[]; faults: Fault[] } {
  const found: { objects: ObjectFound[]; faults: Fault[] } = { objects: [], faults: [] }
  if (value === null) return found
  if (!isFields(value))
    return {
      ...found,
      faults: [{ message: 'not a Kubernetes object: a mapping was expected', node: document.contents }],
    }
  if (value.kind === undefined || value.kind === null || value.kind === '' || isForKustomize(value)) return found
  collect(value, document.contents, found)
  if (!isPatch) for (const one of found.objects) one.object = cleaned(one.object as unknown as Fields)
  return found
}

/**
 * kustomize's own files are no objects of a cluster; where plain manifests are read they are passed over (ruling 8). kustomize
 * takes them without an apiVersion too.
 */
function isForKustomize({ apiVersion, kind }: Fields): boolean {
  if (typeof apiVersion === 'string') return apiVersion.startsWith('kustomize.config.k8s.io/')
  return (apiVersion === undefined || apiVersion === null) && (kind === 'Kustomization' || kind === 'Component')
}

/**
 * A list without items vanishes, as it did in fluxd (flux-v1 §4). Something that has a name and no items is an object whose kind
 * merely ends in List: fluxd lost it, kubectl applies it, and so do we.
 */
function isEmptyList({ kind, items, metadata }: Fields): boolean {
  const isList = typeof kind === 'string' && kind.endsWith('List')
  const hasName = kind !== 'List' && isFields(metadata) && Boolean(metadata.name)
  return isList && (items === undefined || items === null) && !hasName
}

function collect(value: Fields, node: Node | null, found: { objects: ObjectFound[]; faults: Fault[] }): void {
  if (typeof value.kind === 'string' && value.kind.endsWith('List') && Array.isArray(value.items)) {
    const nodes = pairOf(node, 'items')?.value
    for (const [index, item] of value.items.entries()) {
      const itemNode = (isSeq(nodes) ? (nodes.items[index] as Node | undefined) : undefined) ?? node
      if (isFields(item)) collect(item, itemNode, found)
      else found.faults.push({ message: `item ${index + 1} of ${value.kind} is not an object`, node: itemNode })
    }
    return
  }
  if (isEmptyList(value)) return
  if (value.kind === 'List') {
    found.faults.push({ message: 'the items of List are not a list', node: locate(node, 'items') })
    return
  }
  const fault = faultOf(value, node)
  if (fault) found.faults.push(fault)
  else found.objects.push({ object: value as unknown as KubeObject, node })
}

function faultOf(value: Fields, node: Node | null): Fault | undefined {
  const { apiVersion, kind, metadata } = value
  if (typeof kind !== 'string' || kind === '')
    return { message: 'kind is missing or not a text', node: locate(node, 'kind') }
  if (typeof apiVersion !== 'string' || !/^[\w.-]+(\/[\w.-]+)?$/.test(apiVersion)) {
    return {
      message: `${kind}: apiVersion is missing or not of the form group/version`,
      node: locate(node, 'apiVersion'),
    }
  }
  if (!isKind(kind)) return { message: 'kind holds characters that no kind has', node: locate(node, 'kind') }
  if (!isFields(metadata)) return { message: `${kind}: metadata is missing`, node: locate(node, 'metadata') }
  const badName = nameFault({ apiVersion, kind }, metadata)
  const fault = badName
    ? { message: badName, node: locate(node, 'metadata', 'name') }
    : metadataFault(kind, metadata, node)
  return fault && { ...fault, ...whoIs({ apiVersion, kind }, metadata, pairOf(node, 'metadata')?.value) }
}

/** Nothing where the name or the namespace is not a text, however it is written: nobody knows which object that is. */
function whoIs(
  type: { apiVersion: string; kind: string },
  metadata: Fields,
  node: unknown,
): Pick<Fault, 'id' | 'object'> {
  const written = (field: string) => writtenAs(metadata[field], pairOf(node, field)?.value)
  const [name, namespace, prefix] = [written('name'), written('namespace'), written('generateName')]
  if (name === undefined || namespace === undefined || (name === '' && !prefix)) return {}
  // what a person reads shall hold nothing that deceives the eye (hazards G5, G7)
  const shown = (text: string) => text.replaceAll(/[^\w.:-]/gu, '?').slice(0, 253)
  return {
    id: idOf({
      kind: type.kind,
      namespace: shown(namespace),
      name: name === '' ? `${shown(prefix ?? '')}*` : shown(name),
    }),
    object: { apiVersion: type.apiVersion, kind: type.kind, ...(namespace ? { namespace } : {}), name },
  }
}

/** A text, or what is written where YAML makes something else of it, e.g. a number; undefined for a mapping or a list. */
function writtenAs(value: Json | undefined, node: unknown): string | undefined {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  return isScalar(node) ? node.source : undefined
}

/** Names there are what users are called, e.g. an address; everywhere else an ID must be readable again (complaint 4). */
const takesAnyName = /^(?:rbac\.authorization\.k8s|[\w.-]+\.openshift)\.io\//

function nameFault(
  { apiVersion, kind }: { apiVersion: string; kind: string },
  { name, generateName }: Fields,
): string | undefined {
  if (name === undefined || name === null || name === '') {
    return generateName
      ? `${kind}: metadata.generateName cannot be synced, give metadata.name`
      : `${kind}: metadata.name is missing`
  }
  if (typeof name !== 'string') return `${kind}: metadata.name is a ${nameOfType(name)}, put it in quotes`
  if (!isPathSegment(name)) return `${kind}: metadata.name is not a valid name`
  if (!/^[\w.:-]+$/.test(name) && !takesAnyName.test(apiVersion))
    return `${kind}: metadata.name '${name}' holds characters that no name has`
  return undefined
}

function metadataFault(kind: string, metadata: Fields, node: Node | null): Fault | undefined {
  const { namespace } = metadata
  const name = typeof metadata.name === 'string' ? metadata.name : ''
  const who = `${kind}/${name}`
  if (
    namespace !== undefined &&
    namespace !== null &&
    (typeof namespace !== 'string' || !/^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)?$/.test(namespace))
  ) {
    return { message: `${who}: metadata.namespace is not a valid name`, node: locate(node, 'metadata', 'namespace') }
  }
  for (const field of ['annotations', 'labels'] as const) {
    const map = metadata[field]
    if (map === undefined || map === null) continue
    if (!isFields(map))
      return { message: `${who}: metadata.${field} is not a mapping`, node: locate(node, 'metadata', field) }
    for (const [key, value] of Object.entries(map)) {
      if (typeof value === 'string' || value === null) continue
      const what = `the value of ${field.slice(0, -1)} '${key}' is a ${nameOfType(value)} and must be a text`
      return { message: `${who}: ${what}, put it in quotes`, node: locate(node, 'metadata', field, key) }
    }
  }
  return undefined
}

/** Nulls where the API takes "nothing": an empty text as a value, no map as a map. */
function cleaned(value: Fields): KubeObject {
  const metadata = { ...(value.metadata as Fields) }
  for (const field of ['annotations', 'labels', 'namespace']) {
    if (metadata[field] === null || metadata[field] === '') delete metadata[field]
  }
  for (const field of ['annotations', 'labels']) {
    const map = metadata[field]
    if (isFields(map) && Object.values(map).includes(null)) {
      metadata[field] = Object.fromEntries(Object.entries(map).map(([key, text]) => [key, text ?? '']))
    }
  }
  return { ...value, metadata } as unknown as KubeObject
}

/** The key at this path, or the last one on the way that is there: where a person must look. */
function locate(root: Node | null, ...path: string[]): Node | null {
  let found = root
  let node: unknown = root
  for (const key of path) {
    const pair = pairOf(node, key)
    if (!pair) break
    found = pair.key as Node
    node = pair.value
  }
  return found
}

function pairOf(node: unknown, key: string): Pair | undefined {
  if (!isMap(node)) return undefined
  return node.items.find((item) => String((item.key as { value?: unknown } | null)?.value) === key)
}

function isFields(value: Json | undefined): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isKind(kind: string): boolean {
  return /^[A-Za-z][A-Za-z0-9]*$/.test(kind)
}

/** What the API server takes as part of a path, without control and direction characters (hazards G5, G7). */
function isPathSegment(name: string): boolean {
  return name !== '.' && name !== '..' && name.length <= 253 && !/[/%\s\p{Cc}\p{Cf}]/u.test(name)
}

function nameOfType(value: Json): string {
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'bigint') return 'number'
  return typeof value === 'object' ? 'mapping' : typeof value
}
