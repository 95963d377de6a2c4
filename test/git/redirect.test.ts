import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GitServer, startGitServer } from './git-server.ts'
import { makeGit, removeFolders, temporaryFolder } from './make-git.ts'

const username = 'bot'
const password = 'secret'
const auth = { kind: 'basic' as const, username, password }

let server: GitServer
let commit: string
const servers: Server[] = []

beforeAll(async () => {
  server = await startGitServer({ username, password })
  commit = server.commit({ 'a.yaml': 'x: 1\n' })
})

afterAll(async () => {
  for (const one of servers) one.close()
  await server.close()
  removeFolders()
})

/** Answers as told, on a free port; gives its address and what was asked. */
async function listen(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const seen: { path: string; authorization: string | undefined }[] = []
  const one = createServer((request, response) => {
    seen.push({ path: request.url ?? '', authorization: request.headers.authorization })
    answer(request, response)
  })
  servers.push(one)
  await new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve))
  return { port: (one.address() as AddressInfo).port, seen }
}

/** Somebody who asks for a password, as a git server does. */
async function attacker() {
  return await listen((_, response) => response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end())
}

/** Sends everybody elsewhere, either at once or only those who said who they are. */
async function sender(to: string, { first }: { first: 'ask' | 'send' }) {
  return await listen((request, response) => {
    if (first === 'ask' && !request.headers.authorization) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end()
    } else response.writeHead(302, { location: `${to}${request.url}` }).end()
  })
}

describe('a redirect', () => {
  it.each([
    ['at once', 'send', '127.0.0.1'],
    ['after the password', 'ask', '127.0.0.1'],
    ['at once, to a host of another name', 'send', 'localhost'],
    ['after the password, to a host of another name', 'ask', 'localhost'],
  ] as const)('to another server, %s, takes no credentials there (hazard D7)', async (_, first, host) => {
    const thief = await attacker()
    const honest = await sender(`http://${host}:${thief.port}`, { first })
    const url = `http://127.0.0.1:${honest.port}/repo.git`
    await expect(makeGit().fetch({ url, auth })).rejects.toMatchObject({ reason: 'GitAuthFailed' })
    await expect(makeGit().fetch({ url: url.replace('//', `//${username}:${password}@`) })).rejects.toMatchObject({
      reason: 'GitAuthFailed',
    })
    expect(thief.seen.length).toBeGreaterThan(0)
    expect(thief.seen.filter(({ authorization }) => authorization !== undefined)).toEqual([])
  })

  it.each([
    ['is followed, with credentials', {}],
    ['to the URL with .git does nobody harm, whose ever it is', { isForeign: true }],
  ])('on the same server %s', async (_, whose) => {
    const proxy = await listen((request, response) => {
      if (!request.url?.startsWith('/repo.git/')) {
        const location = (request.url ?? '').replace(/^\/repo\//, '/repo.git/')
        return void response.writeHead(301, { location }).end()
      }
      const headers = request.headers.authorization ? { authorization: request.headers.authorization } : {}
      const target = `${server.url.replace('/repo.git', '')}${request.url}`
      void forward(target, { request, response, headers })
    })
    const git = makeGit()
    const remote = { url: `http://127.0.0.1:${proxy.port}/repo`, auth, ...whose }
    expect((await git.fetch(remote)).get('refs/heads/main')).toBe(commit)
    expect((await git.fetch(remote)).get('refs/heads/main')).toBe(commit)
  })
})

type Exchange = { request: IncomingMessage; response: ServerResponse; headers: Record<string, string> }

async function forward(target: string, { request, response, headers }: Exchange): Promise<void> {
  const body: Buffer[] = []
  for await (const chunk of request) body.push(chunk as Buffer)
  const given = ['content-type', 'git-protocol', 'content-encoding']
  const kept = given.flatMap((name) => (request.headers[name] ? [[name, String(request.headers[name])]] : []))
  const answer = await fetch(target, {
    method: request.method ?? 'GET',
    headers: { ...headers, ...Object.fromEntries(kept) },
    ...(request.method === 'POST' ? { body: Buffer.concat(body) } : {}),
  })
  const passed = ['content-type', 'www-authenticate']
  const back = passed.flatMap((name) => (answer.headers.get(name) ? [[name, answer.headers.get(name)]] : []))
  response.writeHead(answer.status, Object.fromEntries(back) as Record<string, string>)
  response.end(Buffer.from(await answer.arrayBuffer()))
}

describe('the .netrc of the operator (ruling 15)', () => {
  it('gives the login of its host to a URL without one, from a copy that nobody else may read', async () => {
    const netrcFile = join(temporaryFolder(), 'netrc')
    writeFileSync(netrcFile, `machine 127.0.0.1 login ${username} password ${password}`, { mode: 0o644 })
    const directory = temporaryFolder()
    const git = makeGit({ directory, netrcFile })
    expect((await git.fetch({ url: server.url })).get('refs/heads/main')).toBe(commit)
    const copy = join(directory, 'homes', readdirSync(join(directory, 'homes'))[0] ?? '', '.netrc')
    expect(statSync(copy).mode & 0o777).toBe(0o600)
  })

  it('does not give it to another host, nor in the place of a login that was given', async () => {
    const netrcFile = join(temporaryFolder(), 'netrc')
    writeFileSync(netrcFile, `machine 127.0.0.1 login ${username} password ${password}\n`)
    const thief = await attacker()
    const honest = await sender(`http://localhost:${thief.port}`, { first: 'ask' })
    const git = makeGit({ netrcFile })
    await expect(git.fetch({ url: `http://127.0.0.1:${honest.port}/repo.git` })).rejects.toMatchObject({
      reason: 'GitAuthFailed',
    })
    expect(thief.seen.filter(({ authorization }) => authorization !== undefined)).toEqual([])
    await expect(makeGit({ netrcFile: '/no/such/netrc' }).fetch({ url: server.url })).rejects.toMatchObject({
      reason: 'GitAuthFailed',
      message: 'the netrc file /no/such/netrc cannot be read',
    })
  })
})
