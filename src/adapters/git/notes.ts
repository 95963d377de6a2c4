import { AppError } from '../../domain/error.ts'
import type { Command } from './command.ts'
import type { Author } from './identity.ts'
import type { RefUpdate } from './push.ts'
import { checkId, checkRefName } from './ref-name.ts'
import { dataOf, importCommit, printIdentity } from './write-commit.ts'

/** A text beside a commit. `ref` is the short name of a notes ref, as `flux` for `refs/notes/flux`. */
export type Note = { ref: string; text: string }

/** A note to write, and by whom. */
export type NewNote = Note & { commit: string; by: Author }

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

/**
 * Makes the notes, one commit for each notes ref; readers do not see them before they are pushed. Gives what is to be pushed.
 */
export async function prepareNotes(git: Command, notes: readonly NewNote[]): Promise<RefUpdate[]> {
  const updates: RefUpdate[] = []
  for (const [ref, some] of Map.groupBy(notes, (note) => notesRef(note.ref))) {
    const expected = await tipOf(git, ref)
    const by = some[0]?.by ?? { name: '', email: '' }
    const identity = `committer ${printIdentity(by)} now\n`
    const changes = some.flatMap(({ text, commit }) => ['N inline ', `${commit}\n`, ...dataOf(Buffer.from(text))])
    const head = [identity, ...dataOf(Buffer.from('Notes added by Capstan\n'))]
    updates.push({ ref, expected, to: await importCommit(git, head, expected, changes) })
  }
  return updates
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
