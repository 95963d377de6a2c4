import { existsSync, lstatSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Git, GitRemote } from '../../src/adapters/git/index.ts'
import { type GitServer, spyOnGit, startGitServer } from './git-server.ts'
import { makeGit, removeFolders, temporaryFolder } from './make-git.ts'

let server: GitServer
let git: Git
let remote: GitRemote
let commit: string

beforeAll(async () => {
  server = await startGitServer()
  commit = server.commit({
    'charts/app/Chart.yaml': 'name: app\n',
    'charts/app/run.sh': '#!/bin/sh\n',
    'charts/app/evil': '-> /etc/passwd',
    'charts/app/templates/ä ö.yaml': 'a: ü\0\n',
    'top.yaml': '',
    'link.yaml': '-> charts/app/Chart.yaml',
  })
  git = makeGit()
  remote = { url: server.url }
  await git.fetch(remote)
})

afterAll(async () => {
  await server.close()
  removeFolders()
})

describe('the tree of a commit', () => {
  it('has every file with its mode and size, links with where they lead', async () => {
    const files = await git.tree(remote, commit, [])
    expect(files.map(({ path, mode, size, target }) => [path, mode, size, target])).toEqual([
      ['charts/app/Chart.yaml', 'file', 10, undefined],
      ['charts/app/evil', 'symlink', 11, '/etc/passwd'],
      ['charts/app/run.sh', 'executable', 10, undefined],
      ['charts/app/templates/ä ö.yaml', 'file', 7, undefined],
      ['link.yaml', 'symlink', 21, 'charts/app/Chart.yaml'],
      ['top.yaml', 'file', 0, undefined],
    ])
  })

  it('can be had below paths, and names all that are missing', async () => {
    const files = await git.tree(remote, commit, ['charts/app/templates', './top.yaml'])
    expect(files.map(({ path }) => path)).toEqual(['charts/app/templates/ä ö.yaml', 'top.yaml'])
    await expect(git.tree(remote, commit, ['charts', 'no', 'top'])).rejects.toMatchObject({
      reason: 'PathNotFound',
      message: "not in the repository at this revision: 'no', 'top'",
    })
  })

  it('of a commit that is not there is GitRefNotFound', async () => {
    await expect(git.tree(remote, '0'.repeat(40), [])).rejects.toMatchObject({ reason: 'GitRefNotFound' })
    await expect(git.tree(remote, '--help', [])).rejects.toMatchObject({ reason: 'GitRefNotFound', retry: 'never' })
  })
})

describe('reading', () => {
  it('gives the bytes as they are', async () => {
    const files = await git.tree(remote, commit, [])
    const contents = await git.read(
      remote,
      files.map(({ blob }) => blob),
    )
    const bytes = (path: string) =>
      Buffer.from(contents.get(files.find((file) => file.path === path)?.blob ?? '') ?? []).toString()
    expect(bytes('charts/app/templates/ä ö.yaml')).toBe('a: ü\0\n')
    expect(bytes('top.yaml')).toBe('')
    expect(contents.size).toBe(6)
  })

  it('of nothing is nothing, of an unknown id an error', async () => {
    expect((await git.read(remote, [])).size).toBe(0)
    await expect(git.read(remote, ['1'.repeat(40)])).rejects.toMatchObject({ reason: 'GitRefNotFound' })
    await expect(git.read(remote, ['x\ny'])).rejects.toMatchObject({ reason: 'GitRefNotFound' })
  })

  it('of 2,500 files takes a few runs of git and not one for each', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 2_500 }, (_, i) => [`m/${i % 50}/${i}.yaml`, `n: ${i}\n`.repeat(100)]),
    )
    const big = server.commit(many, 'many')
    const spy = spyOnGit(temporaryFolder())
    const watched = makeGit({ environment: { PATH: spy.path } })
    await watched.fetch(remote)
    const runs = () => readFileSync(spy.log, 'utf8').match(/^PATH=/gm)?.length ?? 0
    const before = runs()
    const files = await watched.tree(remote, big, ['m'])
    const contents = await watched.read(
      remote,
      files.map(({ blob }) => blob),
    )
    expect(contents.size).toBe(2_500)
    expect(runs() - before).toBeLessThan(10)
  })
})

describe('exporting', () => {
  it('writes copies where links lead inside the repository, also where the path itself is one', async () => {
    const own = await startGitServer()
    onTestFinished(() => own.close())
    const linked = own.commit({
      'link.yaml': '-> charts/app/Chart.yaml',
      'charts/app/evil': '-> /etc/passwd',
      'charts/app/above': '-> ../../../../etc/passwd',
      'charts/app/loop': '-> .',
      'charts/app/Chart.yaml': 'name: app\n',
      'charts/current': '-> app',
      all: '-> charts',
    })
    const there = { url: own.url }
    await git.fetch(there)
    const folder = temporaryFolder()
    for (const [path, expected] of [
      ['charts/current', ['Chart.yaml']],
      ['all/current', ['Chart.yaml']],
      ['all', ['app/Chart.yaml', 'current/Chart.yaml']],
      ['link.yaml', ['Chart.yaml']],
    ] as const) {
      const into = join(folder, path.replaceAll('/', '-'))
      await git.export(there, linked, path, into)
      const found = readdirSync(into, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory())
      expect(found.map(({ parentPath, name }) => join(parentPath, name).slice(into.length + 1)).toSorted()).toEqual(
        expected,
      )
      expect(found.every((entry) => entry.isFile())).toBe(true)
    }
  })

  it('writes files with their modes and no links', async () => {
    const folder = temporaryFolder()
    await git.export(remote, commit, 'charts/app', folder)
    expect(readdirSync(folder).toSorted()).toEqual(['Chart.yaml', 'run.sh', 'templates'])
    expect(readFileSync(join(folder, 'templates/ä ö.yaml'), 'utf8')).toBe('a: ü\0\n')
    expect(statSync(join(folder, 'run.sh')).mode & 0o111).not.toBe(0)
    expect(statSync(join(folder, 'Chart.yaml')).mode & 0o111).toBe(0)
    expect(lstatSync(join(folder, 'Chart.yaml')).isFile()).toBe(true)
  })

  it('makes the folder, takes a single file, and the whole repository', async () => {
    const folder = temporaryFolder()
    await git.export(remote, commit, 'charts/app/Chart.yaml', join(folder, 'one'))
    expect(readdirSync(join(folder, 'one'))).toEqual(['Chart.yaml'])
    await git.export(remote, commit, '', join(folder, 'all'))
    expect(existsSync(join(folder, 'all/charts/app/run.sh'))).toBe(true)
  })

  it('refuses a path that is missing, one that leads out, and a folder that holds something', async () => {
    const folder = temporaryFolder()
    await expect(git.export(remote, commit, 'nope', folder)).rejects.toMatchObject({ reason: 'PathNotFound' })
    await expect(git.export(remote, commit, '../etc', folder)).rejects.toMatchObject({ reason: 'PathNotFound' })
    writeFileSync(join(folder, 'x'), '')
    await expect(git.export(remote, commit, 'charts', folder)).rejects.toThrow('not empty')
  })
})

describe('the log', () => {
  it('has parents and messages between two commits, newest first', async () => {
    const second = server.commit({ 'top.yaml': 'b: 1\n' })
    const third = server.commit({ 'top.yaml': 'b: 2\n' })
    await git.fetch(remote)
    const found = await git.log(remote, { from: commit, to: third, limit: 10 })
    expect(found).toEqual([
      { commit: third, parents: [second], message: 'change' },
      { commit: second, parents: [commit], message: 'change' },
    ])
    expect(await git.log(remote, { to: third, limit: 2 })).toHaveLength(2)
    expect(await git.log(remote, { from: third, to: third, limit: 2 })).toEqual([])
  })
})
