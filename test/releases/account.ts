import type { Cluster } from '../../src/adapters/cluster/index.ts'
import { grant } from '../cluster/grant.ts'

/** A ServiceAccount that may do everything to Secrets and ConfigMaps of these namespaces; the first is its own. */
export async function createAccount(
  cluster: Pick<Cluster, 'create'>,
  name: string,
  [namespace = '', ...others]: readonly string[],
): Promise<void> {
  const account = { namespace, name }
  const rules = [{ apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['*'] }]
  await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: account })
  for (const place of [namespace, ...others]) await grant(cluster, { account, in: place, rules })
}
