import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CommitRequest, Git, GitRemote } from '../../src/adapters/git/index.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { makeGit, removeFolders } from './make-git.ts'

const author = { name: 'Capstan', email: 'capstan@example.com' }

let server: GitServer
let git: Git
let remote: GitRemote

beforeAll(async () => {
  server = await startGitServer()
  server.commit({ 'a.yaml': 'x: 1\n' })
  git = makeGit()
  remote = { url: server.url }
})

afterAll(async () => {
  await server.close()
  removeFolders()
})

async function head(): Promise<string> {
  return (await git.fetch(remote)).get('refs/heads/main') ?? ''
}

function request(base: string, content: string, note?: CommitRequest['note']): CommitRequest {
  const edits = [{ path: 'a.yaml', content }]
  return { branch: 'main', base, edits, message: 'm', author, ...(note ? { note } : {}) }
}

describe('notes', () => {
  it('go with their commit in one push, beside those that are there, and are read again as they were', async () => {
    const base = await head()
    server.git(['notes', '--ref=flux', 'add', '-m', 'of somebody else', base])
    await git.fetch(remote)
    const text = '{"jobID":"1",\n\n  "ä":"%N\\u0000"}'
    const pushed = await git.commitAndPush(remote, request(base, 'x: 2\n', { ref: 'flux', text }))
    if (pushed.result !== 'pushed') throw new Error(pushed.result)
    expect(server.git(['notes', '--ref=flux', 'show', pushed.commit])).toBe(text)
    expect(server.git(['notes', '--ref=flux', 'show', base])).toBe('of somebody else')
    const commits = [pushed.commit, base, '1'.repeat(40)]
    const expected = new Map([
      [pushed.commit, text],
      [base, 'of somebody else'],
    ])
    expect(await git.notes(remote, { ref: 'flux', commits })).toEqual(expected)
    expect(await git.notes(remote, { ref: 'other', commits })).toEqual(new Map())
    expect(await git.notes(remote, { ref: 'flux', commits: [] })).toEqual(new Map())
    const fresh = makeGit()
    await fresh.fetch(remote)
    expect(await fresh.notes(remote, { ref: 'flux', commits })).toEqual(expected)
    expect(server.git(['for-each-ref', '--format=%(refname)', 'refs/notes'])).toBe('refs/notes/flux')
  })

  it('of a push that lost the race are not pushed either', async () => {
    const base = await head()
    server.commit({ 'a.yaml': 'x: theirs\n' })
    const before = server.git(['rev-parse', 'refs/notes/flux'])
    expect(await git.commitAndPush(remote, request(base, 'x: ours\n', { ref: 'flux', text: 'ours' }))).toEqual({
      result: 'moved',
    })
    expect(server.git(['rev-parse', 'refs/notes/flux'])).toBe(before)
  })

  it('that somebody else moved do not keep the commit back', async () => {
    const base = await head()
    server.git(['notes', '--ref=flux', 'add', '-f', '-m', 'moved', base])
    const pushed = await git.commitAndPush(remote, request(base, 'x: 5\n', { ref: 'flux', text: 'ours' }))
    if (pushed.result !== 'pushed') throw new Error(pushed.result)
    expect(server.git(['rev-parse', 'main'])).toBe(pushed.commit)
    expect(server.git(['notes', '--ref=flux', 'list'])).not.toContain(pushed.commit)
    await git.fetch(remote)
    expect(await git.notes(remote, { ref: 'flux', commits: [base, pushed.commit] })).toEqual(new Map([[base, 'moved']]))
  })

  it('go to a server that cannot push several refs as one too, without the note', async () => {
    server.git(['config', 'receive.advertiseAtomic', 'false'])
    try {
      const pushed = await git.commitAndPush(remote, request(await head(), 'x: 6\n', { ref: 'flux', text: 'ours' }))
      if (pushed.result !== 'pushed') throw new Error(pushed.result)
      expect(server.git(['rev-parse', 'main'])).toBe(pushed.commit)
    } finally {
      server.git(['config', '--unset', 'receive.advertiseAtomic'])
    }
  })

  it.each(['--stdin', '../heads/main', 'a b', ''])('are never kept under %j', async (ref) => {
    const commits = [await head()]
    await expect(git.notes(remote, { ref, commits })).rejects.toMatchObject({ reason: 'GitRefNotFound' })
  })
})

describe('the way from one commit to another', () => {
  it('is the same, ahead or rewritten', async () => {
    const base = await head()
    const next = server.commit({ 'b.yaml': 'x: 1\n' })
    const root = server.commit({ 'c.yaml': 'x: 1\n' }, 'unrelated')
    const tree = server.git(['rev-parse', `${base}^{tree}`])
    // Dates say nothing: this one is far younger than its parent (hazard D10).
    const raw = `tree ${tree}\nparent ${next}\nauthor a <a@b> 1 +0000\ncommitter a <a@b> 1 +0000\n\nold\n`
    const dated = server.git(['hash-object', '-t', 'commit', '-w', '--stdin'], raw)
    server.git(['update-ref', 'refs/heads/dated', dated])
    await git.fetch(remote)
    expect(await git.relation(remote, base, base)).toBe('same')
    expect(await git.relation(remote, base, next)).toBe('ahead')
    expect(await git.relation(remote, base, dated)).toBe('ahead')
    expect(await git.relation(remote, dated, base)).toBe('rewritten')
    expect(await git.relation(remote, next, base)).toBe('rewritten')
    expect(await git.relation(remote, root, next)).toBe('rewritten')
    expect(await git.relation(remote, next, root)).toBe('rewritten')
    expect(await git.relation(remote, '1'.repeat(40), next)).toBe('rewritten')
    await expect(git.relation(remote, next, '1'.repeat(40))).rejects.toMatchObject({ reason: 'GitRefNotFound' })
  })
})

describe('a branch that is gone', () => {
  it('is not found, never empty, also where nothing at all is left', async () => {
    const other = await startGitServer()
    const commit = other.commit({ 'a.yaml': 'x: 1\n' })
    other.git(['tag', 'v1'])
    const at = { url: other.url }
    await git.fetch(at)
    other.git(['update-ref', '-d', 'refs/heads/main'])
    expect(await git.fetch(at)).toEqual(new Map([['refs/tags/v1', commit]]))
    await expect(git.resolve(at, 'main')).rejects.toMatchObject({ reason: 'GitRefNotFound' })
    other.git(['tag', '-d', 'v1'])
    expect(await git.fetch(at)).toEqual(new Map())
    await expect(git.resolve(at, 'main')).rejects.toMatchObject({ reason: 'GitRefNotFound' })
    await expect(git.resolve(at, 'v1')).rejects.toMatchObject({ reason: 'GitRefNotFound' })
    await other.close()
    await expect(git.fetch(at)).rejects.toMatchObject({ reason: 'GitUnreachable' })
  })
})
