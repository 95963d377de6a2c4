import type { Cluster } from '../adapters/cluster/index.ts'
import { toAppError } from '../domain/error.ts'
import type { ObjectRef } from '../domain/manifest/object.ts'
import type { Fence } from '../domain/work/fence.ts'

type Deps = { cluster: Pick<Cluster, 'get' | 'create' | 'patch'>; fence: Pick<Fence, 'check'> }

/** Time of the newest request that was answered: an older one comes too late, and a copy of an old one does nothing. */
const answeredAnnotation = 'capstan.dev/answered-request'
/** Others write to the same object; who loses reads it again. */
const tries = 5

/** What is written where; `null` takes a field away. With `labels` the object is made where it is missing. */
export type Answer = {
  ref: ObjectRef
  annotations: Record<string, string | null>
  spec?: Record<string, unknown>
  labels?: Record<string, string>
}

/**
 * Writes what a request asked for onto an object. Reads first and writes only what was read (resource version). `at`: RFC 3339, of the
 * request. `overtaken`: a later request was answered before.
 */
export async function writeAnswer(
  answer: Answer,
  at: string,
  deps: Deps,
  signal: AbortSignal,
): Promise<'written' | 'overtaken'> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tryWrite(answer, at, deps, signal)
    } catch (error) {
      if (toAppError(error).reason !== 'OtherWriter' || attempt === tries) throw error
    }
  }
}

async function tryWrite(
  { ref, annotations, spec, labels }: Answer,
  at: string,
  { cluster, fence }: Deps,
  signal: AbortSignal,
): Promise<'written' | 'overtaken'> {
  const found = await cluster.get(ref, { metadataOnly: true, signal })
  const last = found?.metadata.annotations?.[answeredAnnotation] ?? ''
  if (last > at) return 'overtaken'
  const noted = { ...annotations, [answeredAnnotation]: at }
  fence.check()
  if (found || !labels) {
    const { resourceVersion } = found?.metadata ?? {}
    const metadata = { annotations: noted, ...(resourceVersion ? { resourceVersion } : {}) }
    await cluster.patch(ref, { metadata, ...(spec ? { spec } : {}) }, { signal })
    return 'written'
  }
  const set = Object.entries(noted).filter((entry): entry is [string, string] => entry[1] !== null)
  const { apiVersion, kind, namespace = '', name } = ref
  await cluster.create(
    { apiVersion, kind, metadata: { name, namespace, labels, annotations: Object.fromEntries(set) } },
    signal,
  )
  return 'written'
}
