import { AppError } from '../../domain/error.ts'
import type { ContainerImages, WorkloadImages } from '../../domain/image/answer.ts'
import { readTags, tagsKey } from '../../domain/image/facts.ts'
import { tagsNeededBy } from '../../domain/image/plan-updates.ts'
import { parsePolicy, type PolicyText } from '../../domain/image/policy.ts'
import { parseRef, printRef, repositoryOf } from '../../domain/image/ref.ts'
import { traceTags } from '../../domain/image/trace.ts'
import { sealed, type Workload } from '../../domain/image/workload.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { readKnownHead } from '../read-known-head.ts'
import { accessTo, type UsedBy } from '../scan-image/access.ts'
import { scopeOf } from '../scan-image/scope.ts'
import { readWorkloads } from '../scan-image/workloads.ts'
import type { UpdateImagesDeps } from './deps.ts'
import { type Facts, readFacts } from './read-facts.ts'

/** Tags of one container in an answer, where not all were asked for. */
const shownTags = 20
/** Tags of one container in an answer about one workload (≤ 5 MB in all). */
const mostTags = 5_000

/**
 * Why which tags are chosen, of one workload or of all that have images: every tag with the rule that took or refused it. What the
 * store knows is enough; what was never listed is listed now.
 */
export async function listImages(
  spec: SourceSpec,
  { workload: wanted, all }: { workload: string; all: boolean },
  deps: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<WorkloadImages[]> {
  const { commit } = await readKnownHead(spec, deps, signal)
  const workloads = (await readWorkloads(spec, { commit, scope: 'all' }, deps, signal)).filter(
    ({ id }) => wanted === '' || id === wanted,
  )
  const containers = workloads.flatMap((workload) => workload.containers)
  const facts = await readFacts(
    {
      repositories: new Set(containers.map(({ image }) => repositoryOf(image))),
      usedBy: { spec, workloads },
      needed: (repository, tags) => tagsNeededBy(containers, repository, tags),
      from: 'store',
    },
    deps,
    signal,
  )
  const most = all && wanted !== '' ? mostTags : shownTags
  const listed: WorkloadImages[] = []
  for (const workload of workloads) {
    const found: ContainerImages[] = []
    for (const container of workload.containers)
      found.push(
        await explain(
          { usedBy: { spec, workloads: [workload] }, isAutomated: workload.isAutomated, container, most },
          facts,
          deps,
          signal,
        ),
      )
    const { id, file, isAutomated, blockedBy = '', isSealed } = workload
    const blocks = [blockedBy, isSealed ? sealed : ''].filter((one) => one !== '').join(', ')
    listed.push({ id, file, isAutomated, blockedBy: blocks, containers: found })
  }
  return listed
}

/** What a policy would choose of the tags of an image, as if one workload had it. */
export async function testPolicy(
  spec: SourceSpec,
  { policy, image: text }: { policy: PolicyText; image: string },
  deps: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<WorkloadImages[]> {
  const image = parseRef(text)
  if (!image) throw new AppError('NotEditable', `'${text}' is no image`, { retry: 'never' })
  const { commit } = await readKnownHead(spec, deps, signal)
  const workloads = await readWorkloads(spec, { commit, scope: 'all' }, deps, signal)
  const container = { name: '', image, policy, path: [], text }
  const wanted = {
    repositories: [repositoryOf(image)],
    usedBy: { spec, workloads },
    needed: (repository: string, tags: readonly string[]) => tagsNeededBy([container], repository, tags),
    from: 'store' as const,
  }
  const facts = await readFacts(wanted, deps, signal)
  const found = await explain(
    { usedBy: { spec, workloads }, isAutomated: false, container, most: mostTags },
    facts,
    deps,
    signal,
  )
  return [{ id: '', file: '', isAutomated: false, blockedBy: '', containers: [found] }]
}

async function explain(
  asked: {
    usedBy: UsedBy
    isAutomated: boolean
    container: Workload['containers'][number]
    most: number
  },
  { known, failures }: Facts,
  deps: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<ContainerImages> {
  const { container, most } = asked
  const { name, image } = container
  const repository = repositoryOf(image)
  const access = await accessTo(repository, [asked.usedBy], deps, signal)
  const listedAt = readTags(await deps.store.get(tagsKey(repository, scopeOf(access, deps))))?.at ?? ''
  const nextScanAt =
    asked.isAutomated && listedAt ? new Date(Date.parse(listedAt) + deps.scanIntervalMs).toISOString() : ''
  const login = access.auth ? `as ${access.auth.username}` : ''
  const about = {
    name,
    image: printRef(image),
    repository,
    policy: container.policy.filter,
    listedAt,
    nextScanAt,
    login,
    budget: await deps.registry.budget(repository, access),
  }
  const read = parsePolicy(container.policy)
  const facts = known.get(repository)
  if ('problem' in read) return { ...about, choice: 'hold', why: read.problem, tagCount: 0, tags: [] }
  const policy = read.policy.text
  if (!facts) {
    const why = failures.get(repository) ?? 'image data not available: the registry is not scanned'
    return { ...about, policy, choice: 'unknown', why, tagCount: 0, tags: [] }
  }
  const { choice, tags } = traceTags(read.policy, image, facts, deps.now().getTime())
  const { choice: word, why } = choice
  return { ...about, policy, choice: word, why, tagCount: tags.length, tags: tags.slice(0, most) }
}
