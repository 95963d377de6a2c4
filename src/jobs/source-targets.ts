import type { TreeFile } from '../adapters/git/index.ts'
import type { Problem } from '../domain/manifest/problem.ts'
import { findFluxConfig, type FoundFluxConfig } from '../domain/source/find-flux-config.ts'
import { findKustomization, isKustomization } from '../domain/source/kustomization.ts'
import type { SourceSpec } from '../domain/source/spec.ts'
import { createTree, type TreeLookup } from '../domain/source/tree.ts'

/** How one path of the source is read. */
export type Way =
  | { kind: 'plain' }
  | { kind: 'flux'; found: FoundFluxConfig }
  | { kind: 'kustomize'; folder: string; file: string }
  | { kind: 'broken'; problem: Problem }

/** A path of a source. */
export type Target = { path: string; way: Way }

/** The paths of the source, each once, and how they are read; none where all are plain. */
export function targetsOf(spec: SourceSpec, files: readonly TreeFile[]): Target[] {
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

function kindOf(path: string, tree: TreeLookup<TreeFile>): 'file' | 'folder' | undefined {
  const target = tree.resolve(path)
  if (target === undefined) return undefined
  if (tree.get(target)) return tree.get(target)?.mode === 'submodule' ? undefined : 'file'
  return tree.isFolder(target) ? 'folder' : undefined
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf('/')))
}
