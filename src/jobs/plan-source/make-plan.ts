import type { Cluster } from '../../adapters/cluster/index.ts'
import { AppError } from '../../domain/error.ts'
import { ofTheWhole } from '../../domain/manifest/problem.ts'
import type { Change } from '../../domain/plan/change.ts'
import { diffObjects } from '../../domain/plan/diff.ts'
import { secretValues } from '../../domain/plan/masked.ts'
import { countChanges, type Plan, plainObject, type PlannedChange, plannedHolds } from '../../domain/plan/plan.ts'
import type { Request } from '../../domain/work/request.ts'
import type { Redactor } from '../../lib/redactor.ts'
import { beginStep } from '../../lib/progress.ts'
import type { Requests } from '../requests.ts'
import type { DesiredObject } from '../sync-source/desired.ts'
import type { Sync, SyncSourceDeps } from '../sync-source/sync.ts'
import { readState, sendingsOf, sortOut } from './desired-state.ts'
import { type FieldsDropped, type Tried, tryApply } from './dry-run.ts'
import { createMissing } from './missing.ts'
import { planRemovals } from './removals.ts'
import { findCompared } from './revision.ts'
import { setApart } from './sealed.ts'
import type { Gunzip } from './upload.ts'

export type MakePlanDeps = SyncSourceDeps & {
  requests: Pick<Requests, 'files'>
  redactor: Redactor
  gunzip: Gunzip
  fieldsDropped: FieldsDropped
}

/** Objects that are in memory at once, each up to three times. */
const atOnce = 200
const mostWarnings = 100

/** The change set that the request asks for, masked. Reads the cluster and tries objects by dry runs; writes nothing. */
export async function makePlan(
  { id, namespace, name, ask }: Request,
  deps: MakePlanDeps,
  signal: AbortSignal,
): Promise<Pick<Plan, 'revision' | 'changes' | 'counts' | 'held' | 'warnings'>> {
  const source = deps.sources.get(namespace, name)
  if (!source || ask.kind !== 'plan-source')
    throw new AppError('Unconfigured', `There is no source ${namespace}/${name} (any more).`, { retry: 'never' })
  const compared = await findCompared({ spec: source, ask, id }, deps, signal)
  beginStep(deps.log, 'reading git and the cluster')
  const sync = await readState(compared.spec, compared.deps, signal)
  const sorted = sortOut(sync, ask.full, deps)
  const apart = setApart(sorted.wanted, sync.desired, compared.sealed ?? new Set())
  const left = [...sorted.left, ...apart.left]
  const { wanted } = apart
  const tried = await tryAll(wanted, { sync, reading: compared.deps, deps }, signal)
  const problems = apart.problems.map((problem): Change => ({ id: '', ...ofTheWhole(problem), action: 'failed' }))
  const removals = planRemovals(sync, tried.failed, deps.now())
  const changes = [...problems, ...tried.changes, ...left, ...removals.changes]
  const unchanged = sync.desired.objects.length - tried.changes.length - left.filter(({ id }) => id !== '').length
  const warnings = [...noticesOf(sync), ...removals.warnings, ...tried.warnings].slice(0, mostWarnings)
  const { redact } = deps.redactor
  return {
    revision: compared.revision || sync.revision,
    changes: changes.map((change) => ({ ...change, ...(change.message ? { message: redact(change.message) } : {}) })),
    counts: countChanges(changes, { unchanged, held: removals.held.length }),
    held: plannedHolds(removals.held, compared.revision === 'upload' ? '' : sync.commit),
    warnings: warnings.map(redact),
  }
}

/** What people should know before they trust the plan. */
function noticesOf({ ledger, head, desired }: Sync): string[] {
  const { suspended } = ledger
  return [
    ...(suspended
      ? [`the source is suspended by ${suspended.by || 'somebody'}: nothing is applied before it is resumed`]
      : []),
    ...(head.refused ? [`commit ${head.refused.commit} is not applied: ${head.refused.why}`] : []),
    ...desired.warnings.map(({ file, line, message }) => `${file}:${line}: ${message}`),
  ]
}

type Parts = { sync: Sync; reading: SyncSourceDeps; deps: MakePlanDeps }
type All = { changes: PlannedChange[]; failed: Set<string>; warnings: string[] }

/** Secrets come first and are known to the redactor before anything is shown, since their values may stand in other objects too. */
async function tryAll(wanted: readonly DesiredObject[], parts: Parts, signal: AbortSignal): Promise<All> {
  const all: All = { changes: [], failed: new Set(), warnings: [] }
  if (wanted.length === 0) return all
  const tick = beginStep(parts.deps.log, 'comparing objects', wanted.length)
  const forget = await learnSecrets(parts, signal)
  try {
    const secrets = wanted.filter(isSecret)
    const others = wanted.filter((object) => !isSecret(object))
    for (const group of [secrets, ...chunks(others)]) {
      const tried = await tryGroup(group, parts, signal)
      forget.push(parts.deps.redactor.register(tried.flatMap(valuesOf)))
      for (const one of tried) note(one, parts, all)
      for (const _one of group) tick()
    }
    const place = new Map(wanted.map(({ id }, index) => [id, index]))
    all.changes.sort((a, b) => (place.get(a.id) ?? 0) - (place.get(b.id) ?? 0))
    return all
  } finally {
    for (const one of forget) one()
  }
}

/** Every Secret in git, also those that stay as they are. */
async function learnSecrets({ sync, reading, deps }: Parts, signal: AbortSignal): Promise<(() => void)[]> {
  const sendings = await sendingsOf(sync.desired.objects.filter(isSecret), sync, reading, signal)
  return [deps.redactor.register(sendings.flatMap(({ object }) => secretValues(object)))]
}

function isSecret({ ref }: DesiredObject): boolean {
  return ref.kind === 'Secret' && ref.apiVersion === 'v1'
}

function chunks(objects: readonly DesiredObject[]): DesiredObject[][] {
  const count = Math.ceil(objects.length / atOnce)
  return Array.from({ length: count }, (_, index) => objects.slice(index * atOnce, (index + 1) * atOnce))
}

type TriedObject = Tried & { key: string }

async function tryGroup(group: readonly DesiredObject[], parts: Parts, signal: AbortSignal): Promise<TriedObject[]> {
  const { sync, reading, deps } = parts
  const cluster: Pick<Cluster, 'get' | 'apply' | 'resource'> = sync.cluster
  const trying = {
    cluster,
    missing: createMissing(sync, cluster, signal),
    fieldsDropped: deps.fieldsDropped,
    isLive: (key: string) => sync.live.has(key),
  }
  const sendings = await sendingsOf(group, sync, reading, signal)
  const answers = await Promise.all(
    sendings.map(async (sending) => {
      const tried = await tryApply(sending, trying, signal)
      return tried && { ...tried, key: sending.desired.key }
    }),
  )
  return answers.filter((answer) => answer !== undefined)
}

function valuesOf({ before, after }: Tried): string[] {
  return [before, after].flatMap((object) => (object ? secretValues(object) : []))
}

function note({ key, change, before, after, warnings }: TriedObject, { deps }: Parts, all: All): void {
  const { redact } = deps.redactor
  const diff = diffObjects(before && plainObject(before), after && plainObject(after), redact)
  all.changes.push({ ...change, ...(diff ? { diff } : {}) })
  all.warnings.push(...warnings.map((warning) => `${change.id}: ${warning}`))
  if (change.action === 'failed') all.failed.add(key)
}
