import { until } from '../../playground/stack/until.ts'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import { grant } from '../cluster/grant.ts'

/** A ServiceAccount that may do everything to Secrets and ConfigMaps of these namespaces; the first is its own. */
export async function createAccount(
  cluster: Pick<Cluster, 'create' | 'review'>,
  name: string,
  [namespace = '', ...others]: readonly string[],
): Promise<void> {
  const account = { namespace, name }
  const rules = [{ apiGroups: [''], resources: ['secrets', 'configmaps'], verbs: ['*'] }]
  const places = [namespace, ...others]
  await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: account })
  for (const place of places) await grant(cluster, { account, in: place, rules })
  for (const place of places) await untilMayWrite(cluster, { account, in: place, may: true })
}

type Right = { account: { namespace: string; name: string }; in: string; may: boolean }

/** Until the API server knows that an account may write Secrets in a namespace, or may no more: it does so a moment after the write. */
export async function untilMayWrite(cluster: Pick<Cluster, 'review'>, right: Right): Promise<void> {
  const user = `system:serviceaccount:${right.account.namespace}:${right.account.name}`
  const resourceAttributes = { group: '', resource: 'secrets', verb: 'create', namespace: right.in }
  const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview' }
  await until(`${user} ${right.may ? 'may' : 'may not'} write in ${right.in}`, async () => {
    const { allowed } = await cluster.review({ ...review, spec: { user, resourceAttributes } })
    return (allowed === true) === right.may
  })
}
