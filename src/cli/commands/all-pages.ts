/** The most that the server gives at once (hazard L9). */
const mostAtOnce = 500

/** Items of page after page, until there are as many as wanted or no more: with a filter a page may hold few, or none. */
export async function allPages<T>(
  limit: number,
  read: (range: { limit: number; cursor?: string }) => Promise<{ items: readonly T[]; next: string }>,
): Promise<T[]> {
  const all: T[] = []
  for (let cursor = ''; ; ) {
    const { items, next } = await read({
      limit: Math.min(limit - all.length, mostAtOnce),
      ...(cursor === '' ? {} : { cursor }),
    })
    all.push(...items)
    if (next === '' || next === cursor || all.length >= limit) return all
    cursor = next
  }
}
