import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Git, GitRemote } from '../../src/adapters/git/index.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { makeGit, removeFolders } from './make-git.ts'

const author = { name: 'Capstan', email: 'capstan@example.com' }

let server: GitServer
let git: Git
let remote: GitRemote

beforeAll(async () => {
  server = await startGitServer({ username: 'bot', password: 'secret' })
  server.commit({ 'a.yaml': 'x: 1\n', 'run.sh': '#!/bin/sh\n', 'dir/b.yaml': 'y: 1\n', link: '-> a.yaml' })
  git = makeGit()
  remote = { url: server.url, auth: { kind: 'basic', username: 'bot', password: 'secret' } }
})

afterAll(async () => {
  await server.close()
  removeFolders()
})

async function head(): Promise<string> {
  await git.fetch(remote)
  return git.resolve(remote, 'main')
}

describe('committing', () => {
  it('pushes the edits and nothing else, keeps modes, and the mirror knows it at once', async () => {
    const base = await head()
    const edits = [
      { path: 'a.yaml', content: 'x: 2\n' },
      { path: 'run.sh', content: '#!/bin/bash\n' },
      { path: 'new/c.yaml', content: 'z: ä\n' },
    ]
    const message = 'Release x\n\n- ä "quoted" $(id)\n'
    const pushed = await git.commitAndPush(remote, { branch: 'main', base, edits, message, author })
    if (pushed.result !== 'pushed') throw new Error(`not pushed: ${pushed.result}`)
    expect(server.git(['rev-parse', 'main'])).toBe(pushed.commit)
    expect(await git.resolve(remote, 'main')).toBe(pushed.commit)
    expect(server.git(['diff', '--name-status', base, 'main']).split('\n')).toEqual([
      'M\ta.yaml',
      'A\tnew/c.yaml',
      'M\trun.sh',
    ])
    expect(server.git(['ls-tree', 'main', 'run.sh'])).toMatch(/^100755 /)
    expect(server.git(['show', 'main:new/c.yaml'])).toBe('z: ä')
    expect(server.git(['log', '-1', '--format=%an <%ae>|%cn|%B', 'main'])).toBe(
      'Capstan <capstan@example.com>|Capstan|Release x\n\n- ä "quoted" $(id)',
    )
  })

  it('of what is there already is empty and pushes nothing', async () => {
    const base = await head()
    const edits = [{ path: 'dir/b.yaml', content: 'y: 1\n' }]
    expect(await git.commitAndPush(remote, { branch: 'main', base, edits, message: 'm', author })).toEqual({
      result: 'empty',
    })
    expect(server.git(['rev-parse', 'main'])).toBe(base)
  })

  it('onto a branch that somebody else moved is moved, and nobody loses anything', async () => {
    const base = await head()
    const theirs = server.commit({ 'a.yaml': 'x: theirs\n' })
    const request = {
      branch: 'main',
      base,
      edits: [{ path: 'dir/b.yaml', content: 'y: ours\n' }],
      message: 'm',
      author,
    }
    expect(await git.commitAndPush(remote, request)).toEqual({ result: 'moved' })
    expect(server.git(['rev-parse', 'main'])).toBe(theirs)
    const again = await git.commitAndPush(remote, { ...request, base: await head() })
    expect(again.result).toBe('pushed')
    expect(server.git(['show', 'main:a.yaml'])).toBe('x: theirs')
    expect(server.git(['show', 'main:dir/b.yaml'])).toBe('y: ours')
  })

  it('at the same time lets exactly one win', async () => {
    const base = await head()
    const others = [makeGit(), makeGit(), makeGit()]
    await Promise.all(others.map((other) => other.fetch(remote)))
    const results = await Promise.all(
      others.map((other, i) => {
        const edits = [{ path: 'race.yaml', content: `${i}\n` }]
        return other.commitAndPush(remote, { branch: 'main', base, edits, message: String(i), author })
      }),
    )
    expect(results.map(({ result }) => result).toSorted()).toEqual(['moved', 'moved', 'pushed'])
  })

  it('onto a branch that is gone is moved', async () => {
    const base = await head()
    server.git(['branch', 'short', base])
    await git.fetch(remote)
    server.git(['branch', '-D', 'short'])
    const request = { branch: 'short', base, edits: [{ path: 'n.yaml', content: 'n\n' }], message: 'm', author }
    expect(await git.commitAndPush(remote, request)).toEqual({ result: 'moved' })
  })

  it.each(['../x', '/x', '.git/config', 'a//b', 'link', 'dir', 'a\nb'])('never writes to %s', async (path) => {
    const request = { branch: 'main', base: await head(), edits: [{ path, content: 'x' }], message: 'm', author }
    await expect(git.commitAndPush(remote, request)).rejects.toMatchObject({ reason: 'PathNotFound', retry: 'never' })
  })

  it('never takes an option for a branch', async () => {
    const request = { branch: '--receive-pack=x', base: await head(), edits: [], message: 'm', author }
    await expect(git.commitAndPush(remote, request)).rejects.toMatchObject({ reason: 'GitRefNotFound' })
  })

  it('that the server refuses says why', async () => {
    const hook = join(server.repository, 'hooks', 'update')
    writeFileSync(hook, '#!/bin/sh\necho "main is protected" >&2\nexit 1\n')
    chmodSync(hook, 0o755)
    const request = {
      branch: 'main',
      base: await head(),
      edits: [{ path: 'p.yaml', content: 'p' }],
      message: 'm',
      author,
    }
    await expect(git.commitAndPush(remote, request)).rejects.toMatchObject({
      reason: 'GitPushRefused',
      message: expect.stringContaining('hook declined'),
    })
  })

  it('with credentials that may only read is GitAuthFailed', async () => {
    const wrong: GitRemote = { url: server.url, auth: { kind: 'basic', username: 'bot', password: 'no' } }
    const request = {
      branch: 'main',
      base: await head(),
      edits: [{ path: 'q.yaml', content: 'q' }],
      message: 'm',
      author,
    }
    await expect(git.commitAndPush(wrong, request)).rejects.toMatchObject({ reason: 'GitAuthFailed' })
  })
})
