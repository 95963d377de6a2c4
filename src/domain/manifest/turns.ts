import type { ObjectRef } from './object.ts'
import { lastRank, rankOf } from './order.ts'

/** Hands out each item once, none before those that it may need are done. */
export type Turns<T> = {
  /** Undefined when all were handed out, or when the rest waits for some that are not done. */
  next(): T | undefined
  /** It was dealt with, well or not: what waited for it may go. */
  done(item: T): void
}

/** The objects of one namespace, or of the whole cluster. */
type Lane<T> = {
  /** Not handed out yet, by rank; each in reverse, so that its next is taken off the end. */
  waiting: T[][]
  /** How many are not done, by rank. */
  open: number[]
}

/**
 * The turns of an apply. An object waits for those of a lower rank ({@link rankOf}) in its own namespace, and for those of a lower rank
 * that belong to the whole cluster; webhooks, API services and other objects of the whole cluster that have no rank of their own wait
 * for everything. Namespaces do not wait for each other: of those that may go, the object whose namespace came first goes first, so
 * that what was begun is finished and kinds mix. (The API server makes Services one at a time; a turn for each rank of the whole
 * repository would leave it idle meanwhile.)
 */
export function createTurns<T extends { ref: Pick<ObjectRef, 'kind' | 'namespace'> }>(items: readonly T[]): Turns<T> {
  const cluster: Lane<T> = emptyLane()
  // a namespace's place is that of its first object
  const lanes = new Map([['', cluster]])
  for (const item of items) laneOf(item).waiting[rankOf(item.ref.kind)]?.push(item)
  for (const { waiting, open } of lanes.values()) {
    waiting.forEach((some, rank) => (open[rank] = some.reverse().length))
  }
  /** Those of which something was not handed out yet. */
  const unfinished = new Set(lanes.values())

  function laneOf({ ref }: T): Lane<T> {
    const name = ref.namespace ?? ''
    const lane = lanes.get(name) ?? emptyLane()
    lanes.set(name, lane)
    return lane
  }

  function mayGo(lane: Lane<T>, rank: number): boolean {
    if (rankInWork(lane) < rank || rankInWork(cluster) < rank) return false
    return lane !== cluster || rank < lastRank || [...lanes.values()].every((one) => rankInWork(one) >= rank)
  }

  return {
    next() {
      for (const lane of unfinished) {
        const rank = lane.waiting.findIndex((some) => some.length > 0)
        if (rank === -1) unfinished.delete(lane)
        else if (mayGo(lane, rank)) return lane.waiting[rank]?.pop()
      }
      return undefined
    },
    done(item) {
      const { open } = laneOf(item)
      const rank = rankOf(item.ref.kind)
      open[rank] = (open[rank] ?? 0) - 1
    },
  }
}

function emptyLane<T>(): Lane<T> {
  const ranks = Array.from({ length: lastRank + 1 })
  return { waiting: ranks.map(() => []), open: ranks.map(() => 0) }
}

/** The lowest rank that has work left; beyond the last when there is none. */
function rankInWork({ open }: Lane<unknown>): number {
  const rank = open.findIndex((count) => count > 0)
  return rank === -1 ? lastRank + 1 : rank
}
