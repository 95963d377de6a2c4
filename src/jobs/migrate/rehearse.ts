import { toAppError } from '../../domain/error.ts'
import { gcMarkLabel } from '../../domain/manifest/annotations.ts'
import { idOf, type KubeObject, type ObjectRef, refOf } from '../../domain/manifest/object.ts'
import { markOf } from '../../domain/migrate/in-git.ts'
import type { OldFacts } from '../../domain/migrate/old-facts.ts'
import { ownedHash } from '../../domain/plan/live.ts'
import { wouldChange } from '../../domain/plan/plan.ts'
import { fieldsDropped } from '../../domain/plan/take-over.ts'
import type { MigrateDeps } from './deps.ts'

/** An object that fluxd applied. */
export type Marked = { ref: ObjectRef; uid: string }

/** What a first sync would do to everything that fluxd applied; `changed` and `refused` are for people. */
export type Rehearsal = { objects: Marked[]; changed: string[]; refused: string[] }

type Reading = Pick<MigrateDeps, 'cluster'>

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'
const atOnce = 8

/**
 * Applies what fluxd applied last to each of its objects, by a dry run on the server: nothing is written (ruling 2). What fluxd
 * applied last is what git says, as kubectl noted it on the object; so it needs no repository.
 */
export async function rehearse(deps: Reading, facts: OldFacts, signal: AbortSignal): Promise<Rehearsal> {
  const objects = await markedObjects(deps, facts, signal)
  const rehearsal: Rehearsal = { objects: [], changed: [], refused: [] }
  const left = [...objects]
  const workers = Array.from({ length: atOnce }, async () => {
    for (let one = left.shift(); one; one = left.shift()) {
      const found = await rehearseOne(deps, one, signal)
      if (!found) continue
      rehearsal.objects.push({ ref: found.ref, uid: found.uid })
      if (found.refused) rehearsal.refused.push(found.refused)
      else if (found.changes) rehearsal.changed.push(idOf(found.ref))
    }
  })
  await Promise.all(workers)
  return { ...rehearsal, changed: rehearsal.changed.toSorted(), refused: rehearsal.refused.toSorted() }
}

/** Those of them that are gone or were made again. */
export async function lostSince(
  { cluster }: Reading,
  objects: readonly Marked[],
  signal: AbortSignal,
): Promise<string[]> {
  const lost: string[] = []
  for (const { ref, uid } of objects) {
    const now = await cluster.get(ref, { metadataOnly: true, signal })
    if (!now) lost.push(`${idOf(ref)} was deleted`)
    else if (now.metadata.uid !== uid) lost.push(`${idOf(ref)} was made again`)
  }
  return lost
}

/** What carries this fluxd's mark, in every kind that can be listed. */
async function markedObjects({ cluster }: Reading, facts: OldFacts, signal: AbortSignal): Promise<KubeObject[]> {
  // with variables of the container in its URL its mark is not known here: then every mark counts
  const mark = markOf(facts)
  const kinds = (await cluster.resources(signal)).filter(
    ({ verbs, plural }) => verbs.includes('list') && verbs.includes('patch') && !plural.includes('/'),
  )
  const found = new Map<string, KubeObject>()
  for (const { group, version, kind } of kinds) {
    const apiVersion = group === '' ? version : `${group}/${version}`
    const query = { apiVersion, kind, labelSelector: gcMarkLabel, metadataOnly: true }
    for (const object of await listed({ cluster }, query, signal)) {
      const whole = { ...object, apiVersion, kind }
      if (!mark || whole.metadata.labels?.[gcMarkLabel] === mark(whole))
        found.set(object.metadata.uid ?? idOf(refOf(whole)), whole)
    }
  }
  return [...found.values()]
}

/** A kind that we may not see is one that fluxd's own list does not tell us of. */
async function listed(
  { cluster }: Reading,
  query: { apiVersion: string; kind: string; labelSelector: string; metadataOnly: boolean },
  signal: AbortSignal,
): Promise<KubeObject[]> {
  try {
    return await cluster.list(query, signal)
  } catch (error) {
    const { reason } = toAppError(error)
    if (reason === 'UnknownKind' || reason === 'Forbidden') return []
    throw error
  }
}

type Rehearsed = Marked & { changes: boolean; refused?: string }

async function rehearseOne(
  { cluster }: Reading,
  meta: KubeObject,
  signal: AbortSignal,
): Promise<Rehearsed | undefined> {
  const wanted = wantedOf(meta)
  const ref = wanted ? refOf(wanted) : refOf(meta)
  const live = await cluster.get(ref, { signal })
  if (!live) return undefined
  const about = { ref, uid: live.metadata.uid ?? '' }
  if (!wanted) return { ...about, changes: false }
  try {
    const { object } = await cluster.apply(wanted, { force: true, dryRun: true }, signal)
    const after = ownedHash(live) === '' ? fieldsDropped(object, wanted) : object
    return { ...about, changes: wouldChange(live, after) }
  } catch (error) {
    const { reason, message } = toAppError(error)
    if (signal.aborted || reason === 'ClusterUnavailable') throw error
    return { ...about, changes: false, refused: `${idOf(ref)}: ${message}` }
  }
}

/** What kubectl noted as applied last; undefined where it did not. */
function wantedOf({ metadata }: KubeObject): KubeObject | undefined {
  try {
    const wanted = JSON.parse(metadata.annotations?.[lastApplied] ?? 'null') as KubeObject | null
    if (typeof wanted?.metadata?.name !== 'string') return undefined
    return metadata.namespace ? { ...wanted, metadata: { ...wanted.metadata, namespace: metadata.namespace } } : wanted
  } catch {
    return undefined
  }
}
