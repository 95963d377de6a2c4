import type { Cluster } from '../adapters/cluster/index.ts'
import type { Queue } from '../adapters/queue/index.ts'
import { toAppError } from '../domain/error.ts'
import { createCached } from './cached.ts'

/** Whether this process can answer, and what is not as it should be. */
export type Readiness = {
  /** The cluster is reached, the start is over and the end has not begun. Without Redis reads go on, so that alone does not count (W5). */
  ready: boolean
  cluster: { reachable: boolean; server: string; version: string; message: string }
  redis: { up: boolean; message: string }
  /** What the start still waits for; empty when it is over. */
  starting: string
  /** Why no more requests are wanted, though they are answered; empty while they are. */
  ending: string
  warnings: string[]
}

export type ReadinessParts = {
  cluster: Pick<Cluster, 'server' | 'version'>
  queue: Pick<Queue, 'isUp' | 'warnings'>
  starting: () => string
  ending: () => string
  warnings: () => readonly string[]
  now: () => number
}

const ttlMs = 2000
const timeoutMs = 3000

/** Asks the API server at most every two seconds; never throws. */
export function createReadiness(parts: ReadinessParts): () => Promise<Readiness> {
  const { cluster, queue, now } = parts
  const readVersion = createCached((signal) => cluster.version(signal), { ttlMs, timeoutMs, now })

  async function readCluster(): Promise<Readiness['cluster']> {
    const { server } = cluster
    try {
      const { value, failure } = await readVersion()
      return { reachable: !failure, server, version: value, message: failure?.message ?? '' }
    } catch (error) {
      return { reachable: false, server, version: '', message: toAppError(error).message }
    }
  }

  return async () => {
    const seen = await readCluster()
    const [starting, ending, up] = [parts.starting(), parts.ending(), queue.isUp()]
    return {
      ready: seen.reachable && starting === '' && ending === '',
      cluster: seen,
      redis: { up, message: up ? '' : 'Redis does not answer; nothing changes in the cluster meanwhile.' },
      starting,
      ending,
      warnings: [...queue.warnings(), ...parts.warnings()],
    }
  }
}
