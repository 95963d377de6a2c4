import type { Generator } from '../../adapters/generate/index.ts'
import type { Edit, Git, GitRemote } from '../../adapters/git/index.ts'
import { editFile, type ScalarEdit } from '../../domain/image/edit.ts'
import { openKustomization } from '../../domain/image/kustomize-images.ts'
import { decodeFile } from '../../domain/image/open-manifests.ts'
import type { Update } from '../../domain/image/plan-updates.ts'
import { imageVariables } from '../../domain/image/updater-variables.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { editMade, type MadeChange } from './edit-made.ts'

type UpdateEdit = ScalarEdit & { update: Update }

export type EditedFiles = {
  edits: Edit[]
  /** The updates that are in `edits`. */
  done: Update[]
  /** What could not be written, and why, in words for people. */
  refused: { update: Update; why: string }[]
}

/**
 * Writes the updates into a commit, as far as they can be written: into its files, but not into symbolic links; and where a generator
 * prints the workload, as its `.flux.yaml` says.
 */
export async function editImages(
  what: { spec: SourceSpec; remote: GitRemote; commit: string; updates: readonly Update[] },
  deps: { git: Pick<Git, 'tree' | 'read'>; generator: Generator<GitRemote> },
  signal: AbortSignal,
): Promise<EditedFiles> {
  const [plain, made] = [what.updates.filter(({ workload }) => !workload.made), madeChanges(what.updates)]
  const result = await editFiles({ ...what, updates: plain }, deps, signal)
  const { edits, refused } = await editMade(what, [...made.keys()], deps, signal)
  result.edits.push(...edits)
  for (const [change, update] of made) {
    const why = refused.get(change)
    if (why === undefined) result.done.push(update)
    else result.refused.push({ update, why })
  }
  return result
}

function madeChanges(updates: readonly Update[]): Map<MadeChange, Update> {
  return new Map(
    updates.flatMap((update) => {
      const { workload, container, text } = update
      const { made } = workload
      if (!made) return []
      const change = { workload: { ...workload, made }, path: container.path, value: text }
      return [[{ ...change, updater: 'containerImage' as const, variables: imageVariables(update) }, update]]
    }),
  )
}

async function editFiles(
  what: { remote: GitRemote; commit: string; updates: readonly Update[] },
  deps: { git: Pick<Git, 'tree' | 'read'> },
  signal: AbortSignal,
): Promise<EditedFiles> {
  const { remote, commit, updates } = what
  const result: EditedFiles = { edits: [], done: [], refused: [] }
  if (updates.length === 0) return result
  const tree = await deps.git.tree(remote, commit, [], signal)
  const entryOf = new Map(tree.map((entry) => [entry.path, entry]))
  const byFile = Map.groupBy(updates, ({ workload, container }) => container.file ?? workload.file)
  const blobs = [...byFile.keys()].map((file) => entryOf.get(file)?.blob ?? '').filter((blob) => blob !== '')
  const contents = await deps.git.read(remote, [...new Set(blobs)], signal)
  for (const [file, wanted] of byFile) {
    const entry = entryOf.get(file)
    const bytes = entry && contents.get(entry.blob)
    const text = bytes && decodeFile(bytes)
    if (text === undefined || !entry || entry.mode === 'symlink') {
      const why = `${file} is a symbolic link, or not there any more`
      result.refused.push(...wanted.map((update) => ({ update, why })))
      continue
    }
    const isOverlay = wanted.some(({ container }) => container.file !== undefined)
    const { edits, same } = withoutRepeats(wanted.map(toEdit))
    const edited = isOverlay ? editFile(text, edits, openKustomization) : editFile(text, edits)
    if (edited.done.length > 0) result.edits.push({ path: file, content: edited.text, was: entry })
    result.done.push(...edited.done.flatMap((edit) => [edit, ...(same.get(edit) ?? [])]).map(({ update }) => update))
    for (const { edit, why } of edited.refused)
      for (const { update } of [edit, ...(same.get(edit) ?? [])]) result.refused.push({ update, why })
  }
  return result
}

/** One entry of a kustomization may be the tag of several workloads: it is written once. */
function withoutRepeats(edits: readonly UpdateEdit[]): { edits: UpdateEdit[]; same: Map<UpdateEdit, UpdateEdit[]> } {
  const groups = Map.groupBy(edits, ({ index, path, to }) => JSON.stringify([index, path, to]))
  const same = new Map<UpdateEdit, UpdateEdit[]>()
  for (const [first, ...others] of groups.values()) if (first) same.set(first, others)
  return { edits: [...same.keys()], same }
}

function toEdit(update: Update): UpdateEdit {
  const { workload, container, text } = update
  return {
    index: container.file === undefined ? workload.index : 0,
    path: container.path,
    from: container.text,
    to: text,
    update,
  }
}
