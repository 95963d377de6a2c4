import { randomBytes } from 'node:crypto'
import { type Cluster, createCluster } from '../../src/adapters/cluster/index.ts'
import { quiet } from '../../src/lib/quiet.ts'
import { stack } from '../stack/stack.ts'

export { quiet }

/** `capstan-test-<random>`. */
export function uniqueName(): string {
  return `capstan-test-${randomBytes(4).toString('hex')}`
}

export function realCluster(): Cluster {
  return createCluster({ kubeconfig: stack().kubeconfig, log: quiet })
}

export async function makeNamespace(cluster: Cluster): Promise<string> {
  const name = uniqueName()
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, { force: true })
  return name
}

export async function removeNamespace(cluster: Cluster, name: string): Promise<void> {
  await cluster.delete({ apiVersion: 'v1', kind: 'Namespace', name }, {})
}

/** Asks until the answer is not undefined or false; fails after `withinMs`. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  withinMs = 120_000,
  everyMs = 20,
): Promise<NonNullable<T>> {
  const end = performance.now() + withinMs
  for (;;) {
    const found = await look()
    if (found) return found
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}
