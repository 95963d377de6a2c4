import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GitRemote } from '../../src/adapters/git/index.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { makeGit, removeFolders, temporaryFolder } from './make-git.ts'

let server: GitServer
let remote: GitRemote
let commit: string

beforeAll(async () => {
  server = await startGitServer()
  commit = server.commit({ 'a.yaml': 'x: 1\n', 'b.yaml': 'y: 1\n'.repeat(1_000) })
  server.git(['repack', '-adq'])
  remote = { url: server.url }
})

afterAll(async () => {
  await server.close()
  removeFolders()
})

async function fetched() {
  const directory = temporaryFolder()
  const git = makeGit({ directory })
  await git.fetch(remote)
  const mirror = join(directory, 'mirrors', readdirSync(join(directory, 'mirrors'))[0] ?? '')
  return { git, directory, mirror }
}

/** All object files of a mirror, loose or packed. */
function objects(mirror: string): string[] {
  const found = readdirSync(join(mirror, 'objects'), { recursive: true, withFileTypes: true })
  return found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

describe('a damaged mirror', () => {
  it.each<[string, (mirror: string) => void]>([
    ['its objects are gone', (mirror) => rmSync(join(mirror, 'objects'), { recursive: true })],
    [
      'its objects are empty',
      (mirror) =>
        objects(mirror).forEach((file) => {
          rmSync(file)
          writeFileSync(file, '')
        }),
    ],
    ['its HEAD is gone', (mirror) => rmSync(join(mirror, 'HEAD'))],
    ['its references are nonsense', (mirror) => writeFileSync(join(mirror, 'packed-refs'), 'nonsense\n')],
    ['its configuration is nonsense', (mirror) => writeFileSync(join(mirror, 'config'), '[[[\n')],
    [
      'it is an empty folder',
      (mirror) => {
        rmSync(mirror, { recursive: true })
        mkdirSync(mirror)
      },
    ],
  ])('is cloned anew when %s', async (_, harm) => {
    const { git, mirror } = await fetched()
    harm(mirror)
    const refs = await git.fetch(remote)
    expect(refs.get('refs/heads/main')).toBe(commit)
    const files = await git.tree(remote, commit, [])
    const contents = await git.read(
      remote,
      files.map(({ blob }) => blob),
    )
    expect(contents.size).toBe(2)
  })

  it('is cloned anew also by who only reads, and by all who read at once', async () => {
    const { git, mirror } = await fetched()
    rmSync(join(mirror, 'objects'), { recursive: true })
    const trees = await Promise.all([1, 2, 3].map(() => git.tree(remote, commit, [])))
    for (const files of trees) expect(files).toHaveLength(2)
  })

  it('is cloned anew once and then not for a while', async () => {
    const { git, mirror } = await fetched()
    rmSync(join(mirror, 'HEAD'))
    await git.fetch(remote)
    rmSync(join(mirror, 'HEAD'))
    await expect(git.fetch(remote)).rejects.toMatchObject({
      reason: 'GitUnreachable',
      message: expect.stringContaining('damaged again'),
      retry: { afterMs: expect.any(Number) },
    })
  })

  it('never makes git work on a repository around it', async () => {
    const outer = temporaryFolder()
    server.git(['init', '--quiet', outer])
    const directory = join(outer, 'state')
    const git = makeGit({ directory })
    await git.fetch(remote)
    const mirror = join(directory, 'mirrors', readdirSync(join(directory, 'mirrors'))[0] ?? '')
    rmSync(mirror, { recursive: true })
    mkdirSync(mirror)
    const before = readdirSync(join(outer, '.git'), { recursive: true }).length
    await git.fetch(remote)
    expect(readdirSync(join(outer, '.git'), { recursive: true })).toHaveLength(before)
  })
})

describe('what a killed process left', () => {
  it('is swept away when it is old', async () => {
    const { git, mirror } = await fetched()
    const left = [
      join(mirror, 'packed-refs.lock'),
      join(mirror, 'refs/heads/main.lock'),
      join(mirror, 'objects/pack/tmp_pack_x'),
    ]
    mkdirSync(join(mirror, 'refs/heads'), { recursive: true })
    for (const file of left) {
      writeFileSync(file, 'x')
      utimesSync(file, 0, 0)
    }
    server.commit({ 'c.yaml': 'z: 1\n' }, 'other')
    await git.fetch(remote)
    for (const file of left) expect(existsSync(file)).toBe(false)
  })

  it('in the folder for what is being made is swept away at the start', async () => {
    const directory = temporaryFolder()
    mkdirSync(join(directory, 'tmp/half.git'), { recursive: true })
    await makeGit({ directory }).fetch(remote)
    expect(readdirSync(join(directory, 'tmp'))).toEqual([])
  })
})

describe('a clone that fails', () => {
  it('leaves nothing behind and the next one succeeds', async () => {
    const directory = temporaryFolder()
    const git = makeGit({ directory })
    await expect(git.fetch({ url: `${server.url}x` })).rejects.toMatchObject({ reason: 'GitUnreachable' })
    expect(readdirSync(join(directory, 'tmp'))).toEqual([])
    expect(readdirSync(join(directory, 'mirrors'))).toEqual([])
    await git.fetch(remote)
    expect(readdirSync(join(directory, 'mirrors'))).toHaveLength(1)
  })
})

describe('a mirror that nobody fetches any more', () => {
  it('goes with its credentials before another one is made, as with a password that changes by the hour', async () => {
    const { git, directory, mirror } = await fetched()
    const others = (password: string): GitRemote => ({ ...remote, auth: { kind: 'basic', username: 'git', password } })
    await git.fetch(others('first'))
    expect(readdirSync(join(directory, 'mirrors'))).toHaveLength(2)
    utimesSync(mirror, 0, 0)
    await git.fetch(others('second'))
    expect(readdirSync(join(directory, 'mirrors'))).toHaveLength(2)
    expect(readdirSync(join(directory, 'homes'))).toHaveLength(2)
    expect(existsSync(mirror)).toBe(false)
    await git.fetch(remote)
    expect(existsSync(mirror)).toBe(true)
  })
})

describe('a repository that is damaged itself', () => {
  it('is GitUnreachable and does not cost us the mirror', async () => {
    const broken = await startGitServer()
    broken.commit({ 'a.yaml': 'x: 1\n' })
    const git = makeGit()
    await git.fetch({ url: broken.url })
    const next = broken.commit({ 'a.yaml': 'x: 2\n' })
    const file = join(broken.repository, 'objects', next.slice(0, 2), next.slice(2))
    const content = readFileSync(file)
    rmSync(file)
    writeFileSync(file, content)
    truncateSync(file, 10)
    await expect(git.fetch({ url: broken.url })).rejects.toMatchObject({ reason: 'GitUnreachable' })
    expect(await git.resolve({ url: broken.url }, 'main')).toMatch(/^[0-9a-f]{40}$/)
    await broken.close()
  })
})
