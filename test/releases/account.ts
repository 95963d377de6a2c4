import type { Cluster } from '../../src/adapters/cluster/index.ts'

const rbac = { apiVersion: 'rbac.authorization.k8s.io/v1' }

/** A ServiceAccount that may do everything to Secrets and ConfigMaps of these namespaces; the first is its own. */
export async function createAccount(
  cluster: Pick<Cluster, 'create'>,
  name: string,
  [namespace = '', ...others]: readonly string[],
): Promise<void> {
  await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } })
  const rules = [{ apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['*'] }]
  for (const place of [namespace, ...others]) {
    await cluster.create({ ...rbac, kind: 'Role', metadata: { name, namespace: place }, rules })
    await cluster.create({
      ...rbac,
      kind: 'RoleBinding',
      metadata: { name, namespace: place },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name },
      subjects: [{ kind: 'ServiceAccount', name, namespace }],
    })
  }
}
