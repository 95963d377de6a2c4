import type { KubeObject } from '../../manifest/object.ts'
import { conditionOf, saying } from '../fields.ts'
import { failed, type Health, healthy, progressing } from '../health.ts'

/** Whether the API server serves the kinds of a CustomResourceDefinition. */
export function isEstablished(definition: KubeObject): boolean {
  return conditionOf(definition, 'Established')?.status === 'True' && !definition.metadata.deletionTimestamp
}

/** What it serves once it is established: its kind in every version that is served. */
export function servedKinds(definition: KubeObject): { apiVersion: string; kind: string }[] {
  const { group, names, versions = [] } = definition.spec as Definition
  return versions
    .filter(({ served }) => served)
    .map(({ name }) => ({ apiVersion: `${group}/${name}`, kind: names.kind }))
}

type Definition = { group: string; names: { kind: string }; versions?: { name: string; served: boolean }[] }

/** Healthy when its kinds are served; failed when its names are taken by another definition. */
export function customResourceDefinitionHealth(definition: KubeObject): Health {
  const names = conditionOf(definition, 'NamesAccepted')
  if (names?.status === 'False') return failed(saying(names))
  return isEstablished(definition) ? healthy : progressing('its kinds are not served yet')
}
