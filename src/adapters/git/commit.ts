import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import type { Command } from './command.ts'
import { type Author, identityVariables } from './identity.ts'
import { dropPendingNote, type Note, prepareNote } from './notes.ts'
import type { Operation } from './operation.ts'
import { pushRefs } from './push.ts'
import { checkId, checkRefName } from './ref-name.ts'
import { signWith } from './signature.ts'

export type Edit = {
  path: string
  /** Whole new content of the file. */
  content: string
}

export type CommitRequest = {
  branch: string
  /** The commit that the edits were made on. When the branch has moved past it the answer is `moved`. */
  base: string
  edits: readonly Edit[]
  message: string
  author: Author
  /** Key of the keyring that signs the commit; absent or empty: not signed. */
  signingKey?: string
  /** Goes in the same push; left out where only it is in the way. */
  note?: Note
}

export type CommitResult = { result: 'pushed'; commit: string } | { result: 'moved' } | { result: 'empty' }

/** Builds the commit from objects alone, without a checkout, and pushes it with a lease on the base (hazards A4, D8). */
export async function commitAndPush(operation: Operation, request: CommitRequest): Promise<CommitResult> {
  const { git, gitDir } = operation
  const { branch, base, edits, message, author } = request
  checkRefName(branch)
  checkId(base)
  const ref = `refs/heads/${branch}`
  const tree = await writeTree(git, gitDir, base, edits)
  if (tree === (await git.text(['rev-parse', '--verify', `${base}^{tree}`])).trim()) return { result: 'empty' }
  const env = identityVariables(author)
  const signed = ['commit-tree', ...signWith('-S', request.signingKey), tree, '-p', base, '-F', '-']
  const commit = (await git.text(signed, { input: message, env })).trim()
  const update = { ref, to: commit, expected: base }
  const note = request.note && (await prepareNote(git, request.note, commit, env))
  try {
    const result = await pushRefs(operation, note ? [update, note] : [update])
    if (result === 'lost') return { result: 'moved' }
    await git.text(['update-ref', ref, commit])
    if (note && result === 'pushed') await git.text(['update-ref', note.ref, note.to])
    return { result: 'pushed', commit }
  } finally {
    if (note) await dropPendingNote(git, note)
  }
}

/** An index of its own: two commits at the same time, or one that was killed, do not see each other. */
async function writeTree(git: Command, gitDir: string, base: string, edits: readonly Edit[]): Promise<string> {
  const folder = join(gitDir, 'capstan-index')
  const env = { GIT_INDEX_FILE: join(folder, String(process.hrtime.bigint())) }
  await mkdir(folder, { recursive: true })
  try {
    await git.text(['read-tree', base], { env })
    const lines: string[] = []
    for (const { path, content } of edits) {
      const mode = await modeOf(git, base, path)
      const blob = (await git.text(['hash-object', '-w', '--stdin'], { input: Buffer.from(content) })).trim()
      lines.push(`${mode} ${blob}\t${path}\0`)
    }
    if (lines.length > 0) await git.text(['update-index', '-z', '--index-info'], { input: lines.join(''), env })
    return (await git.text(['write-tree'], { env })).trim()
  } finally {
    await rm(env.GIT_INDEX_FILE, { force: true })
    await rm(`${env.GIT_INDEX_FILE}.lock`, { force: true })
  }
}

/** Mode of the file that is edited; a new one is an ordinary file. Links and folders are not edited. */
async function modeOf(git: Command, base: string, path: string): Promise<string> {
  const unsafe = path.split('/').some((part) => part === '' || part === '.' || part === '..' || /^\.git$/i.test(part))
  if (unsafe || /[\0\n]/.test(path))
    throw new AppError('PathNotFound', 'a path to edit is not inside the repository', { retry: 'never' })
  const [, mode] = /^(\d+) /.exec(await git.text(['ls-tree', '-z', '--full-tree', base, '--', path])) ?? []
  if (mode === undefined) return '100644'
  if (mode !== '100644' && mode !== '100755') {
    throw new AppError('PathNotFound', `${path} is not a file that can be edited`, { retry: 'never' })
  }
  return mode
}
