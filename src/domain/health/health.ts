import type { KubeObject } from '../manifest/object.ts'

/** How a live object is doing. `why` is a short plain sentence part; empty for `healthy`. */
export type Health = { state: 'healthy' | 'progressing' | 'failed'; why: string }

/** A rule for one kind: live object → health. Pure; never throws, whatever the status holds. */
export type HealthRule = (object: KubeObject) => Health

export const healthy: Health = { state: 'healthy', why: '' }

export function progressing(why: string): Health {
  return { state: 'progressing', why }
}

export function failed(why: string): Health {
  return { state: 'failed', why }
}
