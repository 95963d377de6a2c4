import { AppError } from '../../domain/error.ts'
import { idOf, type KubeObject, refOf } from '../../domain/manifest/object.ts'
import { type FieldPath, removeFields } from '../../domain/plan/field-path.ts'
import type { Conflict } from '../../domain/plan/fights.ts'
import { initialManager } from '../../domain/plan/ignore.ts'
import { fieldManager } from '../../domain/plan/live.ts'
import { antecedentAnnotation } from '../../domain/release/ownership.ts'
import { exactJson } from '../../lib/exact-json.ts'
import { conflictsOf, nameConflicts } from './conflicts.ts'
import { maxMessageLength, parseStatus, parseWarnings } from './failure.ts'
import { type Api, asked, getObject, locate, metadataOf, objectOf, partial, urgencyOf } from './objects.ts'
import type { Answer } from './send.ts'

export type ApplyOptions = {
  /** Take fields over from other managers. Without it a conflict is refused first, so that its managers can be named. */
  force: boolean
  dryRun?: boolean
  /** The answer is the object's metadata alone: less to send and to read. Not with `leaveAlone`. */
  metadataOnly?: boolean
  /** Field manager; default `capstan`. */
  fieldManager?: string
  /** Fields that are set when the object is created, and neither owned nor changed after that. One read and at most one write more. */
  leaveAlone?: readonly FieldPath[]
  /** `everybody`: fields that other managers own are left to them, whatever `force` says. Default `nobody`. */
  yieldTo?: 'nobody' | 'everybody'
}

/** What the API server answered to a server-side apply. */
export type Applied = {
  /** The object as it is now, managedFields included. */
  object: KubeObject
  created: boolean
  warnings: string[]
  /** Managers overruled by force, as `manager: .spec.replicas, .spec.x`. Empty when there was no conflict. */
  overruled: string[]
  /** The same, for programs. */
  conflicts: Conflict[]
  /** Managers to which fields were left, because of `yieldTo`; as `overruled`. */
  yielded: string[]
}

const deadlineMs = 60_000
/** Who writes in between can make a new conflict. */
const maxYields = 5

/**
 * Server-side apply. It is sent without force first, since only a refusal names the managers that own the fields; with force
 * it is sent again and takes them over. So a second request is made for conflicts alone. Fields of a release of ours are never
 * taken: that is an error in git, thrown as `FieldConflict`.
 */
export async function sendApply(
  api: Api,
  object: KubeObject,
  options: ApplyOptions,
  signal?: AbortSignal,
): Promise<Applied> {
  const yields = options.yieldTo === 'everybody'
  const yielded: Conflict[] = []
  let sent = object
  for (let attempt = 0; ; attempt++) {
    const answer = await patch(api, sent, { ...options, force: false }, signal)
    const met = answer.status === 409 ? conflictsOf(parseStatus(answer.text), sent) : []
    if (met.length === 0) return outcome(api, { sent, options }, answer, { overruled: [], yielded })
    await refuseRelease(api, object, met, signal)
    const others = met.filter(({ manager }) => manager !== fieldManager && manager !== initialManager)
    if (yields && others.length > 0 && attempt < maxYields) {
      yielded.push(...others)
      sent = removeFields(
        sent,
        others.flatMap(({ fields }) => fields),
      )
      continue
    }
    if ((yields && others.length > 0) || (!yields && !options.force)) throw conflict(idOf(refOf(object)), met)
    const forced = await patch(api, sent, { ...options, force: true }, signal)
    const overruled = met.filter(({ manager }) => manager !== initialManager)
    return outcome(api, { sent, options }, forced, { overruled, yielded })
  }
}

async function patch(api: Api, object: KubeObject, options: ApplyOptions, signal?: AbortSignal): Promise<Answer> {
  const ref = refOf(object)
  return await api.send({
    method: 'PATCH',
    path: await locate(api, ref, signal),
    query: {
      fieldManager: options.fieldManager ?? fieldManager,
      force: String(options.force),
      fieldValidation: 'Warn',
      ...(options.dryRun ? { dryRun: 'All' } : {}),
    },
    // The server reads JSON under this type as well.
    headers: {
      'content-type': 'application/apply-patch+yaml',
      ...(options.metadataOnly ? { accept: partial('PartialObjectMetadata') } : {}),
    },
    body: exactJson(object),
    urgency: urgencyOf(ref, 'write'),
    deadlineMs,
    idempotent: true,
    signal,
  })
}

type Met = { overruled: Conflict[]; yielded: Conflict[] }

type Request = { sent: KubeObject; options: ApplyOptions }

function outcome(api: Api, { sent, options }: Request, answer: Answer, { overruled, yielded }: Met): Applied {
  const object = objectOf(api, answer, asked('apply', refOf(sent)))
  return {
    object: options.metadataOnly ? metadataOf(object, sent) : object,
    created: answer.status === 201,
    warnings: parseWarnings(answer.headers.warning),
    overruled: nameConflicts(overruled),
    conflicts: overruled,
    yielded: nameConflicts(yielded),
  }
}

function conflict(id: string, met: readonly Conflict[]): AppError {
  const message = `Other managers own fields of ${id}: ${nameConflicts(met).join('; ')}.`
  return new AppError('FieldConflict', message.slice(0, maxMessageLength))
}

/** Ruling 2: git and a release of ours both say what a field is. Forced, each would undo the other for ever. */
async function refuseRelease(
  api: Api,
  object: KubeObject,
  met: readonly Conflict[],
  signal?: AbortSignal,
): Promise<void> {
  const byHelm = met.filter(({ manager }) => manager.startsWith('helm'))
  if (byHelm.length === 0) return
  const ref = refOf(object)
  const live = await getObject(api, ref, { metadataOnly: true, signal })
  const release = live?.metadata.annotations?.['meta.helm.sh/release-name']
  const owner = live?.metadata.annotations?.[antecedentAnnotation]
  if (!release || !owner) return
  const message = `Release ${release} of ${owner} owns fields of ${idOf(ref)}: ${nameConflicts(byHelm).join('; ')}. Take the object out of git or out of the chart.`
  throw new AppError('FieldConflict', message.slice(0, maxMessageLength))
}
