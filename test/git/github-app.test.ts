import { createVerify, generateKeyPairSync } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createEgress } from '../../src/adapters/egress/index.ts'
import { createGithubApp, type GithubApp } from '../../src/adapters/git/index.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { makeGit, removeFolders, temporaryFolder } from './make-git.ts'

const keys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
})
const egress = createEgress()

let api: Server
let apiUrl: string
let now: number
let answer: { status: number; body: string }
let seen: { method: string; path: string; jwt: string; accept: string }[]
let app: GithubApp

beforeAll(async () => {
  api = createServer((request, response) => {
    const { method = '', url: path = '', headers } = request
    const jwt = headers.authorization?.replace('Bearer ', '') ?? ''
    seen.push({ method, path, jwt, accept: headers.accept ?? '' })
    const headersBack = answer.status === 302 ? { location: '/elsewhere' } : {}
    response.writeHead(answer.status, headersBack).end(answer.body)
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  apiUrl = `http://127.0.0.1:${(api.address() as AddressInfo).port}/api/v3`
})

beforeEach(() => {
  now = Date.parse('2026-11-21T08:00:00Z')
  seen = []
  answer = { status: 201, body: token('ghs_first', '2026-11-21T09:00:00Z') }
  app = createGithubApp({ egress, now: () => now })
})

afterAll(async () => {
  api.closeAllConnections()
  api.close()
  await egress.close()
  removeFolders()
})

function token(text: string, end: string): string {
  return JSON.stringify({ token: text, expires_at: end })
}

function installation(more: Record<string, string> = {}) {
  return { appId: '12345', installationId: '678', privateKey: keys.privateKey, apiUrl, ...more }
}

describe('a GitHub App', () => {
  it('gets a token with a JWT of its key that is good for nine minutes', async () => {
    expect(await app.login(installation())).toMatchObject({
      kind: 'basic',
      username: 'x-access-token',
      password: 'ghs_first',
    })
    const [request] = seen
    expect(request).toMatchObject({
      method: 'POST',
      path: '/api/v3/app/installations/678/access_tokens',
      accept: 'application/vnd.github+json',
    })
    const [head = '', claims = '', signature = ''] = request?.jwt.split('.') ?? []
    const decode = (part: string): unknown => JSON.parse(Buffer.from(part, 'base64url').toString())
    expect(decode(head)).toEqual({ alg: 'RS256', typ: 'JWT' })
    expect(decode(claims)).toEqual({ iss: '12345', iat: now / 1000 - 60, exp: now / 1000 + 540 })
    const verifier = createVerify('sha256').update(`${head}.${claims}`)
    expect(verifier.verify(keys.publicKey, Buffer.from(signature, 'base64url'))).toBe(true)
  })

  it('keeps it as long where the clock was set back before it came', async () => {
    await app.login(installation())
    now -= 3 * 3600_000
    answer.body = token('ghs_second', new Date(now + 3600_000).toISOString())
    await app.login(installation({ installationId: '679' }))
    now += 54 * 60_000
    expect(await app.login(installation({ installationId: '679' }))).toMatchObject({ password: 'ghs_second' })
    expect(seen).toHaveLength(2)
    now += 60_000
    await app.login(installation({ installationId: '679' }))
    expect(seen).toHaveLength(3)
  })

  it('keeps it until five minutes before its end, for each installation', async () => {
    await app.login(installation())
    now += 54 * 60_000
    await app.login(installation())
    expect(seen).toHaveLength(1)
    now += 60_000
    answer.body = token('ghs_second', '2026-11-21T10:00:00Z')
    expect(await app.login(installation())).toMatchObject({ password: 'ghs_second' })
    await app.login(installation({ installationId: '679' }))
    expect(seen).toHaveLength(3)
  })

  it('is for who has the key alone, since ids are no secret', async () => {
    await app.login(installation())
    await expect(app.login(installation({ privateKey: 'guessed' }))).rejects.toMatchObject({ reason: 'GitAuthFailed' })
    expect(seen).toHaveLength(1)
  })

  it.each([
    [401, '{"message":"Bad credentials"}', 'GitAuthFailed', /refused a token for the GitHub App \(401\)/],
    [404, '', 'GitAuthFailed', /check app id, installation id and key/],
    [503, 'down', 'GitUnreachable', /gave no token for the GitHub App \(503\)/],
    [201, '{"token":"ghs_x"}', 'GitUnreachable', /cannot be read/],
    [201, 'null', 'GitUnreachable', /cannot be read/],
    [201, '<html>', 'GitUnreachable', /cannot be read/],
    [302, '', 'GitUnreachable', /does not answer/],
  ])('that is answered by %s %s is %s', async (status, body, reason, message) => {
    answer = { status, body }
    await expect(app.login(installation())).rejects.toMatchObject({ reason, message: expect.stringMatching(message) })
    expect(seen.filter(({ path }) => path === '/elsewhere')).toEqual([])
  })

  it('says what is wrong with its settings, and nothing of its key', async () => {
    await expect(app.login(installation({ privateKey: 'SECRET' }))).rejects.toMatchObject({
      reason: 'GitAuthFailed',
      message: expect.not.stringContaining('SECRET'),
    })
    await expect(app.login(installation({ installationId: '1/../2' }))).rejects.toMatchObject({
      reason: 'GitAuthFailed',
    })
    await expect(app.login(installation({ apiUrl: 'http://127.0.0.1:1' }))).rejects.toMatchObject({
      reason: 'GitUnreachable',
    })
    expect(seen).toEqual([])
  })

  it('logs in to git, and its mirror outlives its token', async () => {
    const server: GitServer = await startGitServer({ username: 'x-access-token', password: 'ghs_first' })
    const commit = server.commit({ 'a.yaml': 'x: 1\n' })
    const git = makeGit({ directory: temporaryFolder() })
    const first = await app.login(installation())
    expect((await git.fetch({ url: server.url, auth: first })).get('refs/heads/main')).toBe(commit)
    now += 56 * 60_000
    answer.body = token('ghs_second', '2026-11-21T10:00:00Z')
    const second = await app.login(installation())
    expect(await git.resolve({ url: server.url, auth: second }, 'main')).toBe(commit)
    await expect(git.fetch({ url: server.url, auth: second })).rejects.toMatchObject({ reason: 'GitAuthFailed' })
    await server.close()
  })
})
