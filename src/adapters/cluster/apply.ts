import { type KubeObject, refOf } from '../../domain/manifest/object.ts'
import type { FieldPath } from '../../domain/plan/field-path.ts'
import { asLive, letGo, withoutFields } from '../../domain/plan/ignore.ts'
import { type Api, getObject } from './objects.ts'
import { changeOwners } from './owners.ts'
import { type Applied, type ApplyOptions, sendApply } from './send-apply.ts'

/**
 * Server-side apply, as {@link sendApply}. Fields of `leaveAlone` are sent once, when the object is created, and then let go: they
 * are ours no longer, and what others write there stays. Where it stops half way the next apply goes on.
 */
export async function applyObject(
  api: Api,
  object: KubeObject,
  options: ApplyOptions,
  signal?: AbortSignal,
): Promise<Applied> {
  const { leaveAlone = [], ...rest } = options
  if (leaveAlone.length === 0) return await sendApply(api, object, rest, signal)
  const leaving = { api, object, paths: leaveAlone, options: rest }
  return options.dryRun ? await tryLeaving(leaving, signal) : await applyLeaving(leaving, signal)
}

type Leaving = { api: Api; object: KubeObject; paths: readonly FieldPath[]; options: ApplyOptions }

async function applyLeaving({ api, object, paths, options }: Leaving, signal?: AbortSignal): Promise<Applied> {
  const ref = refOf(object)
  const { object: live } = await changeOwners(api, { ref }, (known) => letGo(known, paths), signal)
  if (live) return await sendApply(api, withoutFields(object, paths, live), options, signal)
  const applied = await sendApply(api, object, options, signal)
  const { object: left } = await changeOwners(
    api,
    { ref, known: applied.object },
    (known) => letGo(known, paths),
    signal,
  )
  return { ...applied, object: left ?? applied.object }
}

async function tryLeaving({ api, object, paths, options }: Leaving, signal?: AbortSignal): Promise<Applied> {
  const live = await getObject(api, refOf(object), { signal })
  return await sendApply(api, live ? asLive(object, paths, live) : object, options, signal)
}
