import { type EcrFilter, isScannedEcr } from './cloud-host.ts'
import { makeGlobs } from './glob.ts'
import { repositoriesOf } from './plan-updates.ts'
import { repositoryOf, splitRepository } from './ref.ts'
import type { Workload } from './workload.ts'

/** Which images are scanned, as glob patterns of canonical names (flux-v1 §14). */
export type ScanFilter = {
  exclude: readonly string[]
  /** Empty means all. */
  include: readonly string[]
  /** Absent: ECR is a registry like any other. */
  ecr?: EcrFilter
}

/** The canonical repositories to scan: those that automated workloads use and the filter lets through, sorted. */
export function listScans(workloads: readonly Workload[], filter: ScanFilter): string[] {
  return repositoriesOf(workloads).filter(makeScanFilter(filter))
}

/** The same of all workloads, automated or not. */
export function listUsed(workloads: readonly Workload[], filter: ScanFilter): string[] {
  const used = workloads.flatMap(({ containers }) => containers.map(({ image }) => repositoryOf(image)))
  return [...new Set(used)].filter(makeScanFilter(filter)).toSorted()
}

/** Tells whether a canonical repository may be scanned: an exclusion always wins, and ECR has rules of its own besides. */
export function makeScanFilter({ exclude, include, ecr }: ScanFilter): (repository: string) => boolean {
  const excluded = makeGlobs(exclude)
  const included = makeGlobs(include)
  return (repository) =>
    !excluded(repository) &&
    (include.length === 0 || included(repository)) &&
    (!ecr || isScannedEcr(splitRepository(repository)?.host ?? '', ecr))
}
