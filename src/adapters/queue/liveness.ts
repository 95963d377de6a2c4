import type { JobKind } from '../../domain/work/job.ts'
import type { Connection } from './connection.ts'
import { keyPrefix, type RunScript } from './scripts.ts'
import { workerMark } from './view.ts'

type Parts = {
  connection: Connection
  prefix: string
  workerName: string
  script: RunScript
  kinds: () => JobKind[]
  findStalled: (kind: JobKind) => Promise<void>
  /** Whether this process runs the job. */
  isRunning: (kind: JobKind, id: string) => boolean
  /** A process that has not said for this long that it lives counts as dead. */
  deadAfterMs: number
}

type Liveness = { start: () => void; stop: () => Promise<void> }

/**
 * Jobs of a process that died run again soon, although their locks last longer: each process keeps a sign of life in
 * Redis, and who misses one of another, twice in a row, frees its jobs. So are jobs freed that Redis gave to this
 * process in an answer that never arrived.
 */
export function createLiveness(parts: Parts): Liveness {
  const { connection, prefix, workerName, script, kinds, findStalled, isRunning, deadAfterMs } = parts
  const { client } = connection
  const beatMs = deadAfterMs / 3
  // after a reconnect the others need time to say that they live
  const settledMs = beatMs * 2
  let suspects = new Set<string>()
  let isBeating = false
  let timer: NodeJS.Timeout | undefined
  const signKey = (name: string): string => `${prefix}:worker:${name}`

  /** Active jobs that nobody runs, as it seems. */
  async function orphansOf(kind: JobKind): Promise<string[]> {
    const base = keyPrefix(prefix, kind)
    const ids = await client.lrange(`${base}active`, 0, -1)
    const owners = await Promise.all(ids.map((id) => client.hget(base + id, 'pb')))
    const others = [...new Set(owners)].filter((name) => name?.includes(workerMark) && name !== workerName)
    const signs = await Promise.all(others.map((name) => client.exists(signKey(name ?? ''))))
    const dead = new Set(others.filter((_name, index) => signs[index] === 0))
    return ids.filter((id, index) => {
      const owner = owners[index] ?? null
      return owner === workerName ? !isRunning(kind, id) : dead.has(owner)
    })
  }

  async function freeOrphans(): Promise<void> {
    const seen = new Set<string>()
    for (const kind of kinds()) {
      const orphans = await orphansOf(kind)
      const certain = orphans.filter((id) => suspects.has(`${kind} ${id}`))
      for (const id of orphans) if (!certain.includes(id)) seen.add(`${kind} ${id}`)
      if (certain.length === 0) continue
      await script('free', { kind, dedupe: '' }, certain)
      await findStalled(kind)
    }
    suspects = seen
  }

  async function beat(): Promise<void> {
    if (!connection.isUp()) return suspects.clear()
    await client.set(signKey(workerName), '1', 'PX', Math.round(deadAfterMs))
    if (connection.readyForMs() > settledMs) await freeOrphans()
  }

  function tick(): void {
    if (isBeating) return
    isBeating = true
    beat()
      .catch(() => suspects.clear())
      .finally(() => {
        isBeating = false
      })
  }

  return {
    start(): void {
      timer ??= setInterval(tick, beatMs).unref()
      tick()
    },
    async stop(): Promise<void> {
      clearInterval(timer)
      if (timer && client.status === 'ready')
        await connection.call(() => client.del(signKey(workerName))).catch(() => 0)
    },
  }
}
