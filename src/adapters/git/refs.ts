import { AppError } from '../../domain/error.ts'
import type { Command } from './command.ts'
import { checkRefName } from './ref-name.ts'

/** What the remote's HEAD, its default branch, means. */
const remoteHead = 'refs/capstan/HEAD'

/** Every branch and tag by its full name, with its commit; tags of anything but commits are left out. */
export async function listRefs(git: Command): Promise<Map<string, string>> {
  const format = '%(refname)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)'
  const text = await git.text(['for-each-ref', `--format=${format}`, 'refs/heads', 'refs/tags'])
  const refs = new Map<string, string>()
  for (const line of text.split('\n')) {
    const [name = '', type, id = '', peeledType, peeled = ''] = line.split('\0')
    if (type === 'commit') refs.set(name, id)
    else if (peeledType === 'commit') refs.set(name, peeled)
  }
  return refs
}

/** Every tag by its short name, with its commit. */
export async function listTags(git: Command): Promise<Map<string, string>> {
  const tags = [...(await listRefs(git))].filter(([name]) => name.startsWith('refs/tags/'))
  return new Map(tags.map(([name, commit]) => [name.slice('refs/tags/'.length), commit]))
}

/**
 * Branch before tag before commit, as git's own users expect; also `HEAD`, and names from `refs/` or `heads/` and `tags/` on. Asked over
 * standard input, where nothing is an option.
 */
export async function resolveRef(git: Command, ref: string): Promise<string> {
  checkRefName(ref)
  const input = namesOf(ref)
    .map((name) => `${name}^{commit}\n`)
    .join('')
  const answer = await git.text(['cat-file', '--batch-check=%(objectname) %(objecttype)'], { input })
  for (const line of answer.split('\n')) {
    const [, commit] = /^([0-9a-f]{40}) commit$/.exec(line) ?? []
    if (commit) return commit
  }
  throw new AppError('GitRefNotFound', `there is no branch, tag or commit '${ref}' in the repository`)
}

function namesOf(ref: string): string[] {
  if (ref === 'HEAD') return [remoteHead]
  if (ref.startsWith('refs/')) return [ref]
  const asCommit = /^[0-9a-f]{4,40}$/.test(ref) ? [ref] : []
  return [`refs/heads/${ref}`, `refs/tags/${ref}`, ...asCommit, `refs/${ref}`]
}
