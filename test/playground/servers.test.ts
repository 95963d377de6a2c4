import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startChartRepository } from '../../playground/stack/chart-repository.ts'
import type { RefUpdate } from '../../playground/stack/git-refs.ts'
import { type GitServer, startGitServer } from '../../playground/stack/git-server.ts'
import { pushImage } from '../../playground/stack/push-image.ts'
import { until } from '../../playground/stack/until.ts'
import { stack } from '../stack/stack.ts'

const run = promisify(execFile)
const charts = fileURLToPath(new URL('../../playground/charts', import.meta.url))
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'capstan-servers-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('the git server', () => {
  let server: GitServer
  const pushes: [string, RefUpdate[]][] = []
  const git = async (...args: string[]) => (await run('git', args, { cwd: folder })).stdout.trim()

  beforeAll(async () => {
    server = await startGitServer({
      root: join(folder, 'repositories'),
      auth: { user: 'me', password: 'secret' },
      onPush: (repository, updates) => void pushes.push([repository, updates]),
    })
    await git('init', '-q', '--bare', '-b', 'main', join(server.root, 'a.git'))
  })
  afterAll(async () => {
    await server.stop()
  })

  it('takes a push with large files, says which references moved, and gives it all back to a clone', async () => {
    const url = server.url('a.git').replace('://', '://me:secret@')
    await git('clone', '-q', url, 'work')
    for (let n = 0; n < 50; n++)
      writeFileSync(join(folder, 'work', `${n}`), Buffer.alloc(100_000, Math.random().toString()))
    await git('-C', 'work', 'checkout', '-q', '-B', 'main')
    await git('-C', 'work', 'add', '.')
    await git('-C', 'work', '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '-m', 'all')
    await git('-C', 'work', 'push', '-q', 'origin', 'main')
    const head = await git('-C', 'work', 'rev-parse', 'HEAD')
    await until('the report of the push', async () => pushes.length === 1)
    expect(pushes).toEqual([['a.git', [{ ref: 'refs/heads/main', after: head }]]])
    await git('clone', '-q', '--depth=1', url, 'again')
    expect(await git('-C', 'again', 'rev-parse', 'HEAD')).toBe(head)
  })

  it('asks for the password', async () => {
    await expect(
      git('-c', 'credential.helper=', 'ls-remote', server.url('a.git').replace('://', '://me:wrong@')),
    ).rejects.toThrow()
    expect((await fetch(`${server.url('a.git')}/info/refs?service=git-upload-pack`)).status).toBe(401)
  })

  it('serves nothing outside its folder', async () => {
    writeFileSync(join(folder, 'outside'), 'x')
    const headers = { authorization: `Basic ${Buffer.from('me:secret').toString('base64')}` }
    for (const path of ['/..%2foutside/info/refs', '/a.git/..%2f..%2foutside', '/.ssh/id', '/']) {
      expect((await fetch(`http://127.0.0.1:${server.port}${path}`, { headers })).status, path).toBeGreaterThanOrEqual(
        400,
      )
    }
  })
})

describe('a push that is cut off', () => {
  const module = fileURLToPath(new URL('../../playground/stack/git-server.ts', import.meta.url))
  let root: string

  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'capstan-served-'))
    await run('git', ['init', '-q', '--bare', join(root, 'a.git')])
  })
  afterAll(() => rmSync(root, { recursive: true }))

  /** Says that a push comes, and sends its first bytes only. */
  async function beginPush(port: number) {
    const socket = connect({ port, host: '127.0.0.1' })
    await once(socket, 'connect')
    const type = 'application/x-git-receive-pack-request'
    socket.write(
      `POST /a.git/git-receive-pack HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\ncontent-length: 100000\r\n\r\n0094`,
    )
    return socket
  }

  /** Processes of git that serve this folder. */
  function backends(): string[] {
    return readdirSync('/proc').filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`GIT_PROJECT_ROOT=${root}\0`)
      } catch {
        return false
      }
    })
  }

  it.each([
    ['before it is begun', async () => {}],
    ['in the middle', async () => void (await until('it is begun', async () => backends().length > 0))],
  ])('by its client leaves nothing behind (%s)', async (_when, wait) => {
    const server = await startGitServer({ root })
    const sockets = await Promise.all(Array.from({ length: 5 }, () => beginPush(server.port)))
    await wait()
    for (const socket of sockets) socket.destroy()
    // somebody who comes after them is served after them
    await run('git', ['ls-remote', server.url('a.git')])
    await server.stop()
    expect(backends()).toEqual([])
  })

  it('by the death of the server leaves nothing behind', async () => {
    const program = `import { startGitServer } from ${JSON.stringify(module)}
console.log((await startGitServer({ root: ${JSON.stringify(root)} })).port)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', program])
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const socket = await beginPush(Number(line.toString()))
    socket.on('error', () => {})
    await until('it is begun', async () => backends().length > 0)
    child.kill('SIGKILL')
    await until('nothing is left', async () => backends().length === 0)
  })
})

it('serves charts that the real helm can pull, also new ones', async () => {
  const { helm } = stack()
  const repository = await startChartRepository({ root: join(folder, 'charts'), helm, charts: [join(charts, 'cache')] })
  mkdirSync(join(folder, 'pulled'))
  await run(helm, [
    'pull',
    'cache',
    '--repo',
    repository.url,
    '--version',
    '1.2.0',
    '--untar',
    '--untardir',
    join(folder, 'pulled'),
  ])
  await run(helm, ['create', join(folder, 'other')])
  await repository.publish(join(folder, 'other'))
  const index = await (await fetch(`${repository.url}/index.yaml`)).text()
  expect(index).toContain('name: cache')
  expect(index).toContain('name: other')
  await repository.stop()
})

it('pushes images that the registry lists', async () => {
  const { registry } = stack()
  const repository = `capstan-test/${Math.random().toString(36).slice(2)}`
  const digest = await pushImage({ registry, repository, tag: '1.0.0' })
  expect(await pushImage({ registry, repository, tag: '1.0.1' })).not.toBe(digest)
  const { tags } = (await (await fetch(`http://${registry}/v2/${repository}/tags/list`)).json()) as { tags: string[] }
  expect(tags.toSorted()).toEqual(['1.0.0', '1.0.1'])
})
