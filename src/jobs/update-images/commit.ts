import type { BranchChange, ChangeResult, Edit } from '../../adapters/git/index.ts'
import { AppError } from '../../domain/error.ts'
import { eventsOfCommit } from '../../domain/event/from-update.ts'
import { printNote, type UpdateNote } from '../../domain/image/note.ts'
import type { SourceSpec } from '../../domain/source/spec.ts'
import { parseRevision } from '../../domain/source/revision.ts'
import { statusInCluster } from '../read-status.ts'
import type { UpdateImagesDeps } from './deps.ts'

/** What an update does to one state of the repository. */
export type Prepared = {
  edits: Edit[]
  message: string
  note: UpdateNote
}

/** Reason of the fetch that follows a commit. */
const fetchReason = 'image update'

/** Why nothing may be committed to a source; empty where it may. */
export function obstacleOf(spec: SourceSpec, { readonly }: Pick<UpdateImagesDeps, 'readonly'>): string {
  if (spec.readonly || (readonly && spec.origin === 'flags')) return 'git is read-only'
  return spec.branch === '' ? `the source follows a ${spec.ref.kind} and no branch` : ''
}

/**
 * Commits what `prepare` makes of the branch's newest state, decided again for as long as somebody is faster, and asks for the fetch
 * that follows. Nothing is written on top of what is not signed: it would look as if we vouched for it (flux-v1 §13).
 */
export async function commitUpdate(
  spec: SourceSpec,
  { user, prepare }: { user: string; prepare: (base: string, signal: AbortSignal) => Promise<Prepared> },
  deps: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<ChangeResult> {
  const remote = await deps.sources.remote(spec, signal)
  let made: UpdateNote | undefined
  const make: BranchChange['make'] = async (base, until) => {
    const { edits, message, note } = await prepare(base, until)
    made = note
    if (edits.length === 0) return undefined
    await mustBeSigned(spec, base, deps, until)
    deps.fence.check()
    return {
      edits,
      message,
      ...identitiesOf(user, deps),
      signingKey: deps.signingKey,
      note: { ref: spec.notesRef, text: printNote(note) },
    }
  }
  const result = await deps.git.changeBranch(remote, { branch: spec.branch, make }, signal)
  if (result.result === 'pushed') {
    await askForFetch(spec, deps)
    if (made) await tellCommit(spec, { commit: result.commit, note: made }, deps)
  }
  return result
}

async function tellCommit(
  { namespace, name }: SourceSpec,
  { commit, note }: { commit: string; note: UpdateNote },
  { history, now }: UpdateImagesDeps,
): Promise<void> {
  const source = { kind: 'source' as const, namespace, name }
  await history?.tell(eventsOfCommit({ source, at: now().toISOString(), commit, note }))
}

/** The commit is to be seen and applied like anybody's. */
export async function askForFetch({ namespace, name }: SourceSpec, deps: UpdateImagesDeps): Promise<void> {
  await deps.enqueue({ kind: 'fetch-source', namespace, name, reason: fetchReason, lane: 'image' })
}

/** The committer is always ours; who asked is the author where that is wanted (flux-v1 §20). */
function identitiesOf(user: string, { author, setAuthor }: UpdateImagesDeps) {
  if (!setAuthor || user === '') return { author }
  const [, name = user, email = author.email] = /^(.*?)\s*<([^<>]*)>$/.exec(user.trim()) ?? []
  return { author: { name: name || email, email }, committer: author }
}

async function mustBeSigned(
  spec: SourceSpec,
  base: string,
  deps: UpdateImagesDeps,
  signal: AbortSignal,
): Promise<void> {
  if (spec.verify === 'none') return
  const status = await statusInCluster(deps.cluster)(spec, signal)
  const since = parseRevision(status?.attempted ?? '')?.commit
  const range = { to: base, mode: spec.verify, ...(since ? { from: since } : {}) }
  const { bad } = await deps.git.verify(await deps.sources.remote(spec, signal), range, signal)
  if (bad) throw new AppError('SignatureInvalid', `HEAD revision is unsigned: commit ${bad.commit}: ${bad.why}`)
}
