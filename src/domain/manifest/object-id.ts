/** What an ID names: an object without its API group (flux-v1 §1). */
export type ObjectId = { namespace: string; kind: string; name: string }

const pattern = /^(<cluster>|[a-zA-Z0-9_-]+):([a-zA-Z0-9_-]+)\/([a-zA-Z0-9_.:-]+)$/
const legacy = /^([a-zA-Z0-9_-]+)\/([a-zA-Z0-9_.:-]+)$/

/** Reads `namespace:kind/name`, or the older `namespace/service`; the kind in lower case. Undefined for what is no ID. */
export function parseId(text: string): ObjectId | undefined {
  const [, namespace, kind, name] = pattern.exec(text) ?? []
  if (namespace && kind && name) return { namespace, kind: kind.toLowerCase(), name }
  const [, home, service] = legacy.exec(text) ?? []
  return home && service ? { namespace: home, kind: 'service', name: service } : undefined
}
