import type { KubeObject } from './object.ts'

/**
 * What comparing needs of an object, without the rest, so that ten thousand objects stay small in memory: apiVersion, kind, name,
 * namespace and our annotations. Definitions are kept whole: the scope of their kind stands in them.
 */
export function headObject(object: KubeObject): KubeObject {
  if (object.kind === 'CustomResourceDefinition') return object
  const { name, namespace, annotations } = object.metadata
  const kept = Object.entries(annotations ?? {}).filter(
    ([key]) => key.includes('fluxcd.io/') || key.includes('flux.weave.works/') || key.includes('capstan.dev/'),
  )
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      ...(kept.length ? { annotations: Object.fromEntries(kept) } : {}),
    },
  }
}
