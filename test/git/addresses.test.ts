import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addressesFor } from '../../src/main/git-addresses.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { makeGit, removeFolders } from './make-git.ts'

let server: GitServer
let commit: string
const listeners: Server[] = []

beforeAll(async () => {
  server = await startGitServer()
  commit = server.commit({ 'a.yaml': 'x: 1\n' })
})

afterAll(async () => {
  for (const one of listeners) one.close()
  await server.close()
  removeFolders()
})

/** A server inside that counts who comes by, whatever they speak. */
async function inside(answer: (path: string) => { status: number; location?: string } = () => ({ status: 404 })) {
  const seen: string[] = []
  const one = createServer((request, response) => {
    seen.push(request.url ?? '')
    const { status, location } = answer(request.url ?? '')
    response.writeHead(status, location ? { location } : {}).end()
  })
  one.on('connection', () => seen.push('connected'))
  listeners.push(one)
  await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve))
  return { port: (one.address() as AddressInfo).port, seen }
}

/** DNS as a tenant may have it: each name with its addresses. */
function names(known: Record<string, string[]>) {
  const asked: string[] = []
  const resolve = async (host: string) => {
    asked.push(host)
    const found = known[host]
    if (!found) throw new Error('ENOTFOUND')
    return found
  }
  return { asked, resolve }
}

const strict = () => makeGit({ addressesOf: addressesFor({ areTenants: true }) })

describe('with --tenants git', () => {
  it.each([
    ['loopback', '127.0.0.1'],
    ['its name', 'localhost'],
    ['loopback as one number', '2130706433'],
    ['loopback in hex', '0x7f.1'],
    ['loopback in octal', '0177.0.0.01'],
    ['loopback inside an IPv6 address', '[::ffff:127.0.0.1]'],
    ['loopback inside an IPv6 address, in hex', '[::ffff:7f00:1]'],
  ])('asks nothing of %s for somebody else', async (_name, host) => {
    const { port, seen } = await inside()
    for (const scheme of ['http', 'https', 'ssh']) {
      const url = `${scheme}://${host}:${port}/x.git`
      await expect(strict().fetch({ url, isForeign: true }), url).rejects.toMatchObject({
        reason: 'GitUnreachable',
        message: expect.stringContaining('no address that may be asked'),
      })
    }
    expect(seen).toEqual([])
  })

  it('says the same of a host that is there, one that is not and one that nobody knows', async () => {
    const { resolve } = names({ 'there.test': ['10.0.0.1'], 'meta.test': ['169.254.169.254'] })
    const git = makeGit({ addressesOf: addressesFor({ areTenants: true }, resolve) })
    const said: string[] = []
    for (const host of ['there.test', 'meta.test', 'nobody.test', '127.0.0.1']) {
      const failure = await git.fetch({ url: `https://${host}/x.git`, isForeign: true }).catch((error: Error) => error)
      said.push((failure as Error).message.replaceAll(host, 'HOST'))
    }
    expect(new Set(said).size).toBe(1)
  })

  it('fetches the repository of the operator from inside', async () => {
    expect((await strict().fetch({ url: server.url })).get('refs/heads/main')).toBe(commit)
  })

  it('refuses the scp-like form too', async () => {
    for (const url of ['git@127.0.0.1:x.git', '[::1]:x.git']) {
      await expect(strict().fetch({ url, isForeign: true })).rejects.toMatchObject({
        message: expect.stringContaining('no address that may be asked'),
      })
    }
  })
})

describe('link-local addresses', () => {
  it.each(['169.254.169.254', '[::ffff:169.254.169.254]', '[fe80::1]', '2852039166', '[fd00:ec2::254]'])(
    'are never asked: %s',
    async (host) => {
      const git = makeGit({ addressesOf: addressesFor({ areTenants: false }) })
      for (const isForeign of [true, false]) {
        await expect(git.fetch({ url: `http://${host}/x.git`, isForeign })).rejects.toMatchObject({
          message: expect.stringContaining('no address that may be asked'),
        })
      }
    },
  )
})

describe('a name', () => {
  it('is looked up once, and git goes to those of its addresses that are allowed', async () => {
    const { asked, resolve } = names({ 'git.test': ['169.254.169.254', '127.0.0.1'] })
    const git = makeGit({ addressesOf: addressesFor({ areTenants: false }, resolve) })
    const remote = { url: server.url.replace('127.0.0.1', 'git.test'), isForeign: true }
    expect((await git.fetch(remote)).get('refs/heads/main')).toBe(commit)
    expect(asked).toEqual(['git.test'])
  })

  it('that answers differently the next time is decided anew', async () => {
    const known: Record<string, string[]> = { 'git.test': ['127.0.0.1'] }
    const git = makeGit({ addressesOf: addressesFor({ areTenants: false }, names(known).resolve) })
    const remote = { url: server.url.replace('127.0.0.1', 'git.test'), isForeign: true }
    await git.fetch(remote)
    known['git.test'] = ['169.254.169.254']
    await expect(git.fetch(remote)).rejects.toMatchObject({ reason: 'GitUnreachable' })
    known['git.test'] = ['127.0.0.1']
    expect((await git.fetch(remote)).get('refs/heads/main')).toBe(commit)
  })

  it('that only the proxy of the operator knows goes through the proxy or nowhere', async () => {
    const proxy = await inside()
    const direct = await inside()
    const environment = { http_proxy: `http://127.0.0.1:${proxy.port}` }
    const addressesOf = addressesFor({ areTenants: true }, names({}).resolve)
    const remote = { url: `http://git.test:${direct.port}/x.git`, isForeign: true }
    await expect(makeGit({ addressesOf, environment }).fetch(remote)).rejects.toMatchObject({
      reason: 'GitUnreachable',
    })
    expect(proxy.seen.join(' ')).toContain(`http://git.test:${direct.port}/x.git/info/refs`)
    const around = { ...environment, no_proxy: 'git.test' }
    await expect(makeGit({ addressesOf, environment: around }).fetch(remote)).rejects.toMatchObject({
      message: expect.stringContaining('Failed to connect'),
    })
    expect(direct.seen).toEqual([])
  })
})

describe('a redirect of a server that a user names', () => {
  it.each([{ isForeign: true }, { isUsers: true }])('is not followed (%j)', async (whose) => {
    const target = await inside()
    const honest = await inside((path) => ({ status: 302, location: `http://127.0.0.1:${target.port}${path}` }))
    const url = `http://127.0.0.1:${honest.port}/x`
    await expect(makeGit().fetch({ url, ...whose })).rejects.toMatchObject({
      reason: 'GitUnreachable',
      message: expect.stringContaining('give the URL that it sends to'),
    })
    expect(target.seen).toEqual([])
  })
})
