import type { Checkout, Generated, Generator } from '../../adapters/generate/index.ts'
import type { GitRemote, TreeFile } from '../../adapters/git/index.ts'
import type { Problem } from '../../domain/manifest/problem.ts'
import type { FoundFluxConfig } from '../../domain/source/find-flux-config.ts'
import { parseFluxConfig } from '../../domain/source/flux-config.ts'
import { filesInScope } from '../../domain/source/scope.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { createTree } from '../../domain/source/tree.ts'
import { type Target, targetsOf } from '../source-targets.ts'

/** What became text before it can be parsed. */
export type Rendered = {
  /** The paths of the source that are still to be scanned as plain files, none when empty; undefined: all, as the source says. */
  plainPaths: string[] | undefined
  /**
   * `file` is what people see: the .flux.yaml, the kustomization, or the plain file itself. A long output comes in several parts
   * with the same name. `generated` ones are never decrypted by sops (flux-v1 §3).
   */
  outputs: { file: string; text: string; generated: boolean }[]
  problems: Problem[]
  warnings: Problem[]
}

/**
 * Runs generators, kustomize and git-secret for a commit (flux-v1 §6, ruling 8): each path is read in one way only. What fails is a
 * problem of its own path; the others go on. Without anything of that it answers at once. Throws PathNotFound where plain files
 * are read here, and what git says.
 */
export async function renderSource(
  where: { spec: SourceSpec; remote: GitRemote; commit: string; tree: readonly TreeFile[] },
  deps: { generator: Generator<GitRemote> },
  signal: AbortSignal,
): Promise<Rendered> {
  const { spec, tree } = where
  const rendered: Rendered = { plainPaths: undefined, outputs: [], problems: [], warnings: [] }
  const targets = targetsOf(spec, tree)
  if (!spec.gitSecret && targets.every(({ way }) => way.kind === 'plain' || way.kind === 'broken'))
    return finish(targets, rendered)
  return deps.generator.withCheckout(
    where,
    async (checkout) => {
      const sealed = spec.gitSecret ? await checkout.reveal(spec.syncTimeoutMs) : undefined
      if (sealed) {
        // Nothing that might be made of files that are still encrypted; what is plain in git is read as it is there.
        rendered.problems.push(sealed)
        return finish(targets, rendered)
      }
      for (const target of targets) await render(target, { spec, checkout, rendered })
      const finished = finish(targets, rendered)
      return spec.gitSecret ? readRevealed(finished, spec, checkout) : finished
    },
    signal,
  )
}

type Work = { spec: SourceSpec; checkout: Checkout; rendered: Rendered }

async function render(target: Target, work: Work): Promise<void> {
  const { spec, checkout } = work
  const timeoutMs = spec.syncTimeoutMs
  const { way } = target
  if (way.kind === 'flux') await renderFlux(target, way.found, work)
  if (way.kind === 'kustomize') {
    const { folder, file } = way
    take(file, await checkout.build({ folder, file, timeoutMs }), work)
  }
}

async function renderFlux(target: Target, { file, directory }: FoundFluxConfig, work: Work): Promise<void> {
  const { spec, checkout, rendered } = work
  const bytes = checkout.read(file)
  const read = bytes ? parseFluxConfig(file, new TextDecoder().decode(bytes)) : tooLarge(file)
  if ('problem' in read) rendered.problems.push(read.problem)
  else if (read.config.kind === 'scanForFiles') target.way = { kind: 'plain' }
  else take(file, await checkout.generate(read.config, { file, directory, timeoutMs: spec.syncTimeoutMs }), work)
}

function take(file: string, generated: Generated, { rendered }: Work): void {
  if ('problem' in generated) {
    rendered.problems.push(generated.problem)
    return
  }
  rendered.warnings.push(...generated.warnings)
  for (const text of generated.texts) rendered.outputs.push({ file, text, generated: true })
}

/** Says which paths are left, and what is wrong with those that are not read at all. */
function finish(targets: readonly Target[], rendered: Rendered): Rendered {
  for (const { way } of targets) if (way.kind === 'broken') rendered.problems.push(way.problem)
  const plain = targets.filter(({ way }) => way.kind === 'plain')
  return plain.length === targets.length ? rendered : { ...rendered, plainPaths: plain.map(({ path }) => path || '.') }
}

/** Plain files as they are after decryption; what git-secret wrote is not in git. */
async function readRevealed(rendered: Rendered, spec: SourceSpec, checkout: Checkout): Promise<Rendered> {
  const paths = rendered.plainPaths ?? spec.paths
  if (rendered.plainPaths?.length === 0) return rendered
  const entries = await checkout.tree()
  const tree = createTree(entries)
  const scope = filesInScope(entries, { ...spec, paths })
  rendered.problems.push(...scope.problems)
  rendered.warnings.push(...scope.warnings)
  for (const { path } of scope.files) {
    const bytes = checkout.read(tree.resolve(path) ?? path)
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes ?? new Uint8Array([0xff]))
      rendered.outputs.push({ file: path, text, generated: false })
    } catch {
      const message = 'the file cannot be read: it is not valid UTF-8'
      rendered.problems.push({ reason: 'InvalidYAML', file: path, line: 0, message })
    }
  }
  return { ...rendered, plainPaths: [] }
}

function tooLarge(file: string): { problem: Problem } {
  return { problem: { reason: 'InvalidYAML', file, line: 0, message: 'the file is larger than 5 MB' } }
}
