import { gcMarkLabel } from '../../src/domain/manifest/annotations.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { kubectl } from './kubectl.ts'

const kinds = 'deploy,svc,cm,secret,sa,role,rolebinding,netpol,quota,pvc,job,cronjob,hpa'
/** Of these nobody but us writes anything once they are there. */
const still = new Set(['ConfigMap', 'Secret', 'ServiceAccount', 'Role', 'RoleBinding', 'NetworkPolicy'])

/**
 * A line for each object of a namespace that a source owns, which changes with each write of Capstan and with no other. What
 * controllers write too is told by the second of our own last write alone.
 */
export async function lastWrites(space: string): Promise<string[]> {
  const found = await kubectl('get', kinds, '-n', space, '-l', gcMarkLabel, '-o', 'json', '--show-managed-fields')
  const { items } = JSON.parse(found) as { items: KubeObject[] }
  return items.map(({ kind, metadata }) => {
    const own = metadata.managedFields?.find(({ manager }) => manager === 'capstan')
    const version = still.has(kind) ? metadata.resourceVersion : ''
    return `${kind}/${metadata.name} ${own?.time} ${version}`
  })
}
