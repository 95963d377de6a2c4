import { type NewNote, type Note, prepareNotes } from './notes.ts'
import type { Operation } from './operation.ts'
import { pushRefs } from './push.ts'
import { checkId, checkRefName } from './ref-name.ts'
import { type NewCommit, writeCommit } from './write-commit.ts'

export type CommitRequest = NewCommit & {
  branch: string
  /** The commit that the edits were made on. When the branch has moved past it the answer is `moved`. */
  base: string
  /** Goes in the same push; left out where only it is in the way. */
  note?: Note
}

export type CommitResult = { result: 'pushed'; commit: string } | { result: 'moved' } | { result: 'empty' }

/** Makes the commit and pushes it with a lease on the base (hazards A4, D8). */
export async function commitAndPush(operation: Operation, request: CommitRequest): Promise<CommitResult> {
  const { branch, base, note } = request
  checkRefName(branch)
  checkId(base)
  const commit = await writeCommit(operation.git, base, request)
  if (commit === undefined) return { result: 'empty' }
  const notes = note ? [{ ...note, commit, by: request.committer ?? request.author }] : []
  const pushed = await pushCommits(operation, { branch, from: base, to: commit, notes })
  return pushed ? { result: 'pushed', commit } : { result: 'moved' }
}

/** Commits that are in the mirror, to be pushed together with their notes. */
export type CommitPush = {
  branch: string
  /** Where the branch is on the server; the lease. */
  from: string
  to: string
  notes: readonly NewNote[]
}

/** Pushes, and lets the mirror know it at once. False: the branch is elsewhere by now. */
export async function pushCommits(operation: Operation, push: CommitPush): Promise<boolean> {
  const { git } = operation
  const ref = `refs/heads/${push.branch}`
  const update = { ref, to: push.to, expected: push.from }
  const notes = await prepareNotes(git, push.notes)
  const result = await pushRefs(operation, [update, ...notes])
  if (result === 'lost') return false
  const seen = result === 'pushed' ? [update, ...notes] : [update]
  await git.text(['update-ref', '--stdin'], { input: seen.map((one) => `update ${one.ref} ${one.to}\n`).join('') })
  return true
}
