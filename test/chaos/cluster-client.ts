import { kinds, keyOf, type Manifest, stageLabel, stands } from './objects.ts'

/** An object as the API server gives it. */
export type Live = Manifest & {
  metadata: Manifest['metadata'] & { uid: string; resourceVersion: string; deletionTimestamp?: string }
}

/** Keys of what differs between git and the cluster. */
export type Difference = { missing: string[]; different: string[]; orphans: string[] }

/** The API server itself, past every fault. */
export type ClusterClient = {
  call(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }>
  /** Everything that carries the label of a stage, by key. */
  live(stage: string): Promise<Map<string, Live>>
  differences(stage: string, objects: readonly Manifest[]): Promise<Difference>
  /** Sets annotations and data of an object as somebody else would. */
  patch(path: string, body: object): Promise<void>
}

/** `url` needs neither token nor TLS. */
export function clusterClient(url: string): ClusterClient {
  async function call(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }> {
    const headers = { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }
    const response = await fetch(`${url}${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) })
    const text = await response.text()
    return { status: response.status, body: text.startsWith('{') ? (JSON.parse(text) as unknown) : text }
  }

  async function live(stage: string): Promise<Map<string, Live>> {
    const found = new Map<string, Live>()
    for (const [kind, path] of Object.entries(kinds)) {
      const answer = await call('GET', `${path}?labelSelector=${stageLabel}%3D${stage}`)
      if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status}`)
      for (const item of (answer.body as { items: Live[] }).items) found.set(keyOf({ ...item, kind }), item)
    }
    return found
  }

  return {
    call,
    live,
    async differences(stage, objects) {
      const there = await live(stage)
      const wanted = new Map(objects.map((object) => [keyOf(object), object]))
      const missing = [...wanted.keys()].filter((key) => !there.has(key))
      const orphans = [...there.keys()].filter((key) => !wanted.has(key))
      const different = [...wanted].flatMap(([key, { metadata, ...rest }]) => {
        const found = there.get(key)
        const { apiVersion: _version, kind: _kind, ...fields } = rest
        return !found || stands({ metadata, ...fields }, found) ? [] : [key]
      })
      return { missing, different, orphans }
    },
    async patch(path, body) {
      const { status } = await call('PATCH', path, body)
      if (status !== 200) throw new Error(`PATCH ${path}: ${status}`)
    },
  }
}
