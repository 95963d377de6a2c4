import pLimit from 'p-limit'

/**
 * Does something with each item, so many at once, and gives the answers in order. A failure is thrown when what was begun has ended,
 * so that nothing is still being written then; what was not begun is not even tried.
 */
export async function settleAll<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const limit = pLimit({ concurrency: atOnce, rejectOnClear: true })
  const begun = items.map(
    async (item) =>
      await limit(async () => {
        try {
          return await work(item)
        } catch (error) {
          limit.clearQueue()
          throw error
        }
      }),
  )
  const failures = (await Promise.allSettled(begun)).filter((one) => one.status === 'rejected')
  // the first to fail emptied the queue; what was in it says only that it was dropped
  const first = failures.find(({ reason }) => !isDropped(reason)) ?? failures[0]
  if (first) throw first.reason
  return await Promise.all(begun)
}

function isDropped(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'AbortError'
}
