import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { AppError } from '../../domain/error.ts'
import type { Command } from './command.ts'
import { GitRefusal } from './command.ts'
import type { Operation } from './operation.ts'
import { checkId, checkRefName } from './ref-name.ts'

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
  author: { name: string; email: string }
}

export type CommitResult = { result: 'pushed'; commit: string } | { result: 'moved' } | { result: 'empty' }

/** A push that lost the race, as git and the usual servers put it. */
const lostRace =
  /\[rejected\]|stale info|fetch first|non-fast-forward|cannot lock ref|failed to update ref|incorrect old value|reference already exists|remote ref does not match/i
/** A push that the server will not have, race or not. */
const refused = /\[remote rejected\]|hook declined|protected branch|not allowed to push|shallow update not allowed/i

/** Builds the commit from objects alone, without a checkout, and pushes it with a lease on the base (hazards A4, D8). */
export async function commitAndPush({ git, gitDir, reach }: Operation, request: CommitRequest): Promise<CommitResult> {
  const { branch, base, edits, message, author } = request
  checkRefName(branch)
  checkId(base)
  const ref = `refs/heads/${branch}`
  const tree = await writeTree(git, gitDir, base, edits)
  if (tree === (await git.text(['rev-parse', '--verify', `${base}^{tree}`])).trim()) return { result: 'empty' }
  const env = {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: author.name,
    GIT_COMMITTER_EMAIL: author.email,
  }
  const commit = (await git.text(['commit-tree', tree, '-p', base, '-F', '-'], { input: message, env })).trim()
  try {
    const flags = ['--porcelain', '--no-follow-tags', '--recurse-submodules=no', `--force-with-lease=${ref}:${base}`]
    await git.text(['push', ...flags, '--end-of-options', reach.url, `${commit}:${ref}`])
  } catch (error) {
    return lost(error, reach.shown)
  }
  await git.text(['update-ref', ref, commit])
  return { result: 'pushed', commit }
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

function lost(error: unknown, shown: string): CommitResult {
  if (!(error instanceof GitRefusal)) throw error
  const line = error.output.split('\n').find((one) => one.startsWith('!'))
  if (line && lostRace.test(line)) return { result: 'moved' }
  if (!line || !refused.test(line)) throw error
  const why = /\(([^()]*)\)\s*$/.exec(line)?.[1] ?? 'no reason given'
  throw new AppError('GitPushRefused', `${shown}: the server refused the push: ${why.slice(0, 200)}`)
}
