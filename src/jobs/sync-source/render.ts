import type { Checkout, Generated, Generator } from '../../adapters/generate/index.ts'
import type { GitRemote, TreeFile } from '../../adapters/git/index.ts'
import type { Problem } from '../../domain/manifest/problem.ts'
import { findFluxConfig, type FoundFluxConfig } from '../../domain/source/find-flux-config.ts'
import { parseFluxConfig } from '../../domain/source/flux-config.ts'
import { findKustomization, isKustomization } from '../../domain/source/kustomization.ts'
import { filesInScope } from '../../domain/source/scope.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { createTree, type TreeLookup } from '../../domain/source/tree.ts'

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

/** How one path of the source is read. */
type Way =
  | { kind: 'plain' }
  | { kind: 'flux'; found: FoundFluxConfig }
  | { kind: 'kustomize'; folder: string; file: string }
  | { kind: 'broken'; problem: Problem }

type Target = { path: string; way: Way }

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

/** The paths of the source, each once, and how they are read; none where all are plain. */
function targetsOf(spec: SourceSpec, files: readonly TreeFile[]): Target[] {
  if (!spec.generate && spec.render === 'plain') return []
  const tree = createTree(files)
  const seen = new Set<string>()
  const targets: Target[] = []
  for (const path of spec.paths.length > 0 ? spec.paths : ['.']) {
    const root = tree.resolve(path)
    if (root !== undefined && seen.has(root)) continue
    if (root !== undefined) seen.add(root)
    targets.push({ path, way: wayOf(path, spec, tree) })
  }
  return targets
}

/** With generation only .flux.yaml decides, unless kustomize is asked for by name (ruling 8). */
function wayOf(path: string, spec: SourceSpec, tree: TreeLookup<TreeFile>): Way {
  const found = spec.generate ? findFluxConfig(tree, path) : undefined
  if (found) return { kind: 'flux', found }
  const root = tree.resolve(path)
  // What is missing is reported where plain files are read.
  if (root === undefined || (!tree.get(root) && !tree.isFolder(root))) return { kind: 'plain' }
  if (spec.render === 'plain' || (spec.render === 'auto' && spec.generate)) return { kind: 'plain' }
  const folder = spec.render === 'kustomize' && tree.get(root) && isKustomization(root) ? folderOf(root) : root
  const file = findKustomization({ kindOf: (at) => kindOf(at, tree) }, folder)
  if (file !== undefined) return { kind: 'kustomize', folder, file }
  if (spec.render === 'auto') return { kind: 'plain' }
  const message = `'${path}' holds no kustomization, and the source is to be built with kustomize; add one or set render: auto`
  return { kind: 'broken', problem: { reason: 'KustomizeFailed', file: root || '.', line: 0, message } }
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

function kindOf(path: string, tree: TreeLookup<TreeFile>): 'file' | 'folder' | undefined {
  const target = tree.resolve(path)
  if (target === undefined) return undefined
  if (tree.get(target)) return tree.get(target)?.mode === 'submodule' ? undefined : 'file'
  return tree.isFolder(target) ? 'folder' : undefined
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}

function tooLarge(file: string): { problem: Problem } {
  return { problem: { reason: 'InvalidYAML', file, line: 0, message: 'the file is larger than 5 MB' } }
}
