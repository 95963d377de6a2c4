import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../../playground/stack/until.ts'
import { callConstantly, failuresOf } from '../process/constant-calls.ts'
import type { CapstanProcess } from './process.ts'
import type { Stage, World } from './world.ts'

/** Two processes that serve the API alone, and a client that calls them all the time as through a Service. */
export type RollingApis = {
  /** Restarts one after the other; gives how many did not exit with 0. */
  roll(): Promise<number>
  /** Ends the client; gives how many calls there were, and those that a person would have seen fail. */
  stop(): Promise<{ calls: number; failures: string[] }>
}

const paths = ['/api/v1/version', '/api/v1/overview', '/api/v1/releases', '/api/v1/queues', '/api/v1/jobs']
/** A Service still sends requests to a process for so long after its `/readyz` said 503. */
const lagMs = 1000

/** Resolves when both are called. Their drain time is that of the chart. */
export async function openRollingApis({
  stage,
  world,
  flags,
}: {
  stage: Stage
  world: World
  flags: readonly string[]
}): Promise<RollingApis> {
  // no fault is injected on their way to Redis, and a proxy in this busy process would be one
  const redis = `--redis-url=${stage.redis.url}`
  const more = [...flags, redis, '--roles=api', '--drain-time=5s', '--api-rate=10000']
  const apis = [await stage.another(more), await stage.another(more)]
  const called = new Set<CapstanProcess>()
  await Promise.all(apis.map(join))
  const calls = callConstantly({ targets: () => [...called], paths, connections: 6, pauseMs: 200 })
  world.atEnd(() => calls.stop())

  async function join(api: CapstanProcess): Promise<void> {
    api.start()
    await api.ready()
    called.add(api)
  }

  /** Gives whether it exited with 0. */
  async function leave(api: CapstanProcess): Promise<boolean> {
    const ended = api.kill('SIGTERM')
    const isOut = async () => (await fetch(`${api.url}/readyz`).catch(() => undefined))?.status !== 200
    await until(`${api.url} is out of its Service`, isOut, { everyMs: 50 })
    await sleep(lagMs)
    called.delete(api)
    return (await ended) === 0
  }

  return {
    async roll() {
      let bad = 0
      for (const api of apis) {
        if (!(await leave(api))) bad += 1
        await join(api)
      }
      return bad
    },
    async stop() {
      await calls.stop()
      return { calls: calls.ended.length, failures: failuresOf(calls.ended) }
    },
  }
}
