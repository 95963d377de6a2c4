import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { until } from '../../playground/stack/until.ts'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'

/** Our definition of HelmReleases, or the one of helm-operator 1.4.4, which has none of our additions. */
type Shape = 'ours' | 'operator'

/** The one that this run is on, ours where nothing is said; vitest.config.ts runs the release suite on both. */
export const shape = shapeOf(process.env.CAPSTAN_TEST_DEFINITION)

type Schema = { enum?: string[]; properties?: Record<string, Schema>; items?: Schema }
type Definition = KubeObject & {
  spec: { group: string; versions: { schema: { openAPIV3Schema: Schema } }[] }
}

/** Fields of the spec that the Operator's definition does not have. */
export const ownFields = ['suspend', 'dependsOn', 'createNamespace', 'serviceAccountName']

const file = fileURLToPath(new URL('../../charts/capstan/crds/helmrelease.yaml', import.meta.url))

export const definitionRef = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  name: 'helmreleases.helm.fluxcd.io',
}

function shapeOf(text = 'ours'): Shape {
  if (text === 'ours' || text === 'operator') return text
  throw new Error(`CAPSTAN_TEST_DEFINITION is neither ours nor operator: ${text}`)
}

function makeDefinition(group: string): Definition {
  const definition = parse(readFileSync(file, 'utf8')) as Definition
  definition.metadata.name = `helmreleases.${group}`
  definition.spec.group = group
  const schema = definition.spec.versions[0]?.schema.openAPIV3Schema
  if (shape === 'operator' && schema) takeAdditionsOut(schema)
  return definition
}

function takeAdditionsOut(schema: Schema): void {
  const { spec, status } = schema.properties ?? {}
  for (const field of ownFields) {
    if (!spec?.properties?.[field]) throw new Error(`the definition does not have the field ${field}`)
    delete spec.properties[field]
  }
  const { phase, conditions } = status?.properties ?? {}
  dropWord(phase, 'Suspended')
  for (const word of ['Ready', 'Suspended']) dropWord(conditions?.items?.properties?.type, word)
}

function dropWord(schema: Schema | undefined, word: string): void {
  if (!schema?.enum?.includes(word)) throw new Error(`the definition does not have the word ${word}`)
  schema.enum = schema.enum.filter((one) => one !== word)
}

/** A spec as people write it: where the definition has no fields of ours, the annotations that stand for them. */
export function written(spec: Record<string, unknown>) {
  const isAnnotation = ([field]: [string, unknown]) => shape === 'operator' && ownFields.includes(field)
  const entries = Object.entries(spec)
  const own = entries.filter(isAnnotation).map(([field, value]) => [`capstan.dev/${field}`, annotationOf(value)])
  return {
    spec: Object.fromEntries(entries.filter((entry) => !isAnnotation(entry))),
    annotations: Object.fromEntries(own) as Record<string, string>,
  }
}

function annotationOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(dependencyText).join(', ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function dependencyText({ kind, namespace, name }: { kind?: string; namespace?: string; name: string }): string {
  return `${kind === 'Source' ? 'source:' : ''}${namespace ? `${namespace}/` : ''}${name}`
}

/** Serves old HelmReleases in a group of their own, without a schema or a status, as helm-operator 0.x had them. */
export async function serveLegacy(api: Cluster, group: string): Promise<string> {
  const name = `helmreleases.old.${group}`
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  await api.apply(
    {
      apiVersion: definitionRef.apiVersion,
      kind: definitionRef.kind,
      metadata: { name },
      spec: {
        group: `old.${group}`,
        scope: 'Namespaced',
        names: { kind: 'HelmRelease', plural: 'helmreleases' },
        versions: [{ name: 'v1beta1', served: true, storage: true, schema }],
      },
    },
    { force: true },
  )
  await until('old HelmReleases are served', async () => {
    api.forgetDiscovery()
    return (await api.resource(`old.${group}/v1beta1`, 'HelmRelease')) !== undefined
  })
  return name
}

/** A cluster in which `helm.fluxcd.io` stands for another group, with a definition of its own. */
export async function underOwnGroup(api: Cluster, group: string): Promise<Cluster> {
  const mapped = <T extends { apiVersion: string; name?: string }>(ref: T): T => {
    if (ref.apiVersion === 'helm.fluxcd.io/v1') return { ...ref, apiVersion: `${group}/v1` }
    if (ref.apiVersion === 'flux.weave.works/v1beta1') return { ...ref, apiVersion: `old.${group}/v1beta1` }
    return ref.name === definitionRef.name ? { ...ref, name: `helmreleases.${group}` } : ref
  }
  await api.apply(makeDefinition(group), { force: true })
  await until('the definition is served', async () => {
    api.forgetDiscovery()
    return (await api.resource(`${group}/v1`, 'HelmRelease')) !== undefined
  })
  return {
    ...api,
    resource: (apiVersion, kind, signal) => api.resource(mapped({ apiVersion }).apiVersion, kind, signal),
    get: (ref, options) => api.get(mapped(ref), options),
    list: (query, signal) => api.list(mapped(query), signal),
    apply: (object, options, signal) => api.apply(mapped(object as KubeObject & { name?: string }), options, signal),
    create: (object, signal) => api.create(mapped(object as KubeObject & { name?: string }), signal),
    replace: (object, signal) => api.replace(mapped(object as KubeObject & { name?: string }), signal),
    patch: (ref, patch, options) => api.patch(mapped(ref), patch, options),
    delete: (ref, preconditions, signal) => api.delete(mapped(ref), preconditions, signal),
  }
}
