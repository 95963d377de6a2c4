import { AppError } from '../../domain/error.ts'
import type { Ancestor } from '../../domain/manifest/ancestor.ts'
import type { OldDeployment } from '../../domain/migrate/old-deployment.ts'
import { type OldFacts, valueOf } from '../../domain/migrate/old-facts.ts'
import { type MovePlan, planMove } from '../../domain/migrate/plan-move.ts'
import type { ReleaseFacts } from '../../domain/migrate/releases.ts'
import type { Values } from '../../domain/migrate/values.ts'
import { type MigrateDeps, deploymentKind } from './deps.ts'
import { type Choice, findOld } from './find-old.ts'
import { readOldFacts } from './read-facts.ts'
import { readReleaseFacts } from './read-releases.ts'
import { type Rehearsal, rehearse } from './rehearse.ts'

/** Everything that is known before anything is touched. */
export type Prepared = {
  olds: readonly OldDeployment[]
  /** Where Capstan runs from then on. */
  namespace: string
  plan: MovePlan
  releases: ReleaseFacts
  /** Of what fluxd applied; undefined where fluxd does not move. */
  rehearsal: Rehearsal | undefined
  /** Values of the Capstan that is there and goes on with the other half. */
  installed: Values | undefined
  /** What stands in the way, as sentences: rights, other writers. */
  problems: readonly string[]
}

/** Looks at the ancestors and at what they keep, and plans the move. Reads alone. Throws where there is nothing to plan. */
export async function prepare(
  deps: MigrateDeps,
  choice: Choice & { namespace: string },
  signal: AbortSignal,
): Promise<Prepared> {
  const { chosen: olds, others } = await findOld(deps, choice, false, signal)
  const namespace = choice.namespace || olds[0]?.namespace || ''
  const done = olds.find(({ replicas, remembered }) => replicas === 0 && remembered !== undefined)
  if (done)
    throw new AppError(
      'NotReady',
      `${done.ancestor} ${done.namespace}/${done.name} has moved already; --back goes back`,
    )
  const halves: OldFacts[] = []
  for (const old of olds) halves.push(await readOldFacts(deps, old, namespace, signal))
  const operator = halves.find(({ old }) => old.ancestor === 'helm-operator')
  const fluxd = halves.find(({ old }) => old.ancestor === 'fluxd')
  const releases = await readReleaseFacts(deps, operator ? valueOf(operator, 'allow-namespace') : '', signal)
  const installed = await deps.helm.values(signal)
  const goOn = new Set<Ancestor>(others.filter(({ replicas }) => replicas > 0).map(({ ancestor }) => ancestor))
  const plan = planMove({ halves, releases, installed, goOn })
  return {
    olds,
    namespace,
    plan,
    releases,
    rehearsal: fluxd ? await rehearse(deps, fluxd, signal) : undefined,
    installed,
    problems: [
      ...(await missingRights(deps, { olds, namespace, isClusterWide: plan.values.clusterRole }, signal)),
      ...(await otherWriters(deps, { olds, others, namespace }, signal)),
    ],
  }
}

type Right = { verb: string; group: string; resource: string; namespace?: string }

/** Whoever moves must be able to scale the old one, to write Secrets, and to give Capstan its rights. */
async function missingRights(
  { cluster }: Pick<MigrateDeps, 'cluster'>,
  { olds, namespace, isClusterWide }: { olds: readonly OldDeployment[]; namespace: string; isClusterWide: unknown },
  signal: AbortSignal,
): Promise<string[]> {
  const all = JSON.stringify(isClusterWide) === '{"create":true}'
  const rights: Right[] = [
    ...olds.map((old) => ({ verb: 'patch', group: 'apps', resource: 'deployments', namespace: old.namespace })),
    { verb: 'create', group: '', resource: 'secrets', namespace },
    { verb: 'create', group: 'apps', resource: 'deployments', namespace },
    { verb: '*', group: '*', resource: '*', ...(all ? {} : { namespace }) },
  ]
  const problems: string[] = []
  for (const { group, ...right } of rights) {
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      metadata: { name: '' },
      spec: { resourceAttributes: { ...right, group } },
    }
    const { status } = await cluster.create(review, signal)
    if ((status as { allowed?: boolean } | undefined)?.allowed === true) continue
    const where = right.namespace ? ` in ${right.namespace}` : ' in the whole cluster, to give it to Capstan'
    problems.push(
      `you may not ${right.verb} ${right.resource}${where}: ask for that right, or let somebody move who has it`,
    )
  }
  return problems
}

/** One writer only: neither a second Capstan, nor a second of those that write the same HelmReleases. */
async function otherWriters(
  { cluster }: Pick<MigrateDeps, 'cluster'>,
  { olds, others, namespace }: { olds: readonly OldDeployment[]; others: readonly OldDeployment[]; namespace: string },
  signal: AbortSignal,
): Promise<string[]> {
  const query = { ...deploymentKind, labelSelector: 'app.kubernetes.io/name=capstan' }
  const elsewhere = (await cluster.list(query, signal)).filter(
    ({ metadata, spec }) => metadata.namespace !== namespace && (spec as { replicas?: number }).replicas !== 0,
  )
  const second = others.filter(
    (one) =>
      one.ancestor === 'helm-operator' && one.replicas > 0 && olds.some(({ ancestor }) => ancestor === one.ancestor),
  )
  return [
    ...elsewhere.map(
      ({ metadata }) =>
        `a Capstan runs in ${metadata.namespace} (${metadata.name}): give its namespace with --namespace, or stop it`,
    ),
    ...second
      .filter(({ argv }) => !argv.some((arg) => /^--?allow-namespace=./.test(arg)))
      .map(
        (one) => `another Helm Operator, ${one.namespace}/${one.name}, works on all HelmReleases: scale it to 0 first`,
      ),
  ]
}
