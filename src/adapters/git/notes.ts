import { AppError } from '../../domain/error.ts'
import type { Command } from './command.ts'
import type { RefUpdate } from './push.ts'
import { checkId, checkRefName } from './ref-name.ts'

/** A text beside a commit. `ref` is the short name of a notes ref, as `flux` for `refs/notes/flux`. */
export type Note = { ref: string; text: string }

type PendingNote = RefUpdate & { pending: string }

/** The notes of these commits under one notes ref; commits without one, or that are not there, are left out. */
export async function readNotes(
  git: Command,
  { ref, commits }: { ref: string; commits: readonly string[] },
): Promise<Map<string, string>> {
  const full = notesRef(ref)
  for (const commit of commits) checkId(commit)
  const notes = new Map<string, string>()
  if (commits.length === 0 || !(await tipOf(git, full))) return notes
  const flags = ['-z', '--no-walk=unsorted', '--ignore-missing', '--stdin', '--no-notes', `--notes=${full}`]
  const text = await git.text(['log', ...flags, '--format=%H%n%N'], { input: `${commits.join('\n')}\n` })
  for (const entry of text.split('\0')) {
    const note = entry.slice(41).replace(/\n+$/, '')
    if (note !== '') notes.set(entry.slice(0, 40), note)
  }
  return notes
}

/** Writes the note under a name of its own, from which it is pushed; readers do not see it before it is there. */
export async function prepareNote(
  git: Command,
  note: Note,
  commit: string,
  env: Readonly<Record<string, string>>,
): Promise<PendingNote> {
  const ref = notesRef(note.ref)
  const pending = `refs/notes/capstan-pending-${process.hrtime.bigint()}`
  const expected = await tipOf(git, ref)
  if (expected) await git.text(['update-ref', pending, expected])
  const blob = (await git.text(['hash-object', '-w', '--stdin'], { input: note.text })).trim()
  await git.text(['notes', `--ref=${pending}`, 'add', '-f', '-C', blob, commit], { env })
  return { ref, to: await tipOf(git, pending), expected, pending }
}

/** Never fails: what stays behind goes with the next fetch, since the remote has no such ref. */
export async function dropPendingNote(git: Command, { pending }: PendingNote): Promise<void> {
  await git.text(['update-ref', '-d', pending]).catch(() => undefined)
}

function notesRef(name: string): string {
  const short = name.replace(/^refs\/notes\//, '')
  checkRefName(short)
  return `refs/notes/${short}`
}

/** The commit of a ref; empty when there is none. */
async function tipOf(git: Command, ref: string): Promise<string> {
  const answer = await git.text(['cat-file', '--batch-check=%(objectname) %(objecttype)'], { input: `${ref}\n` })
  const [, id, type] = /^([0-9a-f]{40}) (\w+)$/.exec(answer.trim()) ?? []
  if (id && type !== 'commit') throw new AppError('GitRefNotFound', `${ref} does not hold notes`)
  return id ?? ''
}
