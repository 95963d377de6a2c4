import { setImmediate } from 'node:timers/promises'

/** How often others could have had their turn, and the processor time of this thread in microseconds: of the longest turn and of all. */
export type Turns = { count: number; longest: number; all: number }

/** Counts the turns of the event loop until it is stopped. What else the machine does is not counted. */
export function countTurns(): { stop(): Promise<Turns> } {
  const turns = { count: 0, longest: 0, all: 0 }
  let isOver = false
  async function count(): Promise<void> {
    for (let since = process.threadCpuUsage(); !isOver; ) {
      await setImmediate()
      const now = process.threadCpuUsage()
      const turn = now.user + now.system - since.user - since.system
      turns.count++
      turns.longest = Math.max(turns.longest, turn)
      turns.all += turn
      since = now
    }
  }
  const counting = count()
  return {
    async stop() {
      isOver = true
      await counting
      return turns
    },
  }
}
