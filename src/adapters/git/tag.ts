import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import { type CloneOptions, temporary } from './clone.ts'
import { createCommand } from './command.ts'
import { type Author, identityVariables } from './identity.ts'
import { mustHave } from './objects.ts'
import type { Operation } from './operation.ts'
import { pushRefs } from './push.ts'
import { checkId, checkRefName } from './ref-name.ts'
import { signWith, statusProblem } from './signature.ts'

export type TagMove = {
  tag: string
  /** Where it goes. */
  commit: string
  /** The commit that it points to as far as the caller knows; undefined: there is no such tag. */
  expected: string | undefined
  message: string
  author: Author
  /** Key of the keyring that signs the tag; absent or empty: not signed. */
  signingKey?: string
}

/** `object`: id of the tag itself, another one with each move of an annotated tag. */
export type ReadTag = { commit: string; object: string }

/**
 * The commit of a tag as last fetched; undefined when there is none. With `verify` the tag itself must be signed by a key of the
 * keyring, else SignatureInvalid; a tag of anything but a commit is GitRefNotFound.
 */
export async function readTag(
  operation: Operation,
  tag: string,
  { verify }: { verify: boolean },
): Promise<ReadTag | undefined> {
  const found = await find(operation, tag)
  if (!found) return undefined
  if (verify) {
    const { stderr } = await operation.git.outcome(['verify-tag', '--raw', found.object])
    const why = found.annotated ? statusProblem(stderr) : 'it is not signed'
    if (why) throw new AppError('SignatureInvalid', `${operation.reach.shown}: the tag ${tag} does not count: ${why}`)
  }
  return { commit: found.commit, object: found.object }
}

/**
 * Pushes an annotated tag with a lease on the tag that was there: it is the old one or the new one, never another (hazard A5). `lost`:
 * somebody else moved it. A tag that is there already is not pushed again, unless it is to be signed.
 */
export async function moveTag(operation: Operation, move: TagMove, options: CloneOptions): Promise<'moved' | 'lost'> {
  const { tag, commit, expected, signingKey } = move
  checkRefName(tag)
  checkId(commit)
  await mustHave(operation.git, commit)
  const found = await find(operation, tag)
  if (found?.commit !== expected) return 'lost'
  if (found?.commit === commit && !signingKey) return 'moved'
  const object = signingKey ? await makeSigned(operation, move, options) : await makeTag(operation, move)
  const ref = `refs/tags/${tag}`
  if ((await pushRefs(operation, [{ ref, to: object, expected: found?.object ?? '' }])) === 'lost') return 'lost'
  await operation.git.text(['update-ref', ref, object])
  return 'moved'
}

/** Pushes a tag of its own and takes it away again: whoever may not do that cannot work for us (flux-v1 §7). Throws as a push does. */
export async function checkWrite(operation: Operation): Promise<void> {
  const { reach } = operation
  const ref = `refs/tags/flux-write-check-${randomBytes(5).toString('hex')}`
  const commit = await anyCommit(operation)
  const steps = [
    { ref, to: commit, expected: '' },
    { ref, to: '', expected: commit },
  ]
  for (const step of steps) {
    if ((await pushRefs(operation, [step])) === 'lost') {
      throw new AppError('GitPushRefused', `${reach.shown}: the server did not take a tag that nobody else has`)
    }
  }
}

type Found = { object: string; commit: string; annotated: boolean }

async function find({ git, reach }: Operation, tag: string): Promise<Found | undefined> {
  checkRefName(tag)
  const ref = `refs/tags/${tag}`
  const input = `${ref}\n${ref}^{commit}\n`
  const answer = await git.text(['cat-file', '--batch-check=%(objectname) %(objecttype)'], { input })
  const [object, peeled] = answer.split('\n').map((line) => /^([0-9a-f]{40}) (\w+)$/.exec(line))
  if (!object?.[1]) return undefined
  if (!peeled?.[1]) throw new AppError('GitRefNotFound', `${reach.shown}: the tag ${tag} points to no commit`)
  return { object: object[1], commit: peeled[1], annotated: object[2] === 'tag' }
}

async function makeTag({ git }: Operation, { tag, commit, message, author }: TagMove): Promise<string> {
  const tagger = (await git.text(['var', 'GIT_COMMITTER_IDENT'], { env: identityVariables(author) })).trim()
  const input = `object ${commit}\ntype commit\ntag ${tag}\ntagger ${tagger}\n\n${message}\n`
  return (await git.text(['mktag'], { input })).trim()
}

/** git signs a tag only while it puts it into a repository: that is done beside the mirror, which must not have it before the remote. */
async function makeSigned(operation: Operation, move: TagMove, options: CloneOptions): Promise<string> {
  const { reach, gitDir, git, signal } = operation
  const beside = join(await temporary(options.directory), `${reach.name}-${process.hrtime.bigint()}-tag.git`)
  const home = join(options.directory, 'homes', reach.name)
  const other = createCommand({ ...options, gitDir: beside, home, signal })
  try {
    await other.text(['init', '--bare', '--quiet'])
    await mkdir(join(beside, 'objects', 'info'), { recursive: true })
    await writeFile(join(beside, 'objects', 'info', 'alternates'), `${join(gitDir, 'objects')}\n`)
    const args = ['tag', '-a', '-F', '-', ...signWith('--local-user=', move.signingKey), move.tag, move.commit]
    await other.text(args, { input: move.message, env: identityVariables(move.author) })
    const content = await other.catFile(['tag', `refs/tags/${move.tag}`], '')
    return (await git.text(['hash-object', '-w', '-t', 'tag', '--stdin'], { input: content })).trim()
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
}

/** One that the remote has; in an empty repository a commit of nothing. */
async function anyCommit({ git }: Operation): Promise<string> {
  const found = (await git.text(['for-each-ref', '--count=1', '--format=%(objectname)', 'refs/heads'])).trim()
  if (found !== '') return found
  const tree = (await git.text(['hash-object', '-t', 'tree', '-w', '/dev/null'])).trim()
  const env = identityVariables({ name: 'Capstan', email: 'capstan@localhost' })
  return (await git.text(['commit-tree', tree, '-F', '-'], { input: 'write check', env })).trim()
}
