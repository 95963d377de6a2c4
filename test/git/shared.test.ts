import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Git } from '../../src/adapters/git/index.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { makeGit, removeFolders, temporaryFolder } from './make-git.ts'

const many = 30
const path = process.env.PATH ?? ''
let server: GitServer
let log: string
let git: Git
let remote: { url: string }
let first: string

/** Which git commands were run since the last question. */
function gitsRun(): string[] {
  const lines = readFileSync(log, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  writeFileSync(log, '')
  return lines
}

const times = async <T>(work: (n: number) => Promise<T>) =>
  await Promise.all(Array.from({ length: many }, (_, n) => work(n)))

beforeAll(async () => {
  server = await startGitServer()
  // a git before the real one that notes what it is asked
  const folder = temporaryFolder()
  log = join(folder, 'log')
  const real = execFileSync('sh', ['-c', 'command -v git']).toString().trim()
  writeFileSync(join(folder, 'git'), `#!/bin/sh\necho "$1" >> '${log}'\nexec '${real}' "$@"\n`)
  chmodSync(join(folder, 'git'), 0o755)
  process.env.PATH = `${folder}:${path}`
  const files = Array.from({ length: many }, (_, n) => [`apps/${n}/app.yaml`, `n: ${n}\n`])
  first = server.commit(Object.fromEntries(files) as Record<string, string>)
})

beforeEach(async () => {
  git = makeGit()
  remote = { url: server.url }
  await git.fetch(remote)
  gitsRun()
})

afterAll(async () => {
  process.env.PATH = path
  await server.close()
  removeFolders()
})

describe('many that follow one repository', () => {
  it('and ask for it at once get one fetch', async () => {
    const refs = await times(async () => await git.fetch(remote))
    expect(new Set(refs.map((one) => one.get('refs/heads/main'))).size).toBe(1)
    expect(gitsRun().filter((one) => one === 'fetch')).toHaveLength(1)
  })

  it('get what was pushed before they asked, also while a fetch is running', async () => {
    for (let n = 0; n < 5; n++) {
      const running = git.fetch(remote)
      await git.resolve(remote, 'refs/heads/main')
      const commit = server.commit({ 'late.yaml': `n: ${n} ${Date.now()}\n` })
      const refs = await times(async () => await git.fetch(remote))
      for (const one of refs) expect(one.get('refs/heads/main')).toBe(commit)
      await running
      expect(await git.resolve(remote, 'refs/heads/main')).toBe(commit)
    }
  })

  it('get what one fetched a moment ago where that will do, and no longer than that', async () => {
    const before = await git.resolve(remote, 'refs/heads/main')
    const commit = server.commit({ 'young.yaml': `at: ${Date.now()}\n` })
    gitsRun()
    const old = await times(async () => await git.fetch(remote, undefined, { maxAgeMs: 600_000 }))
    for (const one of old) expect(one.get('refs/heads/main')).toBe(before)
    expect(gitsRun()).not.toContain('fetch')
    expect((await git.fetch(remote, undefined, { maxAgeMs: 0 })).get('refs/heads/main')).toBe(commit)
  })

  it('do not wait for each other: one that is stopped stops no other, and a fetch that nobody wants ends', async () => {
    const stop = new AbortController()
    const stopped = git.fetch(remote, stop.signal)
    const other = git.fetch(remote)
    stop.abort(new Error('enough'))
    await expect(stopped).rejects.toThrow('enough')
    expect((await other).get('refs/heads/main')).toMatch(/^[0-9a-f]{40}$/)
    await expect(git.fetch(remote, AbortSignal.abort(new Error('never')))).rejects.toThrow('never')
  })

  it('ask a mirror that did not change once, whoever asks and however often it is fetched', async () => {
    const head = await git.resolve(remote, 'refs/heads/main')
    const ask = async () =>
      await times(async () => {
        await git.resolve(remote, 'refs/heads/main')
        await git.resolve(remote, first)
        await git.tree(remote, head, [])
        await git.relation(remote, first, head)
        await git.log(remote, { to: head, limit: 10 })
      })
    await ask()
    const once = gitsRun().length
    expect(once).toBeLessThan(15)
    await git.fetch(remote)
    gitsRun()
    await ask()
    expect(gitsRun()).toEqual([])
    const next = server.commit({ 'moved.yaml': `at: ${Date.now()}\n` })
    await git.fetch(remote)
    expect(await git.resolve(remote, 'refs/heads/main')).toBe(next)
    expect((await git.tree(remote, next, [])).some(({ path: file }) => file === 'moved.yaml')).toBe(true)
  })

  it('learn which commits touch their paths: git is asked for those alone that a push concerns', async () => {
    const from = await git.resolve(remote, 'refs/heads/main')
    const one = server.commit({ 'apps/3/app.yaml': `at: ${Date.now()}\n` })
    const back = server.commit({ 'apps/4/app.yaml': `at: ${Date.now()}\n` })
    const to = server.commit({ 'apps/4/app.yaml': 'n: 4\n' })
    await git.fetch(remote)
    gitsRun()
    const logs = await times(async (n) => await git.log(remote, { from, to, limit: 50, paths: [`apps/${n}`] }))
    const found = logs.map((entries) => entries.map(({ commit }) => commit))
    expect(found[3]).toEqual([one])
    // taken back again, and told all the same
    expect(found[4]).toEqual([to, back])
    expect(found.flat()).toHaveLength(3)
    expect(gitsRun().filter((command) => command === 'log').length).toBeLessThanOrEqual(3)
  })

  it('see what a merge brings, and paths that are not written as git writes them', async () => {
    const from = await git.resolve(remote, 'refs/heads/main')
    server.git(['update-ref', 'refs/heads/side', from])
    const side = server.commit({ 'apps/5/app.yaml': `at: ${Date.now()}\n` }, 'side')
    const main = server.commit({ 'apps/6/app.yaml': `at: ${Date.now()}\n` })
    const tree = server.git(['merge-tree', '--write-tree', main, side])
    const merge = server.git(['commit-tree', '-m', 'merge', '-p', main, '-p', side, tree.split('\n')[0] ?? ''])
    server.git(['update-ref', 'refs/heads/main', merge])
    await git.fetch(remote)
    for (const file of ['apps/5', 'apps/5/', 'apps//5', 'apps/5/app.yaml']) {
      const entries = await git.log(remote, { from, to: merge, limit: 50, paths: [file] })
      expect(entries.map(({ commit }) => commit)).toContain(side)
    }
    expect(await git.log(remote, { from, to: merge, limit: 50, paths: ['apps/7'] })).toEqual([])
  })
})
