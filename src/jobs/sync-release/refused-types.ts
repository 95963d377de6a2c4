import type { HelmOutcome, PreviewRequest } from '../../adapters/helm/index.ts'
import { toAppError } from '../../domain/error.ts'
import { objectsOf } from '../../domain/release/manifest-changes.ts'
import type { SyncReleaseDeps } from './deps.ts'
import type { Work } from './work.ts'

/** A value of a type that the field cannot have: no write of this object can succeed. */
const wrongType = /failed to create typed patch object[\s\S]*expected [^,]+, got /

/**
 * What helm 3.7 and the Operator found before anything was stored, and newer helms leave to the API server: values of a wrong type.
 * An upgrade that begins with them makes a failed revision and would be rolled back, though nothing can have changed (helm-operator
 * §4.2). Asked by dry runs; what cannot be asked is left to helm. Undefined when there is nothing to say.
 */
export async function findWrongTypes(
  request: PreviewRequest,
  { signal }: Pick<Work, 'signal'>,
  deps: SyncReleaseDeps,
): Promise<Extract<HelmOutcome, { ok: false }> | undefined> {
  const preview = await deps.helm.preview(request, signal)
  signal.throwIfAborted()
  if (!preview.ok) return undefined
  const refusals = await Promise.all(
    objectsOf(preview.manifest, request.namespace).map(async (object) => {
      try {
        await deps.cluster.apply(object, { force: false, dryRun: true, metadataOnly: true }, signal)
        return []
      } catch (error) {
        signal.throwIfAborted()
        const { message } = toAppError(error)
        return wrongType.test(message) ? [message] : []
      }
    }),
  )
  const [first] = refusals.flat()
  if (first === undefined) return undefined
  const message = deps.redactor.redact(`nothing was upgraded, since the API server cannot take it: ${first}`)
  return { ok: false, reason: 'HelmFailed', message: message.replace(/\s+/g, ' ').slice(0, 1_000) }
}
