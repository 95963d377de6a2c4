import type { KubeObject, ObjectRef } from '../../domain/manifest/object.ts'
import type { Logger } from '../../lib/logger.ts'
import { applyObject } from './apply.ts'
import { type Connection, connect } from './connect.ts'
import { type ApiResource, createDiscovery, type Discovery } from './discover.ts'
import { type Account, impersonated } from './impersonate.ts'
import { createInFlight } from './limit.ts'
import { listObjects } from './list.ts'
import {
  type Api,
  createObject,
  deleteObject,
  type GetOptions,
  getObject,
  type ListQuery,
  parse,
  patchObject,
  refused,
  replaceObject,
} from './objects.ts'
import { type ContainerRef, type LogLimits, readPodLog } from './pod-log.ts'
import { recreateObject } from './recreate.ts'
import { sendReview } from './reviews.ts'
import type { Applied, ApplyOptions } from './send-apply.ts'
import { createSend, type RetryNote, type Send } from './send.ts'
import { takeOverObject } from './take-over.ts'
import { startWatch, type Watch, type WatchEvent, type WatchTiming, watchTiming } from './watch.ts'

export { contextNamespace } from './context-namespace.ts'
export { contextToken } from './context-token.ts'
export type { ApiResource } from './discover.ts'
export { type Forwarding, forwardPort } from './forward.ts'
export type { Account } from './impersonate.ts'
export { createLeadership, type Leadership } from './leadership.ts'
export { createFence, type FenceOptions, type LeasedFence } from './lease.ts'
export type { ListQuery } from './objects.ts'
export { readOnly } from './read-only.ts'
export type { Applied, ApplyOptions } from './send-apply.ts'
export type { Watch, WatchEvent } from './watch.ts'

/**
 * The Kubernetes API. Every call has a deadline (30 s, apply 60 s, counted from the sending) and takes the job's signal, whose
 * reason it rejects with. Errors are AppError: `ClusterUnavailable` (not reached, timeout, 5xx that concern more than the
 * object), `RateLimited` (429, after its own retries), `Forbidden`, `UnknownKind` (kind not served), `ApplyRefused` (also a
 * missing namespace, quota, admission, webhooks), `ImmutableField`, `FieldConflict` (409 from apply without force), `OtherWriter`
 * (the object is not the one that was read: changed, gone, or there already). Could-not-read is never absent: `get` gives
 * undefined for 404 of a served kind only.
 */
export type Cluster = {
  /** `https://host:port` of the API server. */
  readonly server: string
  /** gitVersion of the server, e.g. `v1.36.3`. */
  version(signal?: AbortSignal): Promise<string>
  /**
   * The served resource of a kind, from cached discovery; looked up again at most once a second when the kind is not known.
   * Throws `ClusterUnavailable` when the kind's own API group does not answer.
   */
  resource(apiVersion: string, kind: string, signal?: AbortSignal): Promise<ApiResource | undefined>
  /** Every served resource in all versions; groups that do not answer are left out. For mapping and for tests. */
  resources(signal?: AbortSignal): Promise<ApiResource[]>
  /** Forget cached discovery, e.g. after a CRD was applied. */
  forgetDiscovery(): void
  get(ref: ObjectRef, options?: GetOptions): Promise<KubeObject | undefined>
  /** The whole list, paged by 500. */
  list(query: ListQuery, signal?: AbortSignal): Promise<KubeObject[]>
  /** The end of a container's log. Throws also where the pod or its log is not there. */
  podLog(ref: ContainerRef, limits: LogLimits, signal?: AbortSignal): Promise<string>
  /** Server-side apply of exactly this object, as it is (nothing stripped, bigint kept exact). */
  apply(object: KubeObject, options: ApplyOptions, signal?: AbortSignal): Promise<Applied>
  /** Fields that kubectl's client-side apply set, hence fluxd's, become ours; nothing else changes. `nothing` when there are none. */
  takeOver(ref: ObjectRef, signal?: AbortSignal): Promise<'taken' | 'nothing'>
  /**
   * Deletes the object of this uid and applies it again when it is gone, which may take 10 s; after that `NotReady`. Only where
   * git allows it.
   */
  recreate(object: KubeObject, uid: string, options: ApplyOptions, signal?: AbortSignal): Promise<Applied>
  create(object: KubeObject, signal?: AbortSignal): Promise<KubeObject>
  /**
   * Sends a review (TokenReview, SubjectAccessReview) and gives the status of the answer. Changes nothing; 5 s at most, past work that
   * waits.
   */
  review(review: Pick<KubeObject, 'apiVersion' | 'kind'> & { spec: object }): Promise<Record<string, unknown>>
  /** PUT with the object's resourceVersion: somebody else's write in between is `OtherWriter`. */
  replace(object: KubeObject, signal?: AbortSignal): Promise<KubeObject>
  /** JSON merge patch of an object or of its `status` subresource. */
  patch(
    ref: ObjectRef,
    patch: Record<string, unknown>,
    options?: { subresource?: 'status'; signal?: AbortSignal },
  ): Promise<KubeObject>
  /** With preconditions; `absent` when it was gone already. Background propagation, never waits for finalizers. */
  delete(
    ref: ObjectRef,
    preconditions: { uid?: string; resourceVersion?: string },
    signal?: AbortSignal,
  ): Promise<'deleted' | 'absent'>
  /**
   * Own reflector: paged list, then watch with bookmarks and timeoutSeconds; relists on 410, on silence and on three closes
   * without events; jittered back-off ≤ 30 s; goes on until stopped. A kind that is not served yet is looked for again.
   */
  watch(query: ListQuery, onEvent: (event: WatchEvent) => void): Watch
  /**
   * The same cluster with the rights of a ServiceAccount and none of ours: every request and watch impersonates it, what it may not do
   * is `Forbidden` with its name and the right that is missing. Connection, limit and discovery are shared. Throws `Forbidden` at once
   * for what is no name of an account. Its `close` ends its own watches only.
   */
  as(account: Account): Cluster
  /**
   * The same, on which `check` is called right before each write is sent, also one that waited for its turn or is sent again: what it
   * throws is what the caller gets. A process that lost its Lease while a write stood in line must not send it (law 4, hazard B8).
   */
  fenced(check: () => void): Cluster
  /** Ends all watches and connections. */
  close(): Promise<void>
}

export type ClusterOptions = {
  /** A kubeconfig file; else KUBECONFIG, ~/.kube/config, else the pod's service account. */
  kubeconfig?: string
  /** A context of it; else its current one. */
  context?: string
  log: Logger
  /** Told of each request that is sent again. */
  onRetry?: (note: RetryNote) => void
  /** Other patience of watches; tests shorten it. */
  watchTiming?: Partial<WatchTiming>
}

/** Requests in flight at most (W10). */
const maxInFlight = 32

/**
 * The Kubernetes API over our own HTTP; the kubeconfig and its ways of authentication are client-node's. Nothing is sent
 * before the first call. Throws `ClusterUnavailable` (retry `never`) when there is no usable kubeconfig.
 */
export function createCluster(options: ClusterOptions): Cluster {
  const { log, onRetry } = options
  const connection = connect(options)
  const inFlight = createInFlight(maxInFlight, () => performance.now())
  const sendOver = (over: Connection, check?: () => void) =>
    createSend({ connection: over, inFlight, log, ...(check ? { check } : {}), ...(onRetry ? { onRetry } : {}) })
  const discovery = createDiscovery(sendOver(connection))
  const timing = { ...watchTiming, ...options.watchTiming }
  const ground: Ground = { connection, sendOver, discovery, timing, log, allWatches: new Set() }
  return {
    ...clusterOver(ground),
    async close() {
      for (const watch of ground.allWatches) watch.stop()
      ground.allWatches.clear()
      await connection.close()
    },
  }
}

type Ground = {
  connection: Connection
  sendOver: (connection: Connection, check?: () => void) => Send
  check?: () => void
  discovery: Discovery
  timing: WatchTiming
  log: Logger
  /** Those of all accounts. */
  allWatches: Set<Watch>
}

/** All calls over one connection; closing ends its watches and leaves the connection. */
function clusterOver(ground: Ground): Cluster {
  const { connection, discovery, timing, log, allWatches } = ground
  const send = ground.sendOver(connection, ground.check)
  const api: Api = { send, discovery }
  const watches = new Set<Watch>()

  return {
    server: connection.server,
    async version(signal) {
      const answer = await send({ method: 'GET', path: '/version', urgency: 'read', idempotent: true, signal })
      if (answer.status !== 200)
        throw refused(api, answer, { verb: 'read', kind: 'the', name: 'version', write: false })
      return (parse(answer) as { gitVersion?: string }).gitVersion ?? 'unknown'
    },
    resource: (apiVersion, kind, signal) => discovery.resource(apiVersion, kind, signal),
    resources: (signal) => discovery.all(signal),
    forgetDiscovery: () => discovery.forget(),
    get: (ref, getOptions) => getObject(api, ref, getOptions),
    list: async (query, signal) => (await listObjects(api, query, signal)).items,
    podLog: (ref, limits, signal) => readPodLog(api, ref, limits, signal),
    apply: (object, applyOptions, signal) => applyObject(api, object, applyOptions, signal),
    takeOver: (ref, signal) => takeOverObject(api, ref, signal),
    recreate: (object, uid, applyOptions, signal) =>
      recreateObject(api, object, { uid, options: applyOptions }, signal),
    create: (object, signal) => createObject(api, object, signal),
    review: (review) => sendReview(api, review),
    replace: (object, signal) => replaceObject(api, object, signal),
    patch: (ref, patch, patchOptions) => patchObject(api, ref, patch, patchOptions),
    delete: (ref, preconditions, signal) => deleteObject(api, ref, preconditions, signal),
    watch(query, onEvent) {
      const watch = startWatch({ api, connection, log, timing }, query, onEvent)
      watches.add(watch)
      allWatches.add(watch)
      return {
        synced: watch.synced,
        problem: () => watch.problem(),
        stop() {
          watches.delete(watch)
          allWatches.delete(watch)
          watch.stop()
        },
      }
    },
    as: (account) => clusterOver({ ...ground, connection: impersonated(connection, account) }),
    fenced: (check) => clusterOver({ ...ground, check }),
    async close() {
      for (const watch of watches) {
        allWatches.delete(watch)
        watch.stop()
      }
      watches.clear()
    },
  }
}
