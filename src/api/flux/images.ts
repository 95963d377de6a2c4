import { setTimeout as sleep } from 'node:timers/promises'
import { isPoor, knownImages, type KnownImage, type KnownImages } from '../../domain/image/known-images.ts'
import { type ImageRef, printRef, repositoryOf, withTag } from '../../domain/image/ref.ts'
import { readPolicyText } from '../../domain/image/workload.ts'
import type { Views } from '../../views/create-views.ts'
import type { AppOptions } from '../app-options.ts'
import type { WorkloadRow } from '../../views/workload-rows.ts'
import { userError } from './errors.ts'
import { readId } from './workloads.ts'

/** In the place of an ID: every workload. */
export const everyWorkload = '<all>'

/** Repositories that one list has looked at anew; what is left is asked for by the next. */
const mostAsked = 50

/** So long a list waits for what it has looked at: what a registry nearby needs for some tags. */
const patienceMs = 4_000
const askAgainMs = 100

/** An image with Go's names of fields. */
type ImageInfo = { ID: string; Digest?: string; CreatedAt?: string }
type ContainerFields = Record<string, string | number | ImageInfo | ImageInfo[] | undefined>
export type ImageStatus = { ID: string; Containers: ContainerFields[] | null }

type Facts = { name: string; image: ImageRef; known: KnownImages }

/** Every field of a container, by the name that a caller may ask for (flux-v1 §23). */
const fields: Readonly<Record<string, (facts: Facts) => ContainerFields[string]>> = {
  Name: ({ name }) => name,
  // nothing at all where nothing is known: fluxctl prints `(untagged)` then, as it did
  Current: ({ image, known }) => (known.all.length > 0 ? infoOf(image, known.current) : { ID: '' }),
  LatestFiltered: ({ image, known: { wanted } }) => wanted && infoOf(image, wanted),
  Available: ({ image, known: { all } }) => (all.length > 0 ? all.map((one) => infoOf(image, one)) : undefined),
  AvailableError: ({ known }) => known.problem || undefined,
  AvailableImagesCount: ({ known }) => known.all.length,
  NewAvailableImagesCount: ({ known }) => known.newer,
  FilteredImagesCount: ({ known }) => known.filtered.length,
  NewFilteredImagesCount: ({ known }) => known.newerFiltered,
}

/**
 * What is known of the images that workloads could have: of one, or of all in a namespace (everywhere where it is empty). What is not
 * known is asked for and waited for a moment; the next list has what takes longer (ruling 16).
 */
export async function listImages(
  query: { service?: string; namespace?: string; containerFields?: string },
  { views, enqueue }: { views: Views } & Pick<AppOptions, 'enqueue'>,
): Promise<ImageStatus[]> {
  const { service = everyWorkload, namespace = '', containerFields = '' } = query
  const isOne = service !== '' && service !== everyWorkload
  if (isOne && namespace !== '') throw userError("cannot filter by 'namespace' and 'workload' at the same time")
  const wanted = containerFields === '' ? Object.keys(fields) : containerFields.split(',')
  const unknown = wanted.find((name) => !Object.hasOwn(fields, name))
  if (unknown !== undefined) throw userError(`${unknown} is an invalid field`)
  const rows = await views.workloads(isOne ? { ids: [readId(service)] } : { namespace })
  const used = rows.flatMap(({ containers, object }) =>
    containers.map(({ image }) => ({ namespace: object.metadata.namespace ?? '', repository: repositoryOf(image) })),
  )
  const known = await views.repositories(used)
  const poor = views.does('images') ? used.filter((one) => isPoor(known(one))) : []
  const looks: { jobId: string; isHopeful: boolean }[] = []
  for (const [name, [one]] of [...Map.groupBy(poor, ({ repository }) => repository)].slice(0, mostAsked)) {
    const work = { kind: 'scan-image', namespace: '', name, reason: 'requested by fluxctl', lane: 'person' } as const
    // a registry that failed a moment ago is not worth anybody's time
    looks.push({ ...(await enqueue(work)), isHopeful: one !== undefined && known(one)?.failure === undefined })
  }
  const hopeful = looks.filter(({ isHopeful }) => isHopeful)
  await untilEnded(hopeful, views)
  const repositories = hopeful.length > 0 ? await views.repositories(used) : known
  return rows.map((row) => ({ ID: row.id, Containers: containersOf(row, { wanted, repositories }) }))
}

async function untilEnded(looks: readonly { jobId: string }[], views: Views): Promise<void> {
  const deadline = performance.now() + patienceMs
  for (const { jobId } of looks) {
    while (performance.now() < deadline) {
      const state = (await views.job(jobId))?.state
      if (state !== 'waiting' && state !== 'active') break
      await sleep(askAgainMs)
    }
  }
}

function containersOf(
  { containers, policies, object }: WorkloadRow,
  { wanted, repositories }: { wanted: readonly string[]; repositories: Awaited<ReturnType<Views['repositories']>> },
): ContainerFields[] | null {
  if (containers.length === 0) return null
  return containers.map(({ name, image }) => {
    const policy = readPolicyText(object, policies, name)
    const known = knownImages(
      { image, policy },
      repositories({ namespace: object.metadata.namespace ?? '', repository: repositoryOf(image) }),
    )
    return Object.fromEntries(wanted.map((field) => [field, fields[field]?.({ name, image, known })]))
  })
}

/** In the form that the workload has; the ancestor's, too, is without a digest in the name. */
function infoOf(image: ImageRef, { tag, digest, created }: KnownImage): ImageInfo {
  const { domain, path } = image
  return {
    ID: printRef(tag === '' ? image : withTag({ domain, path }, tag)),
    ...(digest === '' ? {} : { Digest: digest }),
    ...(created === undefined ? {} : { CreatedAt: new Date(created).toISOString() }),
  }
}
