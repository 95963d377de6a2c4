import { toAppError } from '../../domain/error.ts'
import type { SyncReleaseDeps } from './deps.ts'
import type { Work } from './work.ts'

/** Makes the target namespace where the HelmRelease asks for it and it is missing. It is nobody's, and stays when the release goes. */
export async function createNamespace(
  { spec, signal }: Pick<Work, 'spec' | 'signal'>,
  { cluster, fence, log }: Pick<SyncReleaseDeps, 'cluster' | 'fence' | 'log'>,
): Promise<void> {
  if (!spec.createNamespace) return
  const ref = { apiVersion: 'v1', kind: 'Namespace', name: spec.targetNamespace }
  if (await cluster.get(ref, { metadataOnly: true, signal })) return
  fence.check()
  try {
    await cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: spec.targetNamespace } }, signal)
    log.info(
      { release: `${spec.namespace}/${spec.name}`, namespace: spec.targetNamespace },
      'made the target namespace',
    )
  } catch (error) {
    // somebody was faster
    if (toAppError(error).reason !== 'OtherWriter') throw error
  }
}
