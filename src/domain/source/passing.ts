import type { Reason } from '../status/reason.ts'

const passing = new Set<Reason>([
  'ClusterUnavailable',
  'RedisUnavailable',
  'RateLimited',
  'OtherWriter',
  'FenceLost',
  'InternalError',
])

/** Trouble of ours or of the servers that we need: it says nothing about the source that was at work. */
export function isPassing(reason: Reason): boolean {
  return passing.has(reason)
}
