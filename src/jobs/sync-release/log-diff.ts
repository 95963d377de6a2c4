import { changesBetween, objectsOf } from '../../domain/release/manifest-changes.ts'
import { secretValues } from '../../domain/plan/masked.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { latestOf } from './keep-record.ts'
import { readStoredSecret } from './revisions.ts'
import type { Work } from './work.ts'

/**
 * With `--log-release-diffs`: one line in the log for each object that an upgrade changed, with its diff, as helm stored both revisions.
 * Secrets are masked. `before` is helm's number of the revision before. Costs two reads and no helm run.
 */
export async function logDiff(before: number, work: Work, deps: SyncReleaseDeps): Promise<void> {
  const { spec } = work
  if (!deps.logDiffs || before === 0) return
  const [old, fresh] = [await readObjects(before, work, deps), await readObjects(latestOf(work), work, deps)]
  if (!old || !fresh) return
  const forget = deps.redactor.register([...old, ...fresh].flatMap(secretValues))
  try {
    const { changes } = changesBetween(old, fresh, deps.redactor.redact)
    const release = `${spec.namespace}/${spec.name}`
    for (const { id, action, diff = '' } of changes)
      deps.log.info({ release, object: id, diff }, `upgrade of ${spec.release}: ${id} ${action}`)
  } finally {
    forget()
  }
}

async function readObjects(revision: number, work: Work, deps: SyncReleaseDeps) {
  const secret = await readStoredSecret(work, revision, deps)
  const stored = secret && deps.decode(secret)
  return stored && objectsOf(stored.manifest, work.spec.targetNamespace)
}
