import type { Cluster } from '../adapters/cluster/index.ts'
import type { Store } from '../adapters/store/index.ts'
import { type AppError, toAppError } from '../domain/error.ts'
import { appliedKey, parseApplied } from '../domain/source/applied.ts'
import { parseRevision } from '../domain/source/revision.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import {
  type FetchFact,
  parseFetchFact,
  fetchKey,
  type ReadStatus,
  type SourceStatus,
  statusRef,
} from '../domain/source/status.ts'
import { readSourceStatus } from '../domain/source/stored-status.ts'
import { within } from './cached.ts'

/** Reads the stored status of sources; never from a cache, for a person may wait for it to change. */
export type SourceReader = {
  /** The status, or the last one known with why there is no newer one. */
  status(source: Named): Promise<{ status: SourceStatus | undefined; failure: AppError | undefined }>
  /** What the last fetch saw; undefined when that is not known (any more). */
  fetched(spec: SourceSpec): Promise<FetchFact | undefined>
  /** The commits that were loaded whole and tried (ruling 13), newest first; only the last where the others were forgotten. Throws for a status that is not known. */
  applied(source: Named): Promise<string[]>
}

type Named = Pick<SourceSpec, 'namespace' | 'name'>

export function createSourceReader(parts: {
  cluster: Pick<Cluster, 'get'>
  store: Pick<Store, 'get'>
  readStatus?: ReadStatus
  timeoutMs: number
}): SourceReader {
  const lastKnown = new Map<string, SourceStatus>()
  const inCluster: ReadStatus = async (source, signal) =>
    readSourceStatus(await parts.cluster.get(statusRef(source), { signal }))
  const read = parts.readStatus ?? inCluster
  return {
    async applied(source) {
      const [status, text] = await Promise.all([
        within(parts.timeoutMs, (signal) => read(source, signal)),
        parts.store.get(appliedKey(source.namespace, source.name)).catch(() => undefined),
      ])
      // what was tried and could not be read whole is not applied; a status of an older version has only the clean one
      const last = parseRevision(status?.loaded ?? status?.revision ?? '')?.commit
      const known = parseApplied(text)?.commits ?? []
      return last === undefined || known.includes(last) ? known : [last, ...known]
    },
    async status({ namespace, name }) {
      const key = `${namespace}/${name}`
      try {
        const status = await within(parts.timeoutMs, (signal) => read({ namespace, name }, signal))
        if (status) lastKnown.set(key, status)
        else lastKnown.delete(key)
        return { status, failure: undefined }
      } catch (error) {
        return { status: lastKnown.get(key), failure: toAppError(error) }
      }
    },
    async fetched({ namespace, name }) {
      return parseFetchFact(await parts.store.get(fetchKey(namespace, name)))
    },
  }
}
