import { randomBytes } from 'node:crypto'
import { type Cluster, createCluster } from '../../src/adapters/cluster/index.ts'
import { rememberReviews } from '../../src/api/access/reviews.ts'
import type { AppOptions } from '../../src/api/app-options.ts'
import { createReviews } from '../../src/main/cluster-access.ts'
import { until } from '../../playground/stack/until.ts'
import { kubectl, objectsOf, render } from '../packaging/chart.ts'
import { stack } from '../stack/stack.ts'
import { silent } from './workbench.ts'

/** Where somebody has a role of the cluster; `everywhere` is a ClusterRoleBinding. */
type Grant = { role: 'view' | 'edit' | 'admin'; in: 'team' | 'other' | 'home' | 'everywhere' }

/** Those who call, besides who has no token, in the order of a table. */
export const people: Readonly<Record<string, Grant | undefined>> = {
  nobody: undefined,
  'team-view': { role: 'view', in: 'team' },
  'team-edit': { role: 'edit', in: 'team' },
  'team-admin': { role: 'admin', in: 'team' },
  'other-admin': { role: 'admin', in: 'other' },
  'home-admin': { role: 'admin', in: 'home' },
  'all-view': { role: 'view', in: 'everywhere' },
  'all-edit': { role: 'edit', in: 'everywhere' },
  'all-admin': { role: 'admin', in: 'everywhere' },
}

export type RolesWorld = {
  team: string
  other: string
  home: string
  access: NonNullable<AppOptions['access']>
  tokenOf(person: string): string
  /** Takes somebody's role away. */
  revoke(person: string): Promise<void>
  stop(): Promise<void>
}

/** Namespaces, accounts with the roles that the chart gives people, and the real reviews of the real API server. */
export async function createRolesWorld(options: { audiences?: readonly string[] } = {}): Promise<RolesWorld> {
  const id = `capstan-roles-${randomBytes(4).toString('hex')}`
  const names = { team: `${id}-team`, other: `${id}-other`, home: id }
  const roles = objectsOf(await render(id)).filter(({ kind, metadata }) => {
    return kind === 'ClusterRole' && /-(view|edit|admin)$/.test(metadata.name)
  })
  const bindings = Object.entries(people).flatMap(([person, grant]) =>
    grant ? [bindingOf(person, grant, id, names)] : [],
  )
  const accounts = Object.keys(people).map((name) => ({
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, namespace: id },
  }))
  for (const name of Object.values(names)) await kubectl(['create', 'namespace', name])
  await apply([...roles, ...accounts, ...bindings])
  const tokens = new Map<string, string>()
  await Promise.all(
    Object.keys(people).map(async (person) => {
      const { stdout } = await kubectl(['create', 'token', person, '--namespace', id])
      tokens.set(person, stdout.trim())
    }),
  )
  const cluster = createCluster({ kubeconfig: stack().kubeconfig, log: silent })
  const reviews = createReviews(cluster, options.audiences ?? [])
  await until('the roles of the cluster to hold ours', async () => await holdsAll(cluster, id, names.team))

  return {
    ...names,
    access: { home: id, ...rememberReviews(reviews, () => performance.now()) },
    tokenOf: (person) => tokens.get(person) ?? '',
    async revoke(person) {
      const grant = people[person]
      if (!grant) return
      const where = grant.in === 'everywhere' ? ['clusterrolebinding'] : ['rolebinding', '--namespace', names[grant.in]]
      await kubectl(['delete', ...where, `${id}-${person}`])
    },
    async stop() {
      await cluster.close()
      const clusterWide = bindings
        .filter(({ kind }) => kind === 'ClusterRoleBinding')
        .map(({ metadata }) => metadata.name)
      await kubectl(['delete', 'clusterrolebinding', ...clusterWide, '--ignore-not-found'])
      await kubectl(['delete', 'clusterrole', ...roles.map(({ metadata }) => metadata.name), '--ignore-not-found'])
      await kubectl(['delete', 'namespace', ...Object.values(names), '--wait=false'])
    },
  }
}

function bindingOf(person: string, grant: Grant, id: string, names: Record<'team' | 'other' | 'home', string>) {
  const isEverywhere = grant.in === 'everywhere'
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: isEverywhere ? 'ClusterRoleBinding' : 'RoleBinding',
    metadata: { name: `${id}-${person}`, ...(grant.in === 'everywhere' ? {} : { namespace: names[grant.in] }) },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: grant.role },
    subjects: [{ kind: 'ServiceAccount', name: person, namespace: id }],
  }
}

async function apply(objects: readonly object[]): Promise<void> {
  const list = { apiVersion: 'v1', kind: 'List', items: objects }
  await kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(list))
}

/** The controller manager makes one role of many. */
async function holdsAll(cluster: Cluster, id: string, team: string): Promise<boolean> {
  const rights = [
    ['team-view', 'list', 'sources'],
    ['team-edit', 'sync', 'sources'],
    ['team-admin', 'approve', 'sources'],
  ] as const
  const answers = rights.map(async ([person, verb, resource]) => {
    const resourceAttributes = { group: 'capstan.dev', resource, verb, namespace: team }
    const spec = { user: `system:serviceaccount:${id}:${person}`, resourceAttributes }
    // not `kubectl auth can-i`: it says no of a kind that is not defined, and Sources may not be
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec }
    return (await cluster.review(review)).allowed === true
  })
  return (await Promise.all(answers)).every(Boolean)
}
