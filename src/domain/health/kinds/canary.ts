import type { KubeObject } from '../../manifest/object.ts'
import { conditionOf, isObserved, mapAt, saying } from '../fields.ts'
import { failed, type Health, healthy, progressing } from '../health.ts'

const settled = new Set(['Initialized', 'Succeeded'])

/** Flagger's Canary, by its phase: `Failed` was rolled back, every other one that is not settled is under way. */
export function canaryHealth(canary: KubeObject): Health {
  const { phase } = mapAt(canary, 'status')
  const promoted = conditionOf(canary, 'Promoted')
  const why = promoted ? saying(promoted) : typeof phase === 'string' && phase !== '' ? `its phase is ${phase}` : ''
  if (phase === 'Failed') return failed(why)
  if (!isObserved(canary)) return progressing('Flagger has not seen the latest change')
  return settled.has(String(phase)) ? healthy : progressing(why || 'Flagger has not begun')
}
