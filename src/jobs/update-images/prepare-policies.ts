import type { Edit } from '../../adapters/git/index.ts'
import { annotate } from '../../domain/image/annotate.ts'
import { decodeFile } from '../../domain/image/open-manifests.ts'
import { annotationsOf } from '../../domain/image/policy-change.ts'
import { policyVariables } from '../../domain/image/updater-variables.ts'
import { sealed, type Workload } from '../../domain/image/workload.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import type { PolicyChange, UpdateResult, UpdateSpec } from '../../domain/work/update-spec.ts'
import { readWorkloads } from '../scan-image/workloads.ts'
import type { UpdateImagesDeps } from './deps.ts'
import { editMade, type MadeChange } from './edit-made.ts'

/** What an update changes in one state of the repository, and how each workload fares. */
export type Change = { edits: Edit[]; result: UpdateResult }

/** Prepares a change of policies (flux-v1 §19): annotations of the workloads in git, where no other byte changes. */
export function preparePolicies(
  spec: SourceSpec,
  { spec: wanted }: Extract<UpdateSpec, { type: 'policy' }>,
  deps: UpdateImagesDeps,
): (base: string, signal: AbortSignal) => Promise<Change> {
  return async (base, signal) => {
    const workloads = await readWorkloads(spec, { commit: base, scope: 'all' }, deps, signal)
    const byId = new Map(workloads.map((workload) => [workload.id, workload]))
    const result: UpdateResult = {}
    const found: [Workload, PolicyChange][] = []
    for (const [id, change] of Object.entries(wanted)) {
      const workload = byId.get(id)
      if (!workload) result[id] = { Status: 'failed', Error: 'not found in repository, or does not have containers' }
      else if (workload.isSealed) result[id] = { Status: 'failed', Error: `the file is ${sealed}; edit it by hand` }
      else found.push([workload, change])
    }
    const made = found.flatMap(([workload, change]) => madeChanges(workload, change, result))
    const plain = found.filter(([{ made: by }]) => !by)
    const edits = await editAnnotations({ spec, base, found: plain, result }, deps, signal)
    const remote = await deps.sources.remote(spec, signal)
    const generated = await editMade({ spec, remote, commit: base }, made, deps, signal)
    for (const [{ workload }, why] of generated.refused) result[workload.id] = { Status: 'failed', Error: why }
    return { edits: [...edits, ...generated.edits], result }
  }
}

/** The change of a workload that a generator prints, one for each annotation; says in `result` how it fares unless it is refused. */
function madeChanges(workload: Workload, change: PolicyChange, result: UpdateResult): MadeChange[] {
  const { id, made, containers, annotations } = workload
  if (!made) return []
  const names = containers.map(({ name }) => name)
  const changes = annotationsOf(change, names, annotations)
  result[id] = { Status: changes.length === 0 ? 'skipped' : 'success' }
  return changes.map((one) => ({
    workload: { ...workload, made },
    path: ['metadata', 'annotations', one.key],
    value: one.value,
    updater: 'policy',
    variables: policyVariables(workload, one),
  }))
}

async function editAnnotations(
  {
    spec,
    base,
    found,
    result,
  }: { spec: SourceSpec; base: string; found: [Workload, PolicyChange][]; result: UpdateResult },
  { git, sources }: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<Edit[]> {
  if (found.length === 0) return []
  const remote = await sources.remote(spec, signal)
  const tree = new Map((await git.tree(remote, base, [], signal)).map((entry) => [entry.path, entry]))
  const blobs = found.flatMap(([{ file }]) => tree.get(file)?.blob ?? [])
  const contents = await git.read(remote, [...new Set(blobs)], signal)
  const edits: Edit[] = []
  for (const [file, some] of Map.groupBy(found, ([{ file: path }]) => path)) {
    const entry = tree.get(file)
    const bytes = entry && entry.mode !== 'symlink' ? contents.get(entry.blob) : undefined
    const before = bytes && decodeFile(bytes)
    if (!entry || before === undefined) {
      for (const [{ id }] of some) result[id] = { Status: 'failed', Error: `${file} is a symbolic link, or no text` }
      continue
    }
    let text = before
    for (const [workload, change] of some) text = changeOne(text, workload, change, result)
    if (text !== before) edits.push({ path: file, content: text, was: entry })
  }
  return edits
}

/** The text with the change of one workload; the same text where there is none. */
function changeOne(text: string, workload: Workload, change: PolicyChange, result: UpdateResult): string {
  const { id, index, containers, annotations } = workload
  const names = containers.map(({ name }) => name)
  const changes = annotationsOf(change, names, annotations)
  const done = annotate(text, index, changes)
  if ('why' in done) result[id] = { Status: 'failed', Error: done.why }
  else result[id] = { Status: done.text === text ? 'skipped' : 'success' }
  return 'text' in done ? done.text : text
}
