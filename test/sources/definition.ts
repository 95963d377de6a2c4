import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { sourceKind } from '../../src/domain/source/resource.ts'
import { until } from '../cluster/world.ts'

const file = fileURLToPath(new URL('../../charts/capstan/crds/source.yaml', import.meta.url))

/** The definition of Sources as the chart ships it, served by the test cluster. Every test puts the same one there; it stays. */
export async function installSources(cluster: Cluster): Promise<void> {
  await cluster.apply(readDefinition(), { force: true })
  await until('Sources are served', async () => {
    cluster.forgetDiscovery()
    return (await cluster.resource(sourceKind.apiVersion, sourceKind.kind)) !== undefined
  })
}

export function readDefinition(): KubeObject {
  return parse(readFileSync(file, 'utf8')) as KubeObject
}

/** A Source object; what the spec leaves out is a public repository at `main`. */
export function sourceObject(namespace: string, name: string, spec: Record<string, unknown> = {}): KubeObject {
  const least = { url: 'https://git.example.com/shop.git', ref: { branch: 'main' } }
  return { ...sourceKind, metadata: { namespace, name }, spec: { ...least, ...spec } }
}
