import { AppError } from '../../domain/error.ts'
import type { Ancestor } from '../../domain/manifest/ancestor.ts'
import type { KubeObject } from '../../domain/manifest/object.ts'
import type { OldDeployment } from '../../domain/migrate/old-deployment.ts'
import { type OldFacts, valueOf } from '../../domain/migrate/old-facts.ts'
import type { Note } from '../../domain/migrate/part.ts'
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
}

const capstanLabel = 'app.kubernetes.io/name=capstan'

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
  const capstans = (await deps.cluster.list({ ...deploymentKind, labelSelector: capstanLabel }, signal)).filter(
    ({ spec }) => (spec as { replicas?: number }).replicas !== 0,
  )
  // one that stands still since somebody went back does nothing that must go on
  const goesOn = capstans.some(({ metadata }) => metadata.namespace === namespace)
  const installed = goesOn ? await deps.helm.values(signal) : undefined
  const running = others.filter(({ replicas }) => replicas > 0)
  const goOn = new Set<Ancestor>(running.map(({ ancestor }) => ancestor))
  const plan = planMove({ halves, releases, installed, goOn })
  const checks = [
    ...(await missingRights(deps, { olds, namespace, clusterRole: plan.values.clusterRole }, signal)),
    ...otherCapstans(capstans, namespace),
    ...otherOperators(olds, running),
  ]
  return {
    olds,
    namespace,
    plan: checks.length > 0 ? { ...plan, notes: [...plan.notes, { about: 'checks', notes: checks }] } : plan,
    releases,
    rehearsal: fluxd ? await rehearse(deps, fluxd, signal) : undefined,
    installed,
  }
}

type Right = { verb: string; group: string; resource: string; namespace?: string }

/** Whoever moves must be able to scale the old one, to write Secrets, and to give Capstan its rights. */
async function missingRights(
  { cluster }: Pick<MigrateDeps, 'cluster'>,
  { olds, namespace, clusterRole }: { olds: readonly OldDeployment[]; namespace: string; clusterRole: unknown },
  signal: AbortSignal,
): Promise<Note[]> {
  const isWide = (clusterRole as { create?: boolean } | undefined)?.create === true
  const rights: Right[] = [
    ...olds.map((old) => ({ verb: 'patch', group: 'apps', resource: 'deployments', namespace: old.namespace })),
    { verb: 'create', group: '', resource: 'secrets', namespace },
    { verb: 'create', group: 'apps', resource: 'deployments', namespace },
    { verb: '*', group: '*', resource: '*', ...(isWide ? {} : { namespace }) },
  ]
  const missing: Note[] = []
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
    const text = `you may not ${right.verb} ${right.resource}${where}: ask for that right, or let somebody move who has it`
    missing.push({ subject: 'rights', became: 'refused', text })
  }
  return missing
}

/** One writer only. */
function otherCapstans(capstans: readonly KubeObject[], namespace: string): Note[] {
  return capstans
    .filter(({ metadata }) => metadata.namespace !== namespace)
    .map(({ metadata: { namespace: where, name } }) => ({
      subject: `Deployment ${where}/${name}`,
      became: 'refused',
      text: 'a Capstan runs there: name its namespace with --namespace, or make sure that both never touch the same objects',
      accept: 'other-capstan',
    }))
}

function otherOperators(olds: readonly OldDeployment[], running: readonly OldDeployment[]): Note[] {
  if (!olds.some(({ ancestor }) => ancestor === 'helm-operator')) return []
  return running
    .filter(
      ({ ancestor, argv }) => ancestor === 'helm-operator' && !argv.some((arg) => /^--?allow-namespace=./.test(arg)),
    )
    .map(({ namespace, name }) => ({
      subject: `Deployment ${namespace}/${name}`,
      became: 'refused',
      text: 'another Helm Operator works on all HelmReleases: scale it to 0 first',
      accept: 'other-operator',
    }))
}
