import type { Cluster } from '../../adapters/cluster/index.ts'
import { keyOf, type ObjectRef } from '../../domain/manifest/object.ts'
import type { Sync } from '../sync-source/sync.ts'
import type { DryRunDeps } from './dry-run.ts'

/**
 * Finds what an object needs and the same revision brings: its definition or its namespace. The API server cannot try such an object
 * yet. A namespace that git does not bring is not looked for: the API server's own refusal says it.
 */
export function createMissing(
  { desired, live }: Pick<Sync, 'desired' | 'live'>,
  cluster: Pick<Cluster, 'resource'>,
  signal: AbortSignal,
): DryRunDeps['missing'] {
  const brought = new Set(desired.objects.filter(({ ignored }) => !ignored).map(({ key }) => key))
  return async ({ apiVersion, kind, namespace }) => {
    if (!(await cluster.resource(apiVersion, kind, signal))) {
      return `the definition of ${kind} is made by the same revision; not tried`
    }
    const key = namespace && keyOf(namespaceRef(namespace))
    const isBrought = key && brought.has(key) && !live.has(key)
    return isBrought ? `the namespace ${namespace} is made by the same revision; not tried` : undefined
  }
}

function namespaceRef(name: string): ObjectRef {
  return { apiVersion: 'v1', kind: 'Namespace', name }
}
