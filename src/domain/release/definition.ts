import type { KubeObject } from '../manifest/object.ts'
import { mapOf } from '../../lib/raw.ts'

/** Name of the definition of HelmReleases. */
export const definitionName = 'helmreleases.helm.fluxcd.io'

/** Which words the served definition of HelmReleases takes in a status: one that has another word is refused whole (ruling 1). */
export type Definition = {
  takesCondition: (type: string) => boolean
  takesPhase: (phase: string) => boolean
  /** Whether a field at the top of the spec is kept; others are dropped without a word. */
  takesField: (name: string) => boolean
}

/** Fields of the spec that the Helm Operator's definition does not have. */
const ownFields = ['suspend', 'dependsOn', 'createNamespace', 'serviceAccountName']

/** A definition of HelmReleases that would drop, without a word, what ours keeps: that a release is suspended, or whose rights it has. */
export function isOlderDefinition(object: KubeObject): boolean {
  if (object.kind !== 'CustomResourceDefinition' || object.metadata.name !== definitionName) return false
  const { takesField } = readDefinition(object)
  return !ownFields.every(takesField)
}

const operatorConditions = ['ChartFetched', 'Deployed', 'Released', 'RolledBack', 'Tested']

/** What helm-operator 1.4.4 declares; counts where the definition cannot be read. */
export const operatorDefinition: Definition = {
  takesCondition: (type) => operatorConditions.includes(type),
  takesPhase: (phase) => phase !== 'Suspended',
  takesField: () => false,
}

/** Reads the enums of condition types and phases of version v1. A definition without an enum takes every word. */
export function readDefinition(definition: KubeObject): Definition {
  const { versions } = mapOf(definition.spec)
  const version = Array.isArray(versions) ? versions.map(mapOf).find(({ name }) => name === 'v1') : undefined
  const { spec, status: whole } = at(version ?? {}, 'schema', 'openAPIV3Schema', 'properties')
  const status = at(mapOf(whole), 'properties')
  const fields = at(mapOf(spec), 'properties')
  const conditions = at(status, 'conditions', 'items', 'properties', 'type')
  return {
    takesCondition: takes(conditions),
    takesPhase: takes(at(status, 'phase')),
    takesField: (name) => Object.hasOwn(fields, name),
  }
}

function takes({ enum: words }: Record<string, unknown>): (word: string) => boolean {
  return Array.isArray(words) ? (word) => words.includes(word) : () => true
}

function at(map: Record<string, unknown>, ...path: string[]): Record<string, unknown> {
  let here = map
  for (const step of path) here = mapOf(here[step])
  return here
}
