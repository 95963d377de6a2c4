import { AppError } from '../../domain/error.ts'
import { groupOf, idOf, type KubeObject, type ObjectRef, refOf } from '../../domain/manifest/object.ts'
import { exactJson } from '../../lib/exact-json.ts'
import type { ApiResource, Discovery } from './discover.ts'
import { type Asked, isAbsent, parseStatus, refusal } from './failure.ts'
import type { Answer, Send } from './send.ts'
import type { Urgency } from './limit.ts'

/** What the calls on objects need. */
export type Api = { send: Send; discovery: Discovery }

export type ListQuery = {
  apiVersion: string
  kind: string
  namespace?: string
  labelSelector?: string
  fieldSelector?: string
  /** Only metadata (PartialObjectMetadata): far cheaper for the server and for us. */
  metadataOnly?: boolean
  /** As in {@link GetOptions}. For lists alone: a watch begins where its list ended. */
  mayBeOld?: boolean
}

export type GetOptions = {
  metadataOnly?: boolean
  /**
   * What the API server has in its cache, which may be older than what was last written, or not be there yet, and costs no read of etcd
   * (Kubernetes API concepts, `resourceVersion=0`).
   */
  mayBeOld?: boolean
  signal?: AbortSignal | undefined
}

export function ageOf({ mayBeOld = false }: Pick<GetOptions, 'mayBeOld'>): Record<string, string> {
  return mayBeOld ? { resourceVersion: '0' } : {}
}

const fieldManager = 'capstan'
const jsonType = { 'content-type': 'application/json' }

/** Path of a kind's collection, or of one object. Names that would lead elsewhere are refused. */
export function pathOf(resource: ApiResource, namespace?: string, name?: string): string {
  const root = resource.group ? `/apis/${resource.group}/${resource.version}` : `/api/${resource.version}`
  const scope = resource.namespaced && namespace ? `/namespaces/${segment(namespace)}` : ''
  return `${root}${scope}/${resource.plural}${name === undefined ? '' : `/${segment(name)}`}`
}

function segment(name: string): string {
  if (name === '' || name === '.' || name === '..' || /[/%]/.test(name)) {
    throw new AppError('ApplyRefused', `"${name}" is not a name that Kubernetes accepts.`, { retry: 'never' })
  }
  return encodeURIComponent(name)
}

/** The path of an object of a served kind; throws `UnknownKind` when the kind is not served. */
export async function locate(api: Api, ref: ObjectRef, signal?: AbortSignal): Promise<string> {
  const resource = await served(api, ref, signal)
  if (resource.namespaced && !ref.namespace) {
    throw new AppError('ApplyRefused', `${ref.kind} ${ref.name} needs a namespace.`, { retry: 'never' })
  }
  return pathOf(resource, ref.namespace, ref.name)
}

export async function served(
  api: Api,
  kind: Pick<ObjectRef, 'apiVersion' | 'kind'>,
  signal?: AbortSignal,
): Promise<ApiResource> {
  const resource = await api.discovery.resource(kind.apiVersion, kind.kind, signal)
  if (resource) return resource
  throw new AppError('UnknownKind', `The cluster does not know ${kind.kind} of ${kind.apiVersion}.`)
}

/** Leases go past the queue: work that waits must not let a process lose its own Lease. */
export function urgencyOf(ref: Pick<ObjectRef, 'apiVersion'>, otherwise: Urgency): Urgency {
  return groupOf(ref.apiVersion) === 'coordination.k8s.io' ? 'urgent' : otherwise
}

export function asked(verb: string, ref: ObjectRef): Asked {
  return { verb, kind: ref.kind, name: idOf(ref), write: verb !== 'read' && verb !== 'list' }
}

/** The object of a 2xx answer. Everything else is thrown; a kind that has gone is forgotten. */
export function objectOf(api: Api, answer: Answer, about: Asked): KubeObject {
  if (answer.status >= 200 && answer.status < 300) return parse(answer) as KubeObject
  throw refused(api, answer, about)
}

export function refused(api: Api, answer: Answer, about: Asked): AppError {
  const error = refusal(answer.status, parseStatus(answer.text), about)
  if (error.reason === 'UnknownKind') api.discovery.forget()
  return error
}

/** JSON of a 2xx answer. */
export function parse(answer: Answer): unknown {
  try {
    return JSON.parse(answer.text)
  } catch (error) {
    throw new AppError('ClusterUnavailable', 'The answer of the API server is not JSON.', { cause: error })
  }
}

export async function getObject(api: Api, ref: ObjectRef, options: GetOptions = {}): Promise<KubeObject | undefined> {
  const answer = await api.send({
    method: 'GET',
    path: await locate(api, ref, options.signal),
    query: ageOf(options),
    headers: { accept: options.metadataOnly ? partial('PartialObjectMetadata') : 'application/json' },
    urgency: urgencyOf(ref, 'read'),
    idempotent: true,
    signal: options.signal,
  })
  if (isAbsent(answer.status, parseStatus404(answer))) return undefined
  const object = objectOf(api, answer, asked('read', ref))
  return options.metadataOnly ? metadataOf(object, ref) : object
}

function parseStatus404(answer: Answer): ReturnType<typeof parseStatus> {
  return answer.status === 404 ? parseStatus(answer.text) : {}
}

/** Accept header for metadata alone; servers that cannot do it answer with the whole object. */
export function partial(kind: 'PartialObjectMetadata' | 'PartialObjectMetadataList'): string {
  return `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`
}

/** Metadata alone, under the object's own kind. */
export function metadataOf(object: KubeObject, kind: Pick<ObjectRef, 'apiVersion' | 'kind'>): KubeObject {
  return { apiVersion: kind.apiVersion, kind: kind.kind, metadata: object.metadata }
}

export async function createObject(api: Api, object: KubeObject, signal?: AbortSignal): Promise<KubeObject> {
  const ref = refOf(object)
  // a review of rights has no name, and the path is that of the collection
  const path = await locate(api, { ...ref, name: ref.name || 'unnamed' }, signal)
  const answer = await api.send({
    method: 'POST',
    path: path.slice(0, path.lastIndexOf('/')),
    query: { fieldManager },
    headers: jsonType,
    body: exactJson(object),
    urgency: urgencyOf(ref, 'write'),
    idempotent: false,
    signal,
  })
  return objectOf(api, answer, asked('create', ref))
}

export async function replaceObject(api: Api, object: KubeObject, signal?: AbortSignal): Promise<KubeObject> {
  const ref = refOf(object)
  const answer = await api.send({
    method: 'PUT',
    path: await locate(api, ref, signal),
    query: { fieldManager },
    headers: jsonType,
    body: exactJson(object),
    urgency: urgencyOf(ref, 'write'),
    idempotent: false,
    signal,
  })
  return objectOf(api, answer, asked('replace', ref))
}

export type PatchOptions = { subresource?: 'status'; signal?: AbortSignal }

export async function patchObject(
  api: Api,
  ref: ObjectRef,
  patch: Record<string, unknown>,
  { subresource, signal }: PatchOptions = {},
): Promise<KubeObject> {
  const answer = await api.send({
    method: 'PATCH',
    path: `${await locate(api, ref, signal)}${subresource ? `/${subresource}` : ''}`,
    query: { fieldManager },
    headers: { 'content-type': 'application/merge-patch+json' },
    body: exactJson(patch),
    urgency: urgencyOf(ref, 'write'),
    idempotent: false,
    signal,
  })
  return objectOf(api, answer, asked('patch', ref))
}

export async function deleteObject(
  api: Api,
  ref: ObjectRef,
  preconditions: { uid?: string; resourceVersion?: string },
  signal?: AbortSignal,
): Promise<'deleted' | 'absent'> {
  const answer = await api.send({
    method: 'DELETE',
    path: await locate(api, ref, signal),
    headers: jsonType,
    body: JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy: 'Background', preconditions }),
    urgency: urgencyOf(ref, 'write'),
    idempotent: false,
    signal,
  })
  if (isAbsent(answer.status, parseStatus404(answer))) return 'absent'
  if (answer.status < 300) return 'deleted'
  throw refused(api, answer, asked('delete', ref))
}
