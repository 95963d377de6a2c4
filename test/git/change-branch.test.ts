import { chmodSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BranchChange, Git, GitRemote } from '../../src/adapters/git/index.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { makeGit, removeFolders } from './make-git.ts'

const author = { name: 'Capstan', email: 'capstan@example.com' }

let server: GitServer
let git: Git
let remote: GitRemote

beforeAll(async () => {
  server = await startGitServer()
  server.commit({ 'list.txt': 'begin\n' })
  git = makeGit()
  remote = { url: server.url }
})

afterAll(async () => {
  await server.close()
  removeFolders()
})

/** A change that appends a line to the list; `before` is called with how often it was asked. */
function append(line: string, before: (asked: number) => void = () => {}, by: Git = git): BranchChange {
  let asked = 0
  return {
    branch: 'main',
    async make(base) {
      before(++asked)
      const [file] = await by.tree(remote, base, ['list.txt'])
      const blobs = await by.read(remote, [file?.blob ?? ''])
      const text = Buffer.from(blobs.get(file?.blob ?? '') ?? []).toString()
      if (text.includes(`${line}\n`)) return undefined
      const note = { ref: 'flux', text: `about ${line}` }
      return { edits: [{ path: 'list.txt', content: `${text}${line}\n` }], message: `add ${line}`, author, note }
    },
  }
}

const list = () => server.git(['show', 'main:list.txt']).split('\n')
const subjects = () => server.git(['log', '--format=%s', 'main']).split('\n')
const noteOf = (commit: string) => server.git(['notes', '--ref=flux', 'show', commit])
const pushes = () => server.git(['reflog', 'show', 'main']).split('\n').length

describe('changing a branch', () => {
  it('lands everything that is asked for at the same time, each as a commit with its note, in few pushes', async () => {
    server.git(['config', 'core.logAllRefUpdates', 'always'])
    const before = subjects().length
    const results = await Promise.all(
      Array.from({ length: 12 }, (_, n) => git.changeBranch(remote, append(`one-${n}`))),
    )
    expect(subjects()).toHaveLength(before + 12)
    expect(pushes()).toBeLessThanOrEqual(2)
    for (const [n, result] of results.entries()) {
      expect(list()).toContain(`one-${n}`)
      if (result.result !== 'pushed') throw new Error(result.result)
      expect(server.git(['log', '-1', '--format=%s', result.commit])).toBe(`add one-${n}`)
      expect(noteOf(result.commit)).toBe(`about one-${n}`)
    }
    expect(await git.resolve(remote, 'main')).toBe(server.git(['rev-parse', 'main']))
  })

  it('is decided again when somebody was faster, and nothing is lost', async () => {
    const change = append('raced', (asked) => {
      if (asked <= 3) server.commit({ [`theirs-${asked}.txt`]: 'x' })
    })
    expect((await git.changeBranch(remote, change)).result).toBe('pushed')
    expect(list()).toContain('raced')
    expect(server.git(['ls-tree', '--name-only', 'main']).split('\n')).toEqual(
      expect.arrayContaining(['theirs-1.txt', 'theirs-2.txt', 'theirs-3.txt']),
    )
  })

  it('is GitConflict after eight lost races', async () => {
    let tries = 0
    const change = append('never', (asked) => {
      tries = asked
      server.commit({ [`faster-${asked}.txt`]: 'x' })
    })
    await expect(git.changeBranch(remote, change)).rejects.toMatchObject({ reason: 'GitConflict', retry: 'backoff' })
    expect(tries).toBe(8)
    expect(list()).not.toContain('never')
  })

  it('with nothing to do says on which state that was found, and pushes nothing', async () => {
    const head = server.git(['rev-parse', 'main'])
    expect(await git.changeBranch(remote, append('raced'))).toEqual({ result: 'empty', base: head })
    expect(server.git(['rev-parse', 'main'])).toBe(head)
  })

  it('fails and is stopped alone', async () => {
    const stop = new AbortController()
    const broken: BranchChange = { branch: 'main', make: async () => await Promise.reject(new Error('cannot decide')) }
    const stopped = git.changeBranch(remote, append('stopped'), stop.signal)
    const others = [git.changeBranch(remote, append('before')), git.changeBranch(remote, append('after'))]
    const failing = git.changeBranch(remote, broken)
    stop.abort(new Error('stopped'))
    await expect(stopped).rejects.toThrow('stopped')
    await expect(failing).rejects.toThrow('cannot decide')
    for (const { result } of await Promise.all(others)) expect(result).toBe('pushed')
    expect(list()).toEqual(expect.arrayContaining(['before', 'after']))
    expect(list()).not.toContain('stopped')
  })

  it('that the server refuses takes no other with it', async () => {
    const hook = join(server.repository, 'hooks', 'update')
    writeFileSync(hook, '#!/bin/sh\n! git log --format=%s "$2..$3" | grep -q forbidden\n')
    chmodSync(hook, 0o755)
    try {
      const [good, bad, fine] = await Promise.allSettled(
        ['good', 'forbidden', 'fine'].map((line) => git.changeBranch(remote, append(line))),
      )
      expect(bad).toMatchObject({ status: 'rejected', reason: { reason: 'GitPushRefused' } })
      expect([good?.status, fine?.status]).toEqual(['fulfilled', 'fulfilled'])
      expect(list()).toEqual(expect.arrayContaining(['good', 'fine']))
    } finally {
      rmSync(hook)
    }
  })

  it('of several processes lands all of it', async () => {
    const processes = [git, makeGit(), makeGit()]
    const changes = Array.from({ length: 9 }, (_, n) => {
      const by = processes[n % 3] as Git
      return by.changeBranch(
        remote,
        append(`many-${n}`, () => {}, by),
      )
    })
    await Promise.all(changes)
    expect(list()).toEqual(expect.arrayContaining(Array.from({ length: 9 }, (_, n) => `many-${n}`)))
    expect(server.git(['rev-list', '--min-parents=2', '--count', 'main'])).toBe('0')
  })

  it('of a branch that is not there is GitRefNotFound', async () => {
    const change = { ...append('x'), branch: 'nowhere' }
    await expect(git.changeBranch(remote, change)).rejects.toMatchObject({ reason: 'GitRefNotFound' })
  })
})
