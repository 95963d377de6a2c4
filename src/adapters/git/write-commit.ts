import { createHash } from 'node:crypto'
import { AppError } from '../../domain/error.ts'
import type { Command } from './command.ts'
import { type Author, identityVariables } from './identity.ts'
import type { TreeFile } from './objects.ts'
import { signWith } from './signature.ts'

export type Edit = {
  path: string
  /** Whole new content of the file; null takes it away. */
  content: string | Uint8Array | null
  /** What the commit has there, as its tree was read; absent: it is looked up. */
  was?: Pick<TreeFile, 'mode' | 'blob'>
}

/** A commit to make. */
export type NewCommit = {
  edits: readonly Edit[]
  message: string
  author: Author
  /** Absent: the author. */
  committer?: Author
  /** Key of the keyring that signs the commit; absent or empty: not signed. */
  signingKey?: string
}

/**
 * Makes a commit on top of `base` from objects alone, without a checkout, an index or a ref of its own: two at the same time, or one
 * that was killed, do not see each other. Undefined when nothing would differ. Throws PathNotFound for a path that must not be written.
 */
export async function writeCommit(git: Command, base: string, commit: NewCommit): Promise<string | undefined> {
  for (const { path } of commit.edits) checkPath(path)
  const known = await entriesOf(git, base, commit.edits)
  const changes = commit.edits.flatMap((edit) => changeOf(edit, known.get(edit.path)))
  if (changes.length === 0) return undefined
  const { author, committer = author, message, signingKey } = commit
  const identities = [`author ${printIdentity(author)} now\n`, `committer ${printIdentity(committer)} now\n`]
  const made = await importCommit(git, [...identities, ...dataOf(Buffer.from(message))], base, changes)
  if (!signingKey) return made
  const args = ['commit-tree', ...signWith('-S', signingKey), `${made}^{tree}`, '-p', base, '-F', '-']
  const [by, from] = [identityVariables(committer), identityVariables(author)]
  const env = {
    ...from,
    GIT_COMMITTER_NAME: by.GIT_COMMITTER_NAME ?? '',
    GIT_COMMITTER_EMAIL: by.GIT_COMMITTER_EMAIL ?? '',
  }
  return (await git.text(args, { input: message, env })).trim()
}

/** What fast-import is told; nothing where the commit has it so already. */
function changeOf({ path, content }: Edit, was: Entry | undefined): (string | Uint8Array)[] {
  if (content === null) return was ? [`D ${quote(path)}\n`] : []
  const bytes = Buffer.from(content)
  if (was?.blob === blobId(bytes)) return []
  return [`M ${was?.mode === 'executable' ? '100755' : '100644'} inline ${quote(path)}\n`, ...dataOf(bytes)]
}

/**
 * One commit with these changes, in one run of fast-import; `head` are its identities and message. The ref that fast-import wants is
 * never written. `base` empty: a first commit.
 */
export async function importCommit(
  git: Command,
  head: readonly (string | Uint8Array)[],
  base: string,
  changes: readonly (string | Uint8Array)[],
): Promise<string> {
  const ref = `refs/capstan/making-${process.hrtime.bigint()}`
  const stream = [
    'feature done\n',
    `commit ${ref}\nmark :1\n`,
    ...head,
    base === '' ? '' : `from ${base}\n`,
    ...changes,
    '\nget-mark :1\n',
    `reset ${ref}\nfrom ${'0'.repeat(40)}\n\n`,
    'done\n',
  ]
  const input = Buffer.concat(stream.map((part) => Buffer.from(part)))
  const answer = await git.text(['fast-import', '--quiet', '--force', '--date-format=now'], { input })
  const [made] = /^[0-9a-f]{40}$/m.exec(answer) ?? []
  if (!made) throw new Error('git fast-import did not name the commit')
  return made
}

/** A length and so many bytes, as fast-import takes them. */
export function dataOf(bytes: Uint8Array): (string | Uint8Array)[] {
  return [`data ${bytes.length}\n`, bytes, '\n']
}

/** Characters that would end an identity are left out, as git does. */
export function printIdentity({ name, email }: Author): string {
  const clean = (text: string) => text.replaceAll(/[<>\p{Cc}]/gu, '').trim()
  return `${clean(name)} <${clean(email)}>`
}

function quote(path: string): string {
  return `"${path.replaceAll(/["\\]/g, (char) => `\\${char}`)}"`
}

function blobId(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')
}

/** Names asked of git at once: they are arguments. */
const atOnce = 500

type Entry = Pick<TreeFile, 'mode' | 'blob'>

/** Mode and content of the files that are edited; a new one is not in it. Links and folders are not edited. */
async function entriesOf(git: Command, base: string, edits: readonly Edit[]): Promise<Map<string, Entry>> {
  const entries = new Map(edits.flatMap(({ path, was }) => (was ? [[path, was] as const] : [])))
  const unknown = edits.flatMap(({ path, was }) => (was ? [] : [path]))
  for (let at = 0; at < unknown.length; at += atOnce) {
    const some = unknown.slice(at, at + atOnce)
    const text = await git.text(['ls-tree', '-z', '--full-tree', base, '--', ...some])
    for (const line of text.split('\0')) {
      const [, mode = '', blob = '', path = ''] = /^(\d+) \w+ ([0-9a-f]{40})\t(.*)$/s.exec(line) ?? []
      if (path !== '') entries.set(path, { mode: modeOf(mode), blob })
    }
  }
  for (const [path, { mode }] of entries) {
    if (mode === 'symlink' || mode === 'submodule')
      throw new AppError('PathNotFound', `${path} is not a file that can be edited`, { retry: 'never' })
  }
  return entries
}

/** A folder is as little to be edited as a submodule. */
function modeOf(mode: string): TreeFile['mode'] {
  if (mode === '100755') return 'executable'
  return mode === '100644' || mode === '100664' ? 'file' : 'submodule'
}

function checkPath(path: string): void {
  const unsafe = path.split('/').some((part) => part === '' || part === '.' || part === '..' || /^\.git$/i.test(part))
  if (unsafe || /[\0\n]/.test(path))
    throw new AppError('PathNotFound', 'a path to edit is not inside the repository', { retry: 'never' })
}
