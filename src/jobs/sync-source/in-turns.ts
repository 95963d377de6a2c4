import type { Turns } from '../../domain/manifest/turns.ts'

/**
 * Does something with each item when its turn comes, so many at once. A failure is thrown when what was begun has ended, so that
 * nothing is still being written then; what was not begun is not even tried.
 */
export async function inTurns<T>(turns: Turns<T>, atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const failures: unknown[] = []
  let busy = 0

  function begin(): void {
    while (busy < atOnce && failures.length === 0) {
      const item = turns.next()
      if (item === undefined) break
      busy += 1
      void run(item)
    }
    if (busy > 0) return
    if (failures.length > 0) reject(failures[0] as Error)
    else resolve()
  }

  async function run(item: T): Promise<void> {
    try {
      await work(item)
    } catch (error) {
      failures.push(error)
    }
    busy -= 1
    turns.done(item)
    begin()
  }

  begin()
  await promise
}
