import { toAppError } from '../../domain/error.ts'
import { idOf, type KubeObject, refOf } from '../../domain/manifest/object.ts'
import { isMadeBy, otherRelease } from '../../domain/release/helm-owner.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { readStored } from './revisions.ts'
import type { Work } from './work.ts'

type Looked = Pick<Work, 'spec' | 'revisions' | 'signal'>

/** The first object of a failed install that was there before it: to remove the release would take it along (complaint 10). */
export async function notMadeByInstall(work: Looked, deps: SyncReleaseDeps): Promise<string | undefined> {
  const found = (await liveObjects(work, deps)).find((object) => !isMadeBy(object, work.spec))
  return found && idOf(refOf(found))
}

/** What keeps a release from being uninstalled: the first of its objects that belongs to another release by now. */
export async function takenByOther(work: Looked, deps: SyncReleaseDeps): Promise<string | undefined> {
  for (const object of await liveObjects(work, deps)) {
    const other = otherRelease(object, work.spec)
    if (other) return `${object.kind} ${object.metadata.name} belongs to release ${other}`
  }
  return undefined
}

/**
 * Capstan itself runs from this release, as far as its chart made the Deployment of our namespace. It never uninstalls that: the chart's
 * hook stops Capstan first and waits until it has ended, which waits for its helm, which waits for the hook.
 */
export async function isCapstanItself(work: Looked, deps: SyncReleaseDeps): Promise<boolean> {
  const { ownNamespace: namespace } = deps
  if (work.spec.targetNamespace !== namespace) return false
  return (await liveObjects(work, deps)).some(
    ({ kind, metadata }) =>
      kind === 'Deployment' &&
      metadata.namespace === namespace &&
      metadata.labels?.['app.kubernetes.io/name'] === 'capstan',
  )
}

/** Those of the newest revision's manifest that are there; kinds that are not served any more have none. */
async function liveObjects(work: Looked, deps: SyncReleaseDeps): Promise<KubeObject[]> {
  const release = await readStored(work, deps)
  const found = await Promise.all(
    (release?.objects ?? []).map(async (ref) => {
      try {
        const where = { namespace: work.spec.targetNamespace, ...ref }
        return await deps.cluster.get(where, { metadataOnly: true, signal: work.signal })
      } catch (error) {
        if (toAppError(error).reason === 'UnknownKind') return undefined
        throw error
      }
    }),
  )
  return found.filter((object) => object !== undefined)
}
