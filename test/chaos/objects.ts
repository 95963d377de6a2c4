import { stringify } from 'yaml'

/** A manifest, and what is looked for in the cluster. */
export type Manifest = {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  [field: string]: unknown
}

/** Marks everything that one stage made, so that what is too much is seen. */
export const stageLabel = 'capstan-chaos'

/** REST path of each kind that stages use. */
export const kinds: Record<string, string> = {
  ConfigMap: '/api/v1/configmaps',
  ServiceAccount: '/api/v1/serviceaccounts',
  Service: '/api/v1/services',
  Deployment: '/apis/apps/v1/deployments',
}

export function keyOf({ kind, metadata }: Pick<Manifest, 'kind' | 'metadata'>): string {
  return `${kind} ${metadata.namespace ?? ''}/${metadata.name}`
}

/** Path of one object in the API. */
export function pathOf({ kind, metadata }: Pick<Manifest, 'kind' | 'metadata'>): string {
  const collection = kinds[kind] ?? ''
  const at = collection.lastIndexOf('/')
  return `${collection.slice(0, at)}/namespaces/${metadata.namespace}${collection.slice(at)}/${metadata.name}`
}

/** So many objects over the namespaces: mostly ConfigMaps, and Services, ServiceAccounts and empty Deployments. */
export function makeObjects(stage: string, spaces: readonly string[], count: number, value: string): Manifest[] {
  return Array.from({ length: count }, (_, n) => makeObject(stage, spaces[n % spaces.length] ?? '', n, value))
}

function makeObject(stage: string, namespace: string, n: number, value: string): Manifest {
  const name = `app-${n}`
  const metadata = { name, namespace, labels: { [stageLabel]: stage }, annotations: { 'chaos/value': value } }
  if (n % 10 === 7) return { apiVersion: 'v1', kind: 'ServiceAccount', metadata }
  if (n % 10 === 8)
    return { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { app: name }, ports: [{ port: 80 }] } }
  if (n % 10 === 9) return deployment(metadata)
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { value, name } }
}

function deployment(metadata: Manifest['metadata']): Manifest {
  const labels = { app: metadata.name }
  const containers = [{ name: 'web', image: 'registry.example/web:1.0.0', env: [{ name: 'LEVEL', value: '1' }] }]
  const spec = {
    replicas: 0,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers } },
  }
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec }
}

/** Files of a repository: the namespaces, and five objects a file. */
export function filesOf(spaces: readonly string[], objects: readonly Manifest[]): Record<string, string> {
  const files: Record<string, string> = {}
  for (const name of spaces)
    files[`namespaces/${name}.yaml`] = stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  for (let n = 0; n < objects.length; n += 5) {
    const documents = objects.slice(n, n + 5).map((object) => stringify(object))
    files[`apps/${n}.yaml`] = documents.join('---\n')
  }
  return files
}

/** Whether everything that git says stands in the live object. */
export function stands(git: unknown, live: unknown): boolean {
  if (Array.isArray(git))
    return Array.isArray(live) && git.length === live.length && git.every((item, n) => stands(item, live[n]))
  if (git === null || typeof git !== 'object') return git === live
  if (live === null || typeof live !== 'object') return false
  return Object.entries(git).every(([key, value]) => stands(value, (live as Record<string, unknown>)[key]))
}
