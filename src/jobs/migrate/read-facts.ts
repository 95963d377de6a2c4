import type { KubeObject } from '../../domain/manifest/object.ts'
import { mountsOf, type OldDeployment } from '../../domain/migrate/old-deployment.ts'
import type { OldFacts, OldFile } from '../../domain/migrate/old-facts.ts'
import { listOf, mapOf, type Raw, textOf } from '../../lib/raw.ts'
import type { MigrateDeps } from './deps.ts'

type Cluster = MigrateDeps['cluster']

/** Reads what stands around an ancestor's Deployment. Of Secrets only the names of their keys are kept. */
export async function readOldFacts(
  deps: Pick<MigrateDeps, 'cluster' | 'readFlags'>,
  old: OldDeployment,
  namespace: string,
  signal: AbortSignal,
): Promise<OldFacts> {
  const { cluster } = deps
  const files = new Map<string, OldFile>()
  const { flags, problems } = deps.readFlags(old.argv)
  const secretName = flags.find(({ name }) => name === 'k8s-secret-name')?.values.at(-1)
  for (const { kind, name } of [
    ...referredTo(old),
    ...(secretName ? [{ kind: 'Secret', name: secretName } as const] : []),
  ]) {
    const object = await cluster.get({ apiVersion: 'v1', kind, namespace: old.namespace, name }, { signal })
    if (object) files.set(`${kind}/${name}`, fileOf(object))
  }
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', namespace: old.namespace, name: old.account }
  return {
    old,
    flags,
    problems,
    files,
    accountAnnotations: (await cluster.get(account, { signal }))?.metadata.annotations ?? {},
    isClusterWide: await isClusterWide(cluster, old, signal),
    services: await servicesOf(cluster, old, signal),
    namespace,
  }
}

function fileOf({ kind, data, metadata: { labels = {}, annotations = {} } }: KubeObject): OldFile {
  const entries = mapOf(data)
  return {
    keys: Object.keys(entries),
    goesWithAncestor:
      annotations['meta.helm.sh/release-name'] !== undefined ||
      labels.heritage !== undefined ||
      labels['app.kubernetes.io/managed-by'] === 'Helm',
    data:
      kind === 'ConfigMap' ? Object.fromEntries(Object.entries(entries).map(([key, text]) => [key, textOf(text)])) : {},
  }
}

type Reference = { kind: 'Secret' | 'ConfigMap'; name: string }

/** Every Secret and ConfigMap that its container, those beside and before it or their volumes name. */
function referredTo({ pod, container, beside, before }: OldDeployment): Reference[] {
  return [container, ...beside, ...before].flatMap((one) => namedBy(one, pod))
}

function namedBy(container: Raw, pod: Raw): Reference[] {
  const mounted = mountsOf(container, pod).flatMap(({ kind, name }) =>
    kind === 'Secret' || kind === 'ConfigMap' ? [{ kind, name }] : [],
  )
  const variables = listOf(container.env).flatMap((entry) => refs(mapOf(mapOf(entry).valueFrom), 'KeyRef'))
  const all = listOf(container.envFrom).flatMap((entry) => refs(mapOf(entry), 'Ref'))
  return [...mounted, ...variables, ...all].filter(({ name }) => name !== '')
}

function refs(entry: Raw, ending: string): Reference[] {
  return [
    { kind: 'Secret' as const, name: textOf(mapOf(entry[`secret${ending}`]).name) },
    { kind: 'ConfigMap' as const, name: textOf(mapOf(entry[`configMap${ending}`]).name) },
  ].filter(({ name }) => name !== '')
}

/** Whether a binding in the whole cluster gives its account a role that may do everything. */
async function isClusterWide(
  cluster: Cluster,
  { namespace, account }: OldDeployment,
  signal: AbortSignal,
): Promise<boolean> {
  const rbac = 'rbac.authorization.k8s.io/v1'
  const bindings = await cluster.list({ apiVersion: rbac, kind: 'ClusterRoleBinding' }, signal)
  const roles = bindings
    .filter(({ subjects }) =>
      listOf(subjects)
        .map(mapOf)
        .some((one) => one.kind === 'ServiceAccount' && one.name === account && one.namespace === namespace),
    )
    .map(({ roleRef }) => textOf(mapOf(roleRef).name))
  for (const name of roles) {
    const role = await cluster.get({ apiVersion: rbac, kind: 'ClusterRole', name }, { signal })
    const isAll = listOf(role?.rules)
      .map(mapOf)
      .some(({ verbs, resources }) => listOf(verbs).includes('*') && listOf(resources).includes('*'))
    if (isAll) return true
  }
  return false
}

async function servicesOf(
  cluster: Cluster,
  { namespace, podMeta }: OldDeployment,
  signal: AbortSignal,
): Promise<string[]> {
  const services = await cluster.list({ apiVersion: 'v1', kind: 'Service', namespace }, signal)
  return services.flatMap(({ metadata, spec }) => {
    const selector = Object.entries(mapOf(mapOf(spec).selector))
    const leads = selector.length > 0 && selector.every(([key, value]) => podMeta.labels[key] === value)
    return leads ? [`${namespace}/${metadata.name}`] : []
  })
}
