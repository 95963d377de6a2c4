import { repositoryOf } from '../../domain/image/ref.ts'
import { readWorkload, type Workload } from '../../domain/image/workload.ts'
import type { RepositoryFacts } from '../../domain/explain/image-steps.ts'
import { type History, historyKey, parseHistory } from '../../domain/explain/history.ts'
import type { ReleaseFacts } from '../../domain/explain/release-steps.ts'
import type { SourceFacts } from '../../domain/explain/source-steps.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import { parseRecord, recordName } from '../../domain/release/record.ts'
import { readSpec } from '../../domain/release/spec.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { within } from '../cached.ts'
import { readStored } from '../repositories.ts'
import { releaseRow, releaseTarget } from '../release-row.ts'
import { storedKey, storedOf } from '../releases.ts'
import { createSourceReader } from '../sources.ts'
import type { ViewsOptions } from '../views-options.ts'
import { createQueueFacts, type QueueFacts } from './queue-facts.ts'

/** Reads the recorded facts that explanations are made of; never asks git or a registry (W7). */
export type FactReader = {
  queue: QueueFacts
  source(spec: SourceSpec): Promise<SourceFacts>
  history(spec: SourceSpec): Promise<History | undefined>
  release(object: KubeObject): Promise<ReleaseFacts>
  /** `namespace`: of a workload that uses it. */
  repository(repository: string, namespace: string): Promise<RepositoryFacts>
  /** What is known of every repository that a workload names. */
  repositories(workload: Workload): Promise<Map<string, RepositoryFacts>>
}

export const timeoutMs = 5000
const specDefaults = { gitRef: '', updateDependencies: true }

type Options = Pick<ViewsOptions, 'cluster' | 'store' | 'queue' | 'readStatus' | 'images' | 'now'>

export function createFactReader(options: Options): FactReader {
  const { cluster, store, images, now } = options
  const reader = createSourceReader({ ...options, timeoutMs })
  const queue = createQueueFacts(options.queue)

  async function repository(name: string, namespace: string): Promise<RepositoryFacts> {
    const [{ stored, described }, scan] = await Promise.all([
      readStored({ namespace, repository: name }, options),
      queue.jobOf('scan-image', { namespace: '', name }),
    ])
    return { tags: stored, described, scan, isScanned: images?.isScanned(name) ?? true }
  }

  return {
    queue,
    repository,
    async repositories({ containers, ref }) {
      const names = [...new Set(containers.map(({ image }) => repositoryOf(image)))]
      return new Map(
        await Promise.all(names.map(async (name) => [name, await repository(name, ref.namespace ?? '')] as const)),
      )
    },
    async source(spec) {
      const [{ status, failure }, fetched, fetch, sync] = await Promise.all([
        reader.status(spec),
        reader.fetched(spec),
        queue.jobOf('fetch-source', spec),
        queue.jobOf('sync-source', spec),
      ])
      return {
        id: `${spec.namespace}/${spec.name}`,
        follows: `${spec.ref.kind} ${spec.ref.value}`,
        branch: spec.branch,
        status,
        failure,
        fetched,
        pollIntervalMs: spec.pollIntervalMs,
        suspended: spec.suspended,
        fetch,
        sync,
        redisIsUp: queue.isUp(),
        now: now().getTime(),
      }
    },
    history: async ({ namespace, name }) => parseHistory(await store.get(historyKey(namespace, name))),
    async release(object) {
      const { namespace, name, suspended } = readSpec(object, specDefaults)
      const target = releaseTarget(object)
      const record = {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        namespace: target.namespace,
        name: recordName(target.release),
      }
      const secrets = { apiVersion: 'v1', kind: 'Secret', namespace: target.namespace, metadataOnly: true }
      const labelSelector = `owner=helm,name=${target.release}`
      const [stored, kept, job] = await Promise.all([
        within(timeoutMs, (signal) => cluster.list({ ...secrets, labelSelector }, signal)),
        within(timeoutMs, (signal) => cluster.get(record, { signal })),
        queue.jobOf('sync-release', { namespace, name }),
      ])
      const { ready, reason, message, chart, revision } = releaseRow(
        object,
        storedOf(stored).get(storedKey(object)),
        [],
      )
      const retryAt =
        parseRecord((kept?.data as Record<string, string> | undefined)?.['record.json'])?.failed?.retryAt ?? ''
      const id = `${namespace}/${name}`
      const seen = { redisIsUp: queue.isUp(), observedAt: now().toISOString() }
      return { id, object, suspended, ready, reason, message, chart, revision, retryAt, job, ...seen }
    },
  }
}

/** The images of a live object, with its policies as they were applied; undefined for what has none. */
export function imagesOf(object: KubeObject): Workload | undefined {
  return readWorkload(object, { file: '', index: 0, defaultNamespace: object.metadata.namespace ?? '' })
}
