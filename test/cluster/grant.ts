import type { Cluster } from '../../src/adapters/cluster/index.ts'

const group = 'rbac.authorization.k8s.io'

type Grant = {
  account: { namespace: string; name: string }
  /** The namespace where it holds. */
  in: string
  rules: readonly object[]
}

/** Gives an account rights in one namespace, by a Role and a RoleBinding of its name. The API server takes a moment to know. */
export async function grant(cluster: Pick<Cluster, 'create'>, { account, in: namespace, rules }: Grant): Promise<void> {
  const metadata = { namespace, name: account.name }
  const roleRef = { apiGroup: group, kind: 'Role', name: account.name }
  const subjects = [{ kind: 'ServiceAccount', ...account }]
  await cluster.create({ apiVersion: `${group}/v1`, kind: 'Role', metadata, rules })
  await cluster.create({ apiVersion: `${group}/v1`, kind: 'RoleBinding', metadata, roleRef, subjects })
}
