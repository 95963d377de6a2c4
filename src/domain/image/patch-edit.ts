import { type Document, isMap, isSeq, parseAllDocuments, type YAMLMap, type YAMLSeq } from 'yaml'
import { manifestYaml } from '../manifest/go-yaml.ts'
import { idOf, type KubeObject, refOf } from '../manifest/object.ts'
import { type Path, valueAt } from './value-at.ts'

/** One value of a generated object that a patch file is to set; `value` undefined takes it away. */
export type PatchEdit = {
  /** The object as the generators print it, patched. */
  object: KubeObject
  path: Path
  value: string | undefined
  /** Only with an undefined value: the generators themselves print it, so that the patch must say null. */
  isPrinted?: boolean
}

/** Lists of Kubernetes' own kinds that a strategic merge patch matches by name; in all other kinds a patch replaces lists whole. */
const byName = new Set(['containers', 'initContainers'])
const ownKinds = new Set(['CronJob', 'DaemonSet', 'Deployment', 'StatefulSet'])

/**
 * The text of a `patchUpdated` target's patch file with these values set (flux-v1 §6): what the file says besides stays, comments too.
 * `why`, in words for people, where the file cannot be read.
 */
export function editPatchFile(text: string, edits: readonly PatchEdit[]): { text: string } | { why: string } {
  const documents = parseAllDocuments(text, { ...manifestYaml, keepSourceTokens: false }) as Document[]
  const kept = (Array.isArray(documents) ? documents : []).filter(({ contents }) => contents !== null)
  const broken = kept.find(({ errors }) => errors.length > 0)
  if (broken) return { why: `the patch file is not valid YAML: ${broken.errors[0]?.message.slice(0, 200)}` }
  if (kept.some(({ contents }) => !isMap(contents))) return { why: 'the patch file holds something that is no object' }
  for (const edit of edits) {
    const document = kept.find((one) => isPatchOf(one, edit.object)) ?? addPatch(kept, edit.object)
    write(document, edit)
  }
  return { text: kept.map(print).join('---\n') }
}

function isPatchOf(document: Document, object: KubeObject): boolean {
  const patch = document.toJS() as Partial<KubeObject>
  if (typeof patch.kind !== 'string' || typeof patch.metadata?.name !== 'string') return false
  return (
    groupOf(patch.apiVersion ?? '') === groupOf(object.apiVersion) &&
    idOf(refOf(patch as KubeObject)) === idOf(refOf(object))
  )
}

function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
}

function addPatch(documents: Document[], { apiVersion, kind, metadata: { name, namespace } }: KubeObject): Document {
  const [first] = parseAllDocuments('{}', manifestYaml) as Document[]
  const document = first as Document
  document.contents = document.createNode({ apiVersion, kind, metadata: { name, ...(namespace ? { namespace } : {}) } })
  documents.push(document)
  return document
}

/** Goes down the path in the patch, making what is missing. A list that a patch replaces whole is copied from the object. */
function write(document: Document, { object, path, value, isPrinted }: PatchEdit): void {
  let map = document.contents as YAMLMap
  for (let at = 0; at < path.length - 1; at++) {
    const key = String(path[at])
    if (typeof path[at + 1] === 'number') {
      const item =
        ownKinds.has(object.kind) && byName.has(key)
          ? itemByName(document, map, object, path.slice(0, at + 2))
          : undefined
      if (!item) return writeWhole(document, map, { object, path, value }, at)
      map = item
      at++
      continue
    }
    const next = map.get(key, true)
    if (isMap(next)) map = next
    else {
      if (value === undefined && !isPrinted) return
      const made = document.createNode({}) as YAMLMap
      map.set(document.createNode(key), made)
      map = made
    }
  }
  const last = String(path.at(-1))
  if (value !== undefined) setScalar(document, map, last, value)
  else if (isPrinted) map.set(last, document.createNode(null))
  else map.delete(last)
}

/** Keeps the comment behind the value that was there. */
function setScalar(document: Document, map: YAMLMap, key: string, value: string): void {
  const before = map.get(key, true)
  const node = document.createNode(value)
  if (before?.comment) node.comment = before.comment
  map.set(key, node)
}

function itemByName(document: Document, map: YAMLMap, object: KubeObject, path: Path): YAMLMap | undefined {
  const key = String(path.at(-2))
  const name = valueAt(object, [...path, 'name'])
  if (typeof name !== 'string') return undefined
  const found: unknown = map.get(key, true)
  const list = isSeq(found) ? found : (document.createNode([]) as YAMLSeq)
  if (list !== found) map.set(key, list)
  list.flow = false
  const known = list.items.find((item) => isMap(item) && item.get('name') === name)
  if (isMap(known)) return known
  const made = document.createNode({ name }) as YAMLMap
  list.items.push(made)
  return made
}

/** A patch replaces this list whole: the list of the object, with the value in it. */
function writeWhole(document: Document, map: YAMLMap, { object, path, value }: PatchEdit, at: number): void {
  const list = structuredClone(valueAt(object, path.slice(0, at + 1)))
  const rest = path.slice(at + 1)
  const owner = valueAt(list, rest.slice(0, -1)) as Record<string | number, unknown> | undefined
  const last = rest.at(-1)
  if (!owner || last === undefined) return
  if (value === undefined) delete owner[last]
  else owner[last] = value
  map.set(String(path[at]), document.createNode(list))
}

function print(document: Document): string {
  const text = document.toString({ lineWidth: 0 }).replace(/^---\n/, '')
  return text.endsWith('\n') ? text : `${text}\n`
}
