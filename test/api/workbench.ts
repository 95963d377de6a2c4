import { randomBytes } from 'node:crypto'
import type { JobView } from '../../src/adapters/queue/index.ts'
import { createApp } from '../../src/api/app.ts'
import type { AppOptions } from '../../src/api/app-options.ts'
import type { KubeObject, ObjectRef } from '../../src/domain/manifest/object.ts'
import { fluxdSource, type SourceSpec } from '../../src/domain/source/spec.ts'
import { fetchKey, type SourceStatus } from '../../src/domain/source/status.ts'
import { requestKey } from '../../src/domain/work/request.ts'
import { cancelJob } from '../../src/jobs/cancel-job.ts'
import { createRequests } from '../../src/jobs/requests.ts'
import type { Logger } from '../../src/lib/logger.ts'
import { createViews } from '../../src/views/create-views.ts'
import type { Feature, ViewsOptions } from '../../src/views/views-options.ts'
import { createFakeQueue } from '../fakes/queue.ts'
import { createFakeStore } from '../fakes/store.ts'
import { appliedStatus } from '../fakes/source-status.ts'

export const token = 'a-token-for-tests'
export const webhookSecret = 'a-secret-for-tests'
export const commit = '0123456789abcdef0123456789abcdef01234567'

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** Tests call oftener than people. */
const plenty = { perSecond: 10_000, burst: 10_000 }

export const spec: SourceSpec = {
  namespace: 'capstan-system',
  name: 'default',
  url: 'https://me:hunter2@git.example/a.git',
  ...fluxdSource,
  ref: { kind: 'branch', value: 'main' },
  branch: 'main',
  paths: ['deploy'],
  pollIntervalMs: 60_000,
  syncIntervalMs: 60_000,
  syncTimeoutMs: 60_000,
  prune: true,
  pruneDry: false,
  allowedNamespaces: [],
  defaultNamespace: 'default',
}

export const goodStatus: SourceStatus = appliedStatus(commit, { holder: 'x', changedAt: '2026-11-21T10:00:00Z' })

/** An API over fakes: an app value, and what stands behind it to be changed by a test. */
export function createWorkbench(
  options: {
    enable?: Feature[]
    sources?: SourceSpec[]
    brokenSources?: ReturnType<NonNullable<ViewsOptions['brokenSources']>>
    images?: NonNullable<ViewsOptions['images']>
    app?: Partial<AppOptions>
  } = {},
) {
  const objects: KubeObject[] = []
  const clusterState = { failure: undefined as Error | undefined }
  const queue = createFakeQueue()
  const store = createFakeStore()
  const needCluster = (): void => {
    if (clusterState.failure) throw clusterState.failure
  }
  const isAt = (ref: ObjectRef) => (object: KubeObject) =>
    object.kind === ref.kind && object.metadata.name === ref.name && object.metadata.namespace === ref.namespace
  const cluster: ViewsOptions['cluster'] = {
    server: 'https://cluster.example:6443',
    async version() {
      needCluster()
      return 'v1.36.3'
    },
    async get(ref) {
      needCluster()
      return objects.find(isAt(ref))
    },
    async list({ kind, namespace, labelSelector = '' }) {
      needCluster()
      const [label = '', value] = labelSelector.split('=')
      return objects.filter(
        ({ kind: own, metadata }) =>
          own === kind &&
          (!namespace || metadata.namespace === namespace) &&
          (!label ||
            (metadata.labels?.[label] !== undefined && (value ?? metadata.labels[label]) === metadata.labels[label])),
      )
    },
    async resource(_apiVersion, kind) {
      needCluster()
      return objects.some((object) => object.kind === kind)
        ? { group: '', version: 'v1', kind, plural: '', namespaced: true, verbs: [] }
        : undefined
    },
  }
  const views = createViews({
    cluster,
    store,
    queue,
    sources: () => options.sources ?? [spec],
    brokenSources: () => options.brokenSources ?? [],
    enable: options.enable ?? ['sync', 'releases', 'images', 'updates'],
    releaseNamespace: '',
    ...(options.images ? { images: options.images } : {}),
    unpack: async (bytes) => new TextDecoder().decode(bytes),
    now: () => new Date(),
  })
  const requests = createRequests({
    store,
    key: () => requestKey(token),
    newId: () => randomBytes(16).toString('hex'),
    now: () => new Date(),
  })
  const app = createApp({
    views,
    enqueue: queue.enqueue,
    requests,
    queue: {
      ...queue,
      cancel: async (id, who) => await cancelJob(id, who, { queue, requests, now: () => new Date() }),
    },
    token: () => token,
    limits: { calls: plenty, mistakes: plenty },
    webhookSecret: () => webhookSecret,
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', text: 'capstan_up 1\n' }),
    version: '1.2.3',
    log: silent,
    now: () => new Date(),
    ...options.app,
  })

  /** What a sync leaves behind. */
  function putStatus(status: SourceStatus, source: SourceSpec = spec): void {
    const { namespace, name } = source
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: `capstan-source-${name}` }
    const old = objects.findIndex(isAt(ref))
    if (old >= 0) objects.splice(old, 1)
    objects.push({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: ref.name, namespace },
      data: { 'status.json': JSON.stringify(status) },
    })
  }

  /** What a fetch leaves behind. */
  async function putFetch(head: string, failure: { reason: string; message: string } = { reason: '', message: '' }) {
    const fact = { at: new Date().toISOString(), head, ...failure }
    await store.set(fetchKey(spec.namespace, spec.name), JSON.stringify(fact))
  }

  /** Ends a job as a worker would. */
  function endJob(id: string, end: Partial<JobView>): void {
    const job = queue.jobs.find((one) => one.id === id)
    if (!job) throw new Error(`no job ${id}`)
    const now = new Date().toISOString()
    Object.assign(job, { state: 'completed', startedAt: now, finishedAt: now, attempts: 1 }, end)
  }

  return { app, views, cluster, clusterState, queue, store, requests, objects, putStatus, putFetch, endJob }
}

export const authorized = { authorization: `Bearer ${token}` }
