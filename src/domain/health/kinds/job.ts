import type { KubeObject } from '../../manifest/object.ts'
import { conditionOf, mapAt, numberAt, saying } from '../fields.ts'
import { failed, type Health, healthy, progressing } from '../health.ts'

/** Healthy when complete, failed when it has given up. A suspended Job waits for a person. */
export function jobHealth(job: KubeObject): Health {
  const failure = conditionOf(job, 'Failed')
  if (failure?.status === 'True') return failed(saying(failure))
  if (conditionOf(job, 'Complete')?.status === 'True') return healthy
  if (mapAt(job, 'spec').suspend === true) return progressing('is suspended')
  return progressing(progressOf(job))
}

function progressOf(job: KubeObject): string {
  const status = mapAt(job, 'status')
  const wanted = numberAt(mapAt(job, 'spec'), 'completions', 1)
  const broken = numberAt(status, 'failed', 0)
  const done = `${numberAt(status, 'succeeded', 0)} of ${wanted} completions`
  return broken > 0 ? `${done}, ${broken} ${broken === 1 ? 'pod' : 'pods'} failed` : done
}
