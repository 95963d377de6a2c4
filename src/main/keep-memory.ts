import { findContainerMemory, type LimitedChildren, type MemoryWatch, watchMemory } from '../adapters/process/index.ts'
import type { Processor } from '../adapters/queue/index.ts'
import type { Logger } from '../lib/logger.ts'
import type { Ending } from './stop.ts'

/** Held so long, a job that must wait for memory goes back into the line, where another process may have room for it. */
const holdMs = 1000
const againMs = 2000

/** Hazard A7, from now until the process ends; undefined where nothing limits the memory. */
export function keepMemory(
  children: LimitedChildren,
  ending: Pick<Ending, 'last' | 'stop'>,
  log: Logger,
): MemoryWatch | undefined {
  const look = findContainerMemory()
  if (!look) return undefined
  const onLasting = (why: string): void => {
    log.error({ reason: 'MemoryShort' }, `${why} for a minute; this process ends and must be started again`)
    ending.stop(1)
  }
  const watch = watchMemory({ look, children, onLasting, log })
  ending.last(async () => watch.stop())
  return watch
}

/** The job, which is not begun while memory is short. */
export function whenRoomy(run: Processor, watch: MemoryWatch | undefined): Processor {
  if (!watch) return run
  return async (payload, context) => {
    const why = await watch.shortage(holdMs, context.signal)
    return why === undefined ? await run(payload, context) : { end: 'again', afterMs: againMs, why }
  }
}
