import type { KubeObject } from '../../manifest/object.ts'
import { conditionOf, saying } from '../fields.ts'
import { type Health, healthy, progressing } from '../health.ts'

/** Healthy when the API server reaches whoever serves it. */
export function apiServiceHealth(service: KubeObject): Health {
  const available = conditionOf(service, 'Available')
  if (available?.status === 'True') return healthy
  return progressing(available ? saying(available) : 'the API server has not looked at it yet')
}
