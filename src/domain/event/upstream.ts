import type { Event } from './event.ts'

/** The types that fluxd sends to the service that it is connected to. */
export const upstreamTypes = ['sync', 'release', 'autorelease', 'commit'] as const

/** An event as fluxd sends it, field for field (flux-v1 §22): the receiver makes the sentence out of the metadata. */
export function upstreamBody({ serviceIDs, type, startedAt, endedAt, logLevel, metadata }: Event): string {
  return JSON.stringify({ id: 0, serviceIDs, type, startedAt, endedAt, logLevel, metadata })
}
