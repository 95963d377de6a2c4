import type { KubeObject } from '../../manifest/object.ts'
import { conditionOf, mapAt, numberAt, saying } from '../fields.ts'
import { failed, type Health, healthy, progressing } from '../health.ts'

/** Healthy when complete. A suspended Job waits for a person. */
export function jobHealth(job: KubeObject): Health {
  const failure = conditionOf(job, 'Failed')
  if (failure?.status === 'True') return failed(saying(failure))
  if (conditionOf(job, 'Complete')?.status === 'True') return healthy
  if (mapAt(job, 'spec').suspend === true) return progressing('is suspended')
  const status = mapAt(job, 'status')
  const wanted = numberAt(mapAt(job, 'spec'), 'completions', 1)
  return progressing(`${numberAt(status, 'succeeded', 0)} of ${wanted} completions`)
}
