import { readdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Git, GitRemote } from '../../src/adapters/git/index.ts'
import { type GitServer, spyOnGit, startGitServer } from './git-server.ts'
import { makeGit, removeFolders, temporaryFolder } from './make-git.ts'

const username = 'deploy'
const password = 'p@ss:w/örd%20'

let server: GitServer
let first: string
let git: Git
let remote: GitRemote

beforeAll(async () => {
  server = await startGitServer({ username, password })
  first = server.commit({ 'a.yaml': 'x: 1\n' })
  server.git(['branch', 'feature/x', 'main'])
  server.git(['tag', '-a', '-m', 'one', 'v1', 'main'])
  git = makeGit()
  remote = { url: server.url, auth: { kind: 'basic', username, password } }
})

afterAll(async () => {
  await server.close()
  removeFolders()
})

describe('fetching', () => {
  it('gives every branch and tag with its commit', async () => {
    expect(await git.fetch(remote)).toEqual(
      new Map([
        ['refs/heads/feature/x', first],
        ['refs/heads/main', first],
        ['refs/tags/v1', first],
      ]),
    )
  })

  it('follows a new commit, a rewritten branch, and branches and tags that are gone', async () => {
    const second = server.commit({ 'a.yaml': 'x: 2\n' })
    server.git(['branch', '-D', 'feature/x'])
    server.git(['branch', 'feature', first])
    server.git(['tag', '-d', 'v1'])
    expect(await git.fetch(remote)).toEqual(
      new Map([
        ['refs/heads/feature', first],
        ['refs/heads/main', second],
      ]),
    )
    server.git(['update-ref', 'refs/heads/main', first])
    expect((await git.fetch(remote)).get('refs/heads/main')).toBe(first)
  })

  it('at the same time, many times, is one after the other', async () => {
    const results = await Promise.all([1, 2, 3, 4].map(() => git.fetch(remote)))
    for (const refs of results) expect(refs.get('refs/heads/main')).toBe(first)
  })

  it('takes user and password from the URL too', async () => {
    const withUser = server.url.replace('//', `//${username}:${encodeURIComponent(password)}@`)
    expect((await makeGit().fetch({ url: withUser })).get('refs/heads/main')).toBe(first)
  })
})

describe('resolving', () => {
  it.each([
    ['a branch', () => 'main'],
    ['a full name', () => 'refs/heads/main'],
    ['a name that is nearly full', () => 'heads/main'],
    ['HEAD', () => 'HEAD'],
    ['a commit', () => first],
    ['a short commit', () => first.slice(0, 7)],
  ])('gives the commit of %s', async (_, ref) => {
    expect(await git.resolve(remote, ref())).toBe(first)
  })

  it.each([
    ['nope', "there is no branch, tag or commit 'nope' in the repository"],
    ['--output=/tmp/x', "'--output=/tmp/x' is not a valid name of a branch or tag"],
    ['main..x', "'main..x' is not a valid name of a branch or tag"],
    ['main^{tree}', "'main^{tree}' is not a valid name of a branch or tag"],
    ['a\nb', "'a?b' is not a valid name of a branch or tag"],
    ['', "'' is not a valid name of a branch or tag"],
  ])('%s is GitRefNotFound', async (ref, message) => {
    await expect(git.resolve(remote, ref)).rejects.toMatchObject({ reason: 'GitRefNotFound', message })
  })

  it('follows HEAD to another branch, and does without one', async () => {
    const tree = server.git(['rev-parse', 'main^{tree}'])
    const other = server.git(['commit-tree', '-m', 'other', tree])
    server.git(['update-ref', 'refs/heads/other', other])
    await git.fetch(remote)
    expect(await git.resolve(remote, 'HEAD')).toBe(first)
    server.git(['symbolic-ref', 'HEAD', 'refs/heads/other'])
    await git.fetch(remote)
    expect(await git.resolve(remote, 'HEAD')).toBe(other)
    server.git(['symbolic-ref', 'HEAD', 'refs/heads/none'])
    expect((await git.fetch(remote)).get('refs/heads/main')).toBe(first)
    await expect(git.resolve(remote, 'HEAD')).rejects.toMatchObject({ reason: 'GitRefNotFound' })
    server.git(['symbolic-ref', 'HEAD', 'refs/heads/main'])
    server.git(['update-ref', '-d', 'refs/heads/other'])
  })

  it('does not fetch', async () => {
    await expect(makeGit().resolve(remote, 'main')).rejects.toMatchObject({ reason: 'GitRefNotFound' })
  })
})

describe('credentials', () => {
  it('that are wrong are GitAuthFailed, and are tried again once they are right', async () => {
    const wrong: GitRemote = { url: server.url, auth: { kind: 'basic', username, password: 'hunter2' } }
    const error: unknown = await git.fetch(wrong).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ reason: 'GitAuthFailed' })
    expect(String(error)).not.toContain('hunter2')
    await expect(git.fetch(wrong)).rejects.toMatchObject({ reason: 'GitAuthFailed' })
    await expect(git.fetch({ url: server.url })).rejects.toMatchObject({ reason: 'GitAuthFailed' })
    expect((await git.fetch(remote)).get('refs/heads/main')).toBe(first)
  })

  it('see nothing of what other credentials fetched', async () => {
    const other: GitRemote = { url: server.url, auth: { kind: 'basic', username, password: 'other' } }
    await expect(git.resolve(other, 'main')).rejects.toMatchObject({ reason: 'GitRefNotFound' })
  })

  it('stand in no argument and no variable, only in a file that nobody else may read', async () => {
    const folder = temporaryFolder()
    const spy = spyOnGit(temporaryFolder())
    const withUser = server.url.replace('//', `//${username}:${encodeURIComponent(password)}@`)
    const spied = makeGit({ directory: folder, environment: { PATH: spy.path } })
    process.env.SECRET_OF_THE_PARENT = 'SECRET_OF_THE_PARENT'
    await spied.fetch(remote)
    await spied.fetch({ url: withUser })
    delete process.env.SECRET_OF_THE_PARENT
    const seen = readFileSync(spy.log, 'utf8')
    expect(seen).toContain('fetch')
    expect(seen).not.toContain(password)
    expect(seen).not.toContain(encodeURIComponent(password))
    expect(seen).not.toContain('SECRET_OF_THE_PARENT')
    const home = join(folder, 'homes', readdirSync(join(folder, 'homes'))[0] ?? '')
    expect(statSync(join(home, 'credential')).mode & 0o777).toBe(0o600)
    expect(statSync(home).mode & 0o077).toBe(0)
  })

  it('with a line break are refused', async () => {
    const odd: GitRemote = { url: server.url, auth: { kind: 'basic', username, password: 'a\nurl=http://x' } }
    await expect(git.fetch(odd)).rejects.toMatchObject({ reason: 'GitAuthFailed', retry: 'never' })
  })
})

describe('a remote that cannot be had', () => {
  it('is GitUnreachable when nobody listens', async () => {
    const error: unknown = await git
      .fetch({ url: 'http://u:hunter2@127.0.0.1:1/x.git' })
      .catch((caught: unknown) => caught)
    expect(error).toMatchObject({ reason: 'GitUnreachable' })
    expect(String(error)).toMatch(/Failed to connect to 127.0.0.1/)
    expect(String(error)).not.toContain('hunter2')
  })

  it('is GitUnreachable when it does not exist there', async () => {
    const url = server.url.replace('repo.git', 'nope.git')
    await expect(git.fetch({ ...remote, url })).rejects.toMatchObject({
      reason: 'GitUnreachable',
      message: expect.stringContaining('not found'),
    })
  })

  it('is GitUnreachable after the timeout when it does not answer, and an abort ends it at once', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(silent.address() as { port: number }).port}/x.git`
    await expect(makeGit({ timeoutMs: 1_000 }).fetch({ url })).rejects.toMatchObject({
      reason: 'GitUnreachable',
      message: `${url} did not answer within 1 s`,
    })
    const controller = new AbortController()
    setTimeout(() => controller.abort(new Error('stopped')), 200)
    await expect(git.fetch({ url }, controller.signal)).rejects.toThrow('stopped')
    silent.close()
  })

  it.each([
    ['--upload-pack=touch /tmp/capstan-canary'],
    ['ext::touch /tmp/capstan-canary'],
    ['file:///etc'],
    ['/etc'],
    ['ssh://-oProxyCommand=id/x'],
    ['git://127.0.0.1/x'],
  ])('%s never reaches git', async (url) => {
    await expect(makeGit({ environment: { PATH: '/nowhere' } }).fetch({ url })).rejects.toMatchObject({
      reason: 'GitUnreachable',
      retry: 'never',
      message: expect.stringMatching(/^the URL of the repository /),
    })
  })

  it('is said plainly when git itself is missing', async () => {
    await expect(makeGit({ environment: { PATH: '/nowhere' } }).fetch(remote)).rejects.toMatchObject({
      message: expect.stringContaining('git is not installed'),
    })
  })
})

describe('a hostile environment', () => {
  it('given by mistake is left out', async () => {
    const environment = { GIT_PROXY_COMMAND: 'x', GIT_SSH_COMMAND: 'x', LD_PRELOAD: '/x', HOME: '/x', no_proxy: '*' }
    expect((await makeGit({ environment }).fetch(remote)).get('refs/heads/main')).toBe(first)
  })

  it('reaches git neither from ours nor from a repository around the mirrors', async () => {
    process.env.GIT_CONFIG_COUNT = '1'
    process.env.GIT_CONFIG_KEY_0 = 'core.sshCommand'
    process.env.GIT_CONFIG_VALUE_0 = 'touch /tmp/capstan-canary'
    process.env.GIT_DIR = '/nowhere'
    process.env.SECRET_OF_THE_PARENT = 'yes'
    try {
      expect((await makeGit().fetch(remote)).get('refs/heads/main')).toBe(first)
    } finally {
      for (const name of [
        'GIT_CONFIG_COUNT',
        'GIT_CONFIG_KEY_0',
        'GIT_CONFIG_VALUE_0',
        'GIT_DIR',
        'SECRET_OF_THE_PARENT',
      ]) {
        delete process.env[name]
      }
    }
  })
})
