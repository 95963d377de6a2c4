/** Says for how many seconds a caller must wait; 0 where it may go on, which is counted. */
export type Bucket = (caller: string, options?: { take?: boolean }) => number

/** More callers than this and the one that was seen longest ago is forgotten: memory must not grow with the number of addresses. */
const mostCallers = 10_000

/** A token bucket for each caller: `burst` calls at once, `perSecond` for ever (hazard L9). With `take: false` it only looks. */
export function createBucket({
  perSecond,
  burst,
  now,
}: {
  perSecond: number
  burst: number
  now: () => number
}): Bucket {
  const buckets = new Map<string, { left: number; at: number }>()

  return (caller, { take = true } = {}) => {
    const at = now()
    const before = buckets.get(caller) ?? { left: burst, at }
    const left = Math.min(burst, before.left + ((at - before.at) / 1000) * perSecond)
    const isFree = left >= 1
    buckets.delete(caller)
    buckets.set(caller, { left: isFree && take ? left - 1 : left, at })
    for (const oldest of buckets.keys()) {
      if (buckets.size <= mostCallers) break
      buckets.delete(oldest)
    }
    return isFree ? 0 : Math.ceil((1 - left) / perSecond)
  }
}
