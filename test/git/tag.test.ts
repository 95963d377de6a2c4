import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Git, GitRemote, TagMove } from '../../src/adapters/git/index.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { makeGit, removeFolders } from './make-git.ts'
import { until } from '../../playground/stack/until.ts'

const author = { name: 'Capstan', email: 'capstan@example.com' }
const hook = () => join(server.repository, 'hooks', 'update')

let server: GitServer
let git: Git
let remote: GitRemote
let [first, second]: [string, string] = ['', '']

beforeAll(async () => {
  server = await startGitServer({ username: 'bot', password: 'secret' })
  first = server.commit({ 'a.yaml': 'x: 1\n' })
  second = server.commit({ 'a.yaml': 'x: 2\n' })
  // the lock of a git that was killed counts for no longer than this
  git = makeGit({ timeoutMs: 60_000 })
  remote = { url: server.url, auth: { kind: 'basic', username: 'bot', password: 'secret' } }
})

afterAll(async () => {
  await server.close()
  removeFolders()
})

beforeEach(async () => {
  for (const name of server.git(['tag', '--list']).split('\n')) if (name) server.git(['tag', '-d', name])
  await git.fetch(remote)
})

function move(commit: string, expected: string | undefined, tag = 'flux-sync'): TagMove {
  return { tag, commit, expected, message: 'Sync pointer', author }
}

describe('the sync tag', () => {
  it('is made and moved as an annotated tag, and the mirror has it at once', async () => {
    expect(await git.readTag(remote, 'flux-sync', { verify: false })).toBeUndefined()
    expect(await git.moveTag(remote, move(first, undefined))).toBe('moved')
    expect(await git.readTag(remote, 'flux-sync', { verify: false })).toMatchObject({ commit: first })
    expect(await git.moveTag(remote, move(second, first))).toBe('moved')
    expect(await git.readTag(remote, 'flux-sync', { verify: false })).toMatchObject({ commit: second })
    const format = '%(objecttype) %(taggername) %(taggeremail) %(contents)'
    expect(server.git(['for-each-ref', `--format=${format}`, 'refs/tags/flux-sync'])).toBe(
      'tag Capstan <capstan@example.com> Sync pointer',
    )
    expect(server.git(['rev-parse', 'flux-sync^{commit}'])).toBe(second)
  })

  it('goes back too: a rewritten branch is followed', async () => {
    await git.moveTag(remote, move(second, undefined))
    expect(await git.moveTag(remote, move(first, second))).toBe('moved')
    expect(server.git(['rev-parse', 'flux-sync^{commit}'])).toBe(first)
  })

  it('that somebody else moved, made or took away is lost, and theirs stays', async () => {
    await git.moveTag(remote, move(first, undefined))
    server.git(['tag', '-f', '-a', '-m', 'theirs', 'flux-sync', second])
    expect(await git.moveTag(remote, move(second, first))).toBe('lost')
    expect(server.git(['tag', '-l', '--format=%(contents)', 'flux-sync'])).toBe('theirs')
    server.git(['tag', '-d', 'flux-sync'])
    expect(await git.moveTag(remote, move(second, first))).toBe('lost')
    await git.fetch(remote)
    server.git(['tag', 'flux-sync', first])
    expect(await git.moveTag(remote, move(second, undefined))).toBe('lost')
    expect(server.git(['rev-parse', 'flux-sync'])).toBe(first)
  })

  it('that the caller knows otherwise than the mirror is lost without a push', async () => {
    await git.moveTag(remote, move(first, undefined))
    const requests = server.seen.length
    expect(await git.moveTag(remote, move(second, second))).toBe('lost')
    expect(await git.moveTag(remote, move(second, undefined))).toBe('lost')
    expect(server.seen.length).toBe(requests)
  })

  it('that is there already is not pushed again', async () => {
    await git.moveTag(remote, move(first, undefined))
    const object = server.git(['rev-parse', 'flux-sync'])
    expect(await git.moveTag(remote, move(first, first))).toBe('moved')
    expect(server.git(['rev-parse', 'flux-sync'])).toBe(object)
  })

  it('takes the place of a tag that is not annotated', async () => {
    server.git(['tag', 'flux-sync', first])
    await git.fetch(remote)
    expect(await git.readTag(remote, 'flux-sync', { verify: false })).toMatchObject({ commit: first })
    expect(await git.moveTag(remote, move(second, first))).toBe('moved')
    expect(server.git(['cat-file', '-t', 'flux-sync'])).toBe('tag')
  })

  it('may have the name of a branch (#1845)', async () => {
    expect(await git.moveTag(remote, move(first, undefined, 'main'))).toBe('moved')
    expect(await git.moveTag(remote, move(second, first, 'main'))).toBe('moved')
    expect(await git.readTag(remote, 'main', { verify: false })).toMatchObject({ commit: second })
    expect(server.git(['rev-parse', 'refs/tags/main^{commit}'])).toBe(second)
    expect(server.git(['rev-parse', 'refs/heads/main'])).toBe(second)
    expect((await git.fetch(remote)).get('refs/heads/main')).toBe(second)
  })

  it('that leads to no commit is an error and not an absent tag', async () => {
    server.git(['tag', 'flux-sync', server.git(['rev-parse', `${first}^{tree}`])])
    await git.fetch(remote)
    await expect(git.readTag(remote, 'flux-sync', { verify: false })).rejects.toMatchObject({
      reason: 'GitRefNotFound',
    })
  })

  it('that is not signed does not count where signatures are asked for', async () => {
    await git.moveTag(remote, move(first, undefined))
    await expect(git.readTag(remote, 'flux-sync', { verify: true })).rejects.toMatchObject({
      reason: 'SignatureInvalid',
      message: expect.stringContaining('the tag flux-sync does not count: it is not signed'),
    })
    expect(await git.readTag(remote, 'other', { verify: true })).toBeUndefined()
  })

  it('that is protected says why it cannot be moved, and the mirror stays as it was', async () => {
    await git.moveTag(remote, move(first, undefined))
    writeFileSync(hook(), '#!/bin/sh\nexit 1\n')
    chmodSync(hook(), 0o755)
    try {
      await expect(git.moveTag(remote, move(second, first))).rejects.toMatchObject({ reason: 'GitPushRefused' })
      expect(await git.readTag(remote, 'flux-sync', { verify: false })).toMatchObject({ commit: first })
    } finally {
      rmSync(hook())
    }
  })

  it.each(['--force', 'a b', '', 'x..y', '../heads/main', '-d'])('is never named %j', async (tag) => {
    await expect(git.moveTag(remote, move(first, undefined, tag))).rejects.toMatchObject({ reason: 'GitRefNotFound' })
    await expect(git.readTag(remote, tag, { verify: false })).rejects.toMatchObject({ reason: 'GitRefNotFound' })
  })

  it('is the old one or the new one, whenever its move is stopped (hazard A5)', async () => {
    await git.moveTag(remote, move(first, undefined))
    let [at, to] = [first, second]
    for (let trial = 0; trial < 20; trial++) {
      const controller = new AbortController()
      const timer = setTimeout(() => controller.abort(new Error('killed')), trial * 6)
      const moving = git.moveTag(remote, move(to, at), controller.signal)
      const told = await moving.catch((error: unknown) => String(error))
      clearTimeout(timer)
      // a lock that the killed git left counts until it is older than any operation
      const isFetched = async () =>
        await git.fetch(remote).then(
          () => true,
          () => false,
        )
      await until('it can be fetched', isFetched)
      // what had arrived is still done
      await until('no push goes on', async () => server.busy() === 0)
      await git.fetch(remote)
      const now = server.git(['rev-parse', 'flux-sync^{commit}'])
      expect([at, to]).toContain(now)
      if (told === 'moved') expect(now).toBe(to)
      expect(await git.readTag(remote, 'flux-sync', { verify: false })).toMatchObject({ commit: now })
      if (now === to) [at, to] = [to, at]
    }
  })
})

describe('tags', () => {
  it('are given with their commits, as last fetched', async () => {
    server.git(['tag', 'v1', first])
    server.git(['tag', '-a', '-m', 'two', 'release/v2', second])
    expect(await git.tags(remote)).toEqual(new Map())
    await git.fetch(remote)
    expect(await git.tags(remote)).toEqual(
      new Map([
        ['release/v2', second],
        ['v1', first],
      ]),
    )
  })
})

describe('the write check', () => {
  it('pushes a tag and takes it away again', async () => {
    const pushes = join(server.repository, 'pushes')
    writeFileSync(hook(), `#!/bin/sh\necho "$@" >> ${pushes}\n`, { mode: 0o755 })
    try {
      await git.canWrite(remote)
    } finally {
      rmSync(hook())
    }
    const [made, gone, ...others] = readFileSync(pushes, 'utf8').trim().split('\n')
    expect(made).toMatch(/^refs\/tags\/flux-write-check-[0-9a-f]{10} 0{40} [0-9a-f]{40}$/)
    expect(gone).toMatch(/^refs\/tags\/flux-write-check-[0-9a-f]{10} [0-9a-f]{40} 0{40}$/)
    expect(others).toEqual([])
    expect(server.git(['tag', '--list'])).toBe('')
    expect(await git.tags(remote)).toEqual(new Map())
  })

  it('says what the server says to those who may only read', async () => {
    server.git(['config', 'http.receivepack', 'false'])
    try {
      await expect(git.canWrite(remote)).rejects.toMatchObject({ reason: 'GitAuthFailed' })
    } finally {
      server.git(['config', 'http.receivepack', 'true'])
    }
    writeFileSync(hook(), '#!/bin/sh\nexit 1\n', { mode: 0o755 })
    try {
      await expect(git.canWrite(remote)).rejects.toMatchObject({ reason: 'GitPushRefused' })
    } finally {
      rmSync(hook())
    }
  })

  it('works in a repository that is empty', async () => {
    const empty = await startGitServer()
    const one = makeGit()
    await one.canWrite({ url: empty.url })
    expect(empty.git(['for-each-ref'])).toBe('')
    await empty.close()
  })
})
