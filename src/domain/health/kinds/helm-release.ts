import type { KubeObject } from '../../manifest/object.ts'
import { type Condition, conditionOf, isSeen, mapAt, saying } from '../fields.ts'
import { failed, type Health, healthy, progressing } from '../health.ts'

/** Phases of the Operator that say "at work" (helm-operator §1.3). */
const atWork = new Set(['ChartFetched', 'Installing', 'Upgrading', 'Deployed', 'Testing', 'Tested', 'RollingBack'])

/**
 * Healthy when the wanted chart and values are deployed. Its conditions count, `Ready` only where the definition has it: a rollback
 * leaves the old release running, which is not what git says.
 */
export function helmReleaseHealth(release: KubeObject): Health {
  const rolledBack = conditionOf(release, 'RolledBack')
  const released = conditionOf(release, 'Released')
  const { phase } = mapAt(release, 'status')
  if (!isSeen(release)) return lateHealth(phase, released)
  if (rolledBack?.status === 'True') return failed(causeOf(rolledBack, 'was rolled back'))
  if (released?.status === 'False') return failed(causeOf(released, 'its release failed'))
  if (released?.status !== 'True') return progressing(released ? saying(released) : 'is not released yet')
  return healthy
}

/** The Operator writes the generation only at its end: a failure may be told before it (helm-operator §4.1). */
function lateHealth(phase: unknown, released: Condition | undefined): Health {
  const isAtWork = typeof phase !== 'string' || phase === '' || atWork.has(phase)
  if (released?.status === 'False' && !isAtWork && phase !== 'Succeeded')
    return failed(causeOf(released, String(phase)))
  return progressing('the latest change has not been worked on yet')
}

function causeOf({ message }: Condition, otherwise: string): string {
  return message || otherwise
}
