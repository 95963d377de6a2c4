import type { KubeObject } from './object.ts'

const resolutionMs = 1000

/**
 * A time by which the last change of what an object asks for was made, in milliseconds since 1970 by the API server's clock, which tells
 * full seconds. Undefined where the object does not say.
 */
export function changedAt({ metadata: { managedFields = [] } }: KubeObject): number | undefined {
  const times = managedFields
    .filter(({ subresource }) => !subresource)
    .map(({ time = '' }) => Date.parse(time))
    .filter((time) => !Number.isNaN(time))
  return times.length === 0 ? undefined : Math.max(...times) + resolutionMs
}
