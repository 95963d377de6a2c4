import type { Checkout, Generator } from '../../adapters/generate/index.ts'
import type { GitRemote, TreeFile } from '../../adapters/git/index.ts'
import { openManifests } from '../../domain/image/open-manifests.ts'
import { readWorkload, type Workload } from '../../domain/image/workload.ts'
import { type FluxConfig, parseFluxConfig } from '../../domain/source/flux-config.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { type Target, targetsOf } from '../source-targets.ts'

/** What the generators of a source print. */
export type MadeWorkloads = {
  /** The paths that are read as files all the same; undefined: as the source says. */
  filePaths: string[] | undefined
  workloads: Workload[]
}

type Where = { spec: SourceSpec; remote: GitRemote; commit: string; tree: readonly TreeFile[] }

/**
 * The workloads that the generators of `.flux.yaml` print at a commit (flux-v1 §6). Not `isWhole` where one of them failed: there is what
 * the others print, the sync reports why, and it is to be tried again.
 */
export async function readMade(
  where: Where,
  { generator }: { generator: Generator<GitRemote> },
  signal: AbortSignal,
): Promise<{ made: MadeWorkloads; isWhole: boolean }> {
  const targets = where.spec.generate ? targetsOf(where.spec, where.tree) : []
  if (targets.every(({ way }) => way.kind !== 'flux'))
    return { made: { filePaths: undefined, workloads: [] }, isWhole: true }
  return await generator.withCheckout(where, (checkout) => readTargets(targets, where.spec, checkout), signal)
}

async function readTargets(
  targets: readonly Target[],
  spec: SourceSpec,
  checkout: Checkout,
): Promise<{ made: MadeWorkloads; isWhole: boolean }> {
  const made = { filePaths: [] as string[], workloads: [] as Workload[] }
  let isWhole = true
  if (spec.gitSecret) isWhole = (await checkout.reveal(spec.syncTimeoutMs)) === undefined
  for (const { path, way } of targets) {
    const config = way.kind === 'flux' ? readConfig(checkout, way.found.file) : undefined
    if (way.kind !== 'flux' || config?.kind === 'scanForFiles') made.filePaths.push(path || '.')
    else {
      const { file, directory } = way.found
      const found = config && (await checkout.generate(config, { file, directory, timeoutMs: spec.syncTimeoutMs }))
      if (config && found && 'texts' in found)
        made.workloads.push(...workloadsIn(found.texts, { spec, config, file, directory }))
      else isWhole = false
    }
  }
  return { made, isWhole }
}

/** Undefined for one that cannot be read, which is the sync's to report. */
export function readConfig(checkout: Checkout, file: string): FluxConfig | undefined {
  const bytes = checkout.read(file)
  const read = bytes && parseFluxConfig(file, new TextDecoder().decode(bytes))
  return read && 'config' in read ? read.config : undefined
}

function workloadsIn(
  texts: readonly string[],
  { spec, config, file, directory }: { spec: SourceSpec; config: FluxConfig; file: string; directory: string },
): Workload[] {
  const { defaultNamespace, targetNamespace } = spec
  const by = config.kind === 'patchUpdated' ? 'patch' : 'updaters'
  return texts.flatMap((text) =>
    openManifests(text).flatMap(({ object }, index) => {
      const workload = readWorkload(object, { file, index, defaultNamespace, targetNamespace })
      return workload ? [{ ...workload, made: { by, directory, object } as const }] : []
    }),
  )
}
