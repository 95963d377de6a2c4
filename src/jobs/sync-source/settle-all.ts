import { inTurns } from './in-turns.ts'

/** Does something with each item, so many at once, and gives the answers in order; failures as {@link inTurns}. */
export async function settleAll<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const answers: R[] = []
  const waiting = items.entries()
  const turns = { next: () => waiting.next().value, done() {} }
  await inTurns<[number, T]>(turns, atOnce, async ([place, item]) => {
    answers[place] = await work(item)
  })
  return answers
}
