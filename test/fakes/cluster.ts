import { randomUUID } from 'node:crypto'
import type {
  ApiResource,
  Applied,
  ApplyOptions,
  Cluster,
  ListQuery,
  Watch,
  WatchEvent,
} from '../../src/adapters/cluster/index.ts'
import { AppError } from '../../src/domain/error.ts'
import { groupOf, idOf, type KubeObject, type ObjectRef, refOf } from '../../src/domain/manifest/object.ts'
import { removeFields } from '../../src/domain/plan/field-path.ts'
import { lastAppliedAnnotation } from '../../src/domain/plan/take-over.ts'
import {
  conflictsOf,
  leavesOf,
  letGo,
  managedFieldsOf,
  moveFields,
  type Owners,
  own,
  pathOf,
  printed,
  removeField,
  same,
  setField,
} from './cluster-fields.ts'

type Verb = 'get' | 'list' | 'apply' | 'create' | 'replace' | 'patch' | 'delete'

/** One change that was asked for and accepted; dry runs are not in it. */
type Write = { verb: Verb; id: string; changed: boolean; subresource?: string }

/** Which calls fail; what is left out fits all. */
type Failing = { verb?: Verb; kind?: string; name?: string; error: AppError; times?: number }

export type FakeCluster = Cluster & {
  /** The next fitting calls reject with the error (once, unless `times` says otherwise). */
  failNext(failing: Failing): void
  /** Everything written since the beginning or the last `forgetWrites`. */
  writes(): readonly Write[]
  forgetWrites(): void
  /** Serves a kind, as if its definition had been installed. */
  serve(resource: ApiResource): void
  /** Puts objects there, as manager `manager` (default `kubectl`, operation Update), outside of `writes`. */
  seed(objects: readonly KubeObject[], manager?: string): void
}

type Stored = { object: KubeObject; owners: Owners }
type Listener = { query: ListQuery; onEvent: (event: WatchEvent) => void; started: boolean; begin: () => void }

const allVerbs = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']

const builtIn = `v1 Namespace namespaces cluster|v1 ConfigMap configmaps|v1 Secret secrets|v1 Service services|v1 Pod pods
v1 ServiceAccount serviceaccounts|v1 PersistentVolumeClaim persistentvolumeclaims|v1 PersistentVolume persistentvolumes cluster
v1 Event events|apps/v1 Deployment deployments|apps/v1 StatefulSet statefulsets|apps/v1 DaemonSet daemonsets|batch/v1 Job jobs
batch/v1 CronJob cronjobs|networking.k8s.io/v1 Ingress ingresses|coordination.k8s.io/v1 Lease leases
rbac.authorization.k8s.io/v1 Role roles|rbac.authorization.k8s.io/v1 RoleBinding rolebindings
rbac.authorization.k8s.io/v1 ClusterRole clusterroles cluster
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings cluster
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions cluster
helm.fluxcd.io/v1 HelmRelease helmreleases`

/**
 * The Cluster in memory: resource versions, uids, conflicts, server-side apply with owners per leaf field (lists are one field),
 * watches, namespaces and definitions. test/cluster/contract.test.ts runs the same suite on it and on the real API server.
 * It does not know schemas, defaults, admission or controllers.
 */
export function createFakeCluster(): FakeCluster {
  return new MemoryCluster()
}

class MemoryCluster implements FakeCluster {
  readonly server = 'https://fake.invalid:6443'
  readonly #resources = new Map<string, ApiResource>()
  readonly #objects = new Map<string, Stored>()
  readonly #listeners = new Set<Listener>()
  readonly #failing: (Failing & { times: number })[] = []
  #writes: Write[] = []
  #version = 100

  constructor() {
    for (const line of builtIn.split(/[|\n]/)) {
      const [apiVersion = '', kind = '', plural = '', scope] = line.split(' ')
      const version = apiVersion.slice(apiVersion.indexOf('/') + 1)
      this.serve({
        group: groupOf(apiVersion),
        version,
        kind,
        plural,
        namespaced: scope !== 'cluster',
        verbs: allVerbs,
      })
    }
    this.seed(['default', 'kube-system'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })))
  }

  async version(): Promise<string> {
    return 'v1.36.3'
  }

  async resource(apiVersion: string, kind: string): Promise<ApiResource | undefined> {
    return this.#resources.get(`${apiVersion}/${kind}`)
  }

  async resources(): Promise<ApiResource[]> {
    return [...this.#resources.values()]
  }

  forgetDiscovery(): void {}

  serve(resource: ApiResource): void {
    const apiVersion = resource.group ? `${resource.group}/${resource.version}` : resource.version
    this.#resources.set(`${apiVersion}/${resource.kind}`, resource)
    for (const listener of this.#listeners) this.#begin(listener)
  }

  seed(objects: readonly KubeObject[], manager = 'kubectl'): void {
    for (const object of objects) {
      const owners: Owners = new Map()
      own(owners, `${manager}/Update`, leavesOf(object).keys(), () => false)
      this.#store(structuredClone(object), owners, this.#objects.get(keyIn(refOf(object))))
    }
  }

  failNext(failing: Failing): void {
    this.#failing.push({ times: 1, ...failing })
  }

  writes(): readonly Write[] {
    return this.#writes
  }

  forgetWrites(): void {
    this.#writes = []
  }

  async get(
    ref: ObjectRef,
    options: { metadataOnly?: boolean; signal?: AbortSignal } = {},
  ): Promise<KubeObject | undefined> {
    this.#enter('get', ref, options.signal)
    const stored = this.#objects.get(keyIn(ref))
    return stored && shown(stored, { ...ref, ...(options.metadataOnly ? { metadataOnly: true } : {}) })
  }

  async list(query: ListQuery, signal?: AbortSignal): Promise<KubeObject[]> {
    this.#enter('list', { ...query, name: '' }, signal)
    return this.#listed(query)
  }

  async apply(object: KubeObject, options: ApplyOptions, signal?: AbortSignal): Promise<Applied> {
    const ref = refOf(object)
    this.#enter('apply', ref, signal)
    const before = this.#objects.get(keyIn(ref))
    if (!before) this.#mustHaveNamespace(ref)
    const me = `${options.fieldManager ?? 'capstan'}/Apply`
    const left = options.leaveAlone ?? []
    const wanted = ownable(before ? removeFields(object, left) : object)
    const owners = copyOf(before?.owners)
    letGo(owners, me, left)
    const live = before ? leavesOf(before.object) : new Map<string, unknown>()
    const meet = () => conflictsOf(owners, me, wanted, live)
    const yielded = options.yieldTo === 'everybody' ? meet() : new Map<string, string[]>()
    for (const path of [...yielded.values()].flat()) wanted.delete(path)
    const conflicts = meet()
    const overruled = named(conflicts)
    if (overruled.length > 0 && !options.force) {
      throw new AppError('FieldConflict', `Other managers own fields of ${idOf(ref)}: ${overruled.join('; ')}.`)
    }
    const next = before ? structuredClone(before.object) : bare(object)
    next.apiVersion = object.apiVersion
    const dropped = [...(owners.get(me) ?? [])].filter((path) => !wanted.has(path))
    const taken = new Set([...conflicts.values()].flat())
    own(owners, me, wanted.keys(), (path) => taken.has(path))
    settle(next, dropped, wanted, owners)
    letGo(owners, me, left)
    const stored = this.#store(next, owners, before, options.dryRun)
    if (!options.dryRun) this.#note('apply', stored, before)
    return {
      object: shown(stored, ref),
      created: !before,
      warnings: [],
      overruled,
      conflicts: [...conflicts].map(([manager, paths]) => ({ manager, fields: paths.map(pathOf) })),
      yielded: named(yielded),
    }
  }

  async takeOver(ref: ObjectRef, signal?: AbortSignal): Promise<'taken' | 'nothing'> {
    this.#enter('patch', ref, signal)
    const before = this.#objects.get(keyIn(ref))
    const applied = before?.object.metadata.annotations?.[lastAppliedAnnotation]
    if (!before || !applied) return 'nothing'
    const leaves = leavesOf(JSON.parse(applied) as KubeObject)
    const owners = copyOf(before.owners)
    const moved = moveFields(owners, ['kubectl-client-side-apply/Update', 'kubectl/Update'], leaves)
    if (!moved) return 'nothing'
    this.#note('patch', this.#store(structuredClone(before.object), owners, before), before)
    return 'taken'
  }

  async recreate(object: KubeObject, uid: string, options: ApplyOptions, signal?: AbortSignal): Promise<Applied> {
    const ref = refOf(object)
    await this.delete(ref, { uid }, signal)
    if (this.#objects.has(keyIn(ref))) {
      throw new AppError('NotReady', `${idOf(ref)} is being deleted; applied again when it is gone.`)
    }
    return await this.apply(object, options, signal)
  }

  async create(object: KubeObject, signal?: AbortSignal): Promise<KubeObject> {
    const ref = refOf(object)
    this.#enter('create', ref, signal)
    this.#mustHaveNamespace(ref)
    if (this.#objects.has(keyIn(ref))) throw new AppError('OtherWriter', `${idOf(ref)} already exists`)
    const owners: Owners = new Map()
    const next = bare(object)
    for (const [path, value] of ownable(object)) setField(next, path, value)
    own(owners, 'capstan/Update', leavesOf(next).keys(), () => false)
    return shown(this.#note('create', this.#store(next, owners)), ref)
  }

  async replace(object: KubeObject, signal?: AbortSignal): Promise<KubeObject> {
    const ref = refOf(object)
    this.#enter('replace', ref, signal)
    const before = this.#mustExist(ref)
    mustMatch(before.object, object.metadata, ref)
    const next = bare(before.object)
    const { uid, generation, creationTimestamp, deletionTimestamp } = before.object.metadata
    Object.assign(next.metadata, defined({ uid, generation, creationTimestamp, deletionTimestamp }))
    if (before.object.status !== undefined) next.status = before.object.status
    for (const [path, value] of ownable(object)) setField(next, path, value)
    return shown(this.#updated('replace', next, before), ref)
  }

  async patch(
    ref: ObjectRef,
    patch: Record<string, unknown>,
    options: { subresource?: 'status'; signal?: AbortSignal } = {},
  ): Promise<KubeObject> {
    this.#enter('patch', ref, options.signal)
    const before = this.#mustExist(ref)
    const { metadata } = patch as { metadata?: { uid?: string; resourceVersion?: string } }
    mustMatch(before.object, metadata ?? {}, ref)
    const next = structuredClone(before.object)
    const { status, ...main } = patch
    merge(next, options.subresource ? { status: status ?? {} } : main)
    return shown(this.#updated('patch', next, before, options.subresource), ref)
  }

  async delete(
    ref: ObjectRef,
    preconditions: { uid?: string; resourceVersion?: string },
    signal?: AbortSignal,
  ): Promise<'deleted' | 'absent'> {
    this.#enter('delete', ref, signal)
    const stored = this.#objects.get(keyIn(ref))
    if (!stored) return 'absent'
    mustMatch(stored.object, preconditions, ref)
    this.#writes.push({ verb: 'delete', id: idOf(ref), changed: true })
    if (stored.object.metadata.finalizers?.length) {
      if (stored.object.metadata.deletionTimestamp) return 'deleted'
      const going = structuredClone(stored.object)
      going.metadata.deletionTimestamp = timestamp()
      this.#store(going, stored.owners, stored)
      return 'deleted'
    }
    this.#remove(stored)
    return 'deleted'
  }

  watch(query: ListQuery, onEvent: (event: WatchEvent) => void): Watch {
    const first = Promise.withResolvers<void>()
    first.promise.catch(() => {})
    const listener: Listener = { query, onEvent, started: false, begin: first.resolve }
    this.#listeners.add(listener)
    this.#begin(listener)
    return {
      synced: first.promise,
      problem: () => undefined,
      stop: () => {
        this.#listeners.delete(listener)
        first.reject(new AppError('ClusterUnavailable', 'The watch was stopped.'))
      },
    }
  }

  /** No pod ever runs here. */
  async review(): Promise<never> {
    throw new AppError('UnknownKind', 'The cluster in memory knows no callers.')
  }

  async podLog(): Promise<string> {
    throw new AppError('ApplyRefused', 'There is no log.')
  }

  /** It knows no rights. */
  as(): Cluster {
    return this
  }

  /** Nothing waits for its turn here, so what callers check before a write is enough. */
  fenced(): Cluster {
    return this
  }

  async close(): Promise<void> {
    this.#listeners.clear()
  }

  #begin(listener: Listener): void {
    if (listener.started || !this.#resources.has(`${listener.query.apiVersion}/${listener.query.kind}`)) return
    listener.started = true
    const items = this.#listed(listener.query)
    this.#tell(listener, { type: 'replaced', items })
    queueMicrotask(() => listener.begin())
  }

  /** In order, and never in the middle of the caller's own step. */
  #tell(listener: Listener, event: WatchEvent): void {
    queueMicrotask(() => {
      if (this.#listeners.has(listener)) listener.onEvent(event)
    })
  }

  #enter(verb: Verb, ref: ObjectRef, signal?: AbortSignal): void {
    signal?.throwIfAborted()
    const failing = this.#failing.find(
      (one) =>
        (one.verb ?? verb) === verb && (one.kind ?? ref.kind) === ref.kind && (one.name ?? ref.name) === ref.name,
    )
    if (failing) {
      failing.times -= 1
      if (failing.times <= 0) this.#failing.splice(this.#failing.indexOf(failing), 1)
      throw failing.error
    }
    const resource = this.#resources.get(`${ref.apiVersion}/${ref.kind}`)
    if (!resource) throw new AppError('UnknownKind', `The cluster does not know ${ref.kind} of ${ref.apiVersion}.`)
    if (resource.namespaced && !ref.namespace && verb !== 'list') {
      throw new AppError('ApplyRefused', `${ref.kind} ${ref.name} needs a namespace.`, { retry: 'never' })
    }
  }

  #mustHaveNamespace(ref: ObjectRef): void {
    if (!ref.namespace || this.#objects.has(keyIn({ apiVersion: 'v1', kind: 'Namespace', name: ref.namespace }))) return
    throw new AppError('ApplyRefused', `namespaces "${ref.namespace}" not found`)
  }

  #mustExist(ref: ObjectRef): Stored {
    const stored = this.#objects.get(keyIn(ref))
    if (!stored) throw new AppError('OtherWriter', `${idOf(ref)} not found`)
    return stored
  }

  #listed(query: ListQuery): KubeObject[] {
    return [...this.#objects.values()]
      .filter(({ object }) => matches(object, query))
      .toSorted((a, b) => (keyIn(refOf(a.object)) < keyIn(refOf(b.object)) ? -1 : 1))
      .map((stored) => shown(stored, query))
  }

  /** After an update: whoever changed a field owns it alone. */
  #updated(verb: Verb, next: KubeObject, before: Stored, subresource?: string): Stored {
    const owners = copyOf(before.owners)
    const was = leavesOf(before.object)
    const now = leavesOf(next)
    const me = subresource ? `capstan/Update/${subresource}` : 'capstan/Update'
    const changed = [...now.keys()].filter((path) => !same(now.get(path), was.get(path)))
    for (const paths of owners.values()) for (const path of was.keys()) if (!now.has(path)) paths.delete(path)
    const mine = [...(owners.get(me) ?? []), ...changed]
    own(owners, me, mine, (path) => changed.includes(path))
    return this.#note(verb, this.#store(next, owners, before), before, subresource)
  }

  #note(verb: Verb, result: Stored, before?: Stored, subresource?: string): Stored {
    const write: Write = { verb, id: idOf(refOf(result.object)), changed: result !== before }
    this.#writes.push(subresource ? { ...write, subresource } : write)
    return result
  }

  /** Stores and tells, unless nothing changed. */
  #store(next: KubeObject, owners: Owners, before?: Stored, dryRun = false): Stored {
    const stored = { object: next, owners }
    if (before && alike(stored, before)) return before
    const { metadata } = next
    metadata.uid ??= randomUUID()
    metadata.creationTimestamp ??= timestamp()
    metadata.resourceVersion = String(this.#version + 1)
    if ('spec' in next && !same(next.spec, before?.object.spec)) metadata.generation = (metadata.generation ?? 0) + 1
    if (dryRun) return stored
    this.#version += 1
    if (metadata.deletionTimestamp && !metadata.finalizers?.length) {
      this.#remove(stored)
      return stored
    }
    this.#objects.set(keyIn(refOf(next)), stored)
    if (next.kind === 'CustomResourceDefinition') this.#define(next)
    this.#announce(stored, before)
    return stored
  }

  #announce(stored: Stored, before?: Stored): void {
    for (const listener of this.#listeners) {
      if (!listener.started) continue
      const { query } = listener
      if (matches(stored.object, query)) this.#tell(listener, { type: 'changed', object: shown(stored, query) })
      else if (before && matches(before.object, query))
        this.#tell(listener, { type: 'deleted', object: shown(stored, query) })
    }
  }

  #remove(stored: Stored): void {
    const ref = refOf(stored.object)
    this.#objects.delete(keyIn(ref))
    this.#version += 1
    for (const listener of this.#listeners) {
      const { query, started } = listener
      if (started && matches(stored.object, query))
        this.#tell(listener, { type: 'deleted', object: shown(stored, query) })
    }
    if (ref.kind === 'Namespace') {
      for (const inner of this.#objects.values()) if (inner.object.metadata.namespace === ref.name) this.#remove(inner)
    }
    if (ref.kind === 'CustomResourceDefinition') this.#undefine(stored.object)
  }

  #define(definition: KubeObject): void {
    const { group, names, scope, versions } = definition.spec as Definition
    definition.status = {
      conditions: [{ type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: '' }],
    }
    for (const { name: version } of versions) {
      this.serve({
        group,
        version,
        kind: names.kind,
        plural: names.plural,
        namespaced: scope === 'Namespaced',
        verbs: allVerbs,
      })
    }
  }

  #undefine(definition: KubeObject): void {
    const { group, names, versions } = definition.spec as Definition
    for (const { object } of this.#objects.values()) {
      if (object.kind === names.kind && groupOf(object.apiVersion) === group) {
        this.#remove(this.#mustExist(refOf(object)))
      }
    }
    for (const { name } of versions) this.#resources.delete(`${group}/${name}/${names.kind}`)
  }
}

type Definition = {
  group: string
  names: { kind: string; plural: string }
  scope: string
  versions: { name: string }[]
}

/** What was dropped goes unless somebody owns it still; what is wanted is set. */
function settle(next: KubeObject, dropped: string[], wanted: Map<string, unknown>, owners: Owners): void {
  for (const path of dropped) if (![...owners.values()].some((paths) => paths.has(path))) removeField(next, path)
  for (const [path, value] of wanted) setField(next, path, value)
}

function named(conflicts: ReadonlyMap<string, readonly string[]>): string[] {
  return [...conflicts].map(([manager, paths]) => `${manager}: ${paths.map(printed).join(', ')}`)
}

function timestamp(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`
}

/** The same object under every version of its group. */
function keyIn(ref: ObjectRef): string {
  return `${groupOf(ref.apiVersion)}/${ref.kind}/${ref.namespace ?? ''}/${ref.name}`
}

function copyOf(owners: Owners | undefined): Owners {
  return new Map([...(owners ?? [])].map(([owner, paths]) => [owner, new Set(paths)]))
}

/** Apply, create and replace never write a status: it has its own subresource. */
function ownable(object: KubeObject): Map<string, unknown> {
  const { status: _status, ...rest } = object
  return leavesOf(rest)
}

function bare({ apiVersion, kind, metadata: { name, namespace } }: KubeObject): KubeObject {
  return { apiVersion, kind, metadata: { name, ...(namespace ? { namespace } : {}) } }
}

/** True when a write would change nothing that the server keeps. */
function alike(a: Stored, b: Stored): boolean {
  const { apiVersion } = a.object
  return (
    same(strip(a.object), strip(b.object)) &&
    same(managedFieldsOf(a.owners, apiVersion), managedFieldsOf(b.owners, apiVersion))
  )
}

function strip(object: KubeObject): unknown {
  const { resourceVersion: _version, managedFields: _fields, generation: _generation, ...metadata } = object.metadata
  return { ...object, metadata }
}

function defined(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

/** A copy as it was asked for: under that version, with managedFields, or metadata alone. */
function shown(stored: Stored, asked: { apiVersion: string; kind: string; metadataOnly?: boolean }): KubeObject {
  const object = structuredClone(stored.object)
  const managedFields = managedFieldsOf(stored.owners, object.apiVersion)
  const metadata = { ...object.metadata, ...(managedFields.length > 0 ? { managedFields } : {}) }
  const { apiVersion, kind } = asked
  return asked.metadataOnly ? { apiVersion, kind, metadata } : { ...object, apiVersion, kind, metadata }
}

function mustMatch(live: KubeObject, wanted: { uid?: string; resourceVersion?: string }, ref: ObjectRef): void {
  const { uid, resourceVersion } = live.metadata
  if ((wanted.uid ?? uid) === uid && (wanted.resourceVersion || resourceVersion) === resourceVersion) return
  throw new AppError('OtherWriter', `${idOf(ref)}: the object has been modified`)
}

/** JSON merge patch (RFC 7386). */
function merge(target: Record<string, unknown>, patch: Record<string, unknown>): void {
  for (const [field, value] of Object.entries(patch)) {
    const old = target[field]
    if (value === null) delete target[field]
    else if (typeof value === 'object' && !Array.isArray(value)) {
      const inner = old !== null && typeof old === 'object' && !Array.isArray(old) ? old : {}
      target[field] = inner
      merge(inner as Record<string, unknown>, value as Record<string, unknown>)
    } else target[field] = structuredClone(value)
  }
}

function matches(object: KubeObject, query: ListQuery): boolean {
  if (object.kind !== query.kind || groupOf(object.apiVersion) !== groupOf(query.apiVersion)) return false
  if (query.namespace && object.metadata.namespace !== query.namespace) return false
  const labels = object.metadata.labels ?? {}
  const fields: Record<string, string> = {
    'metadata.name': object.metadata.name,
    'metadata.namespace': object.metadata.namespace ?? '',
  }
  return (
    requirements(query.labelSelector).every((one) => holds(labels, one)) &&
    requirements(query.fieldSelector).every((one) => holds(fields, one))
  )
}

/** Parts of a selector; commas inside `in (…)` belong to the part. */
function requirements(selector = ''): string[] {
  return selector.split(/,(?![^(]*\))/).filter((part) => part.trim() !== '')
}

function holds(values: Record<string, string>, requirement: string): boolean {
  const set = /^\s*(\S+)\s+(in|notin)\s+\(([^)]*)\)\s*$/.exec(requirement)
  if (set) {
    const [, key = '', how, list = ''] = set
    const listed = list.split(',').map((one) => one.trim())
    return listed.includes(values[key] ?? '\u0000') === (how === 'in')
  }
  const equal = /^\s*([^!=\s]+)\s*(==|!=|=)\s*(\S*)\s*$/.exec(requirement)
  if (equal) return (values[equal[1] ?? ''] === equal[3]) === (equal[2] !== '!=')
  const key = requirement.trim()
  return key.startsWith('!') ? !(key.slice(1) in values) : key in values
}
