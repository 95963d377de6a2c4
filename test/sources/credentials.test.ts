import { execFileSync } from 'node:child_process'
import { request as proxied } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createGit } from '../../src/adapters/git/index.ts'
import { createRedactor } from '../../src/adapters/log/index.ts'
import { remoteOf } from '../../src/jobs/source-credentials.ts'
import { createPrivateFiles } from '../../src/main/private-files.ts'
import { makeNamespace, quiet, realCluster, removeNamespace } from '../cluster/world.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'

const cluster = realCluster()
const directory = mkdtempSync(join(tmpdir(), 'capstan-credentials-'))
const redactor = createRedactor()
const kept = join(directory, 'kept')
const password = 'correct-horse'
/** Stands for GitHub, which gives such a login to who has the key; the request itself is tested beside the adapter. */
const githubApp = {
  login: async ({
    appId,
    installationId,
    privateKey,
  }: {
    appId: string
    installationId: string
    privateKey: string
  }) => {
    expect([appId, installationId, privateKey]).toEqual(['1', '2', 'pem'])
    return { kind: 'basic', username: 'ann', password, account: 'app 1' } as const
  },
}
const deps = { cluster, redactor, keep: createPrivateFiles(kept), githubApp }
const ssh = 'git@git.example.com:shop.git'
let namespace = ''
let repository: Repository
let key = ''

beforeAll(async () => {
  namespace = await makeNamespace(cluster)
  repository = await createRepository({ auth: { user: 'ann', password: 'correct-horse' } })
  await repository.push({ 'a.yaml': '' })
  const file = join(directory, 'id')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file])
  key = readFileSync(file, 'utf8')
})

afterAll(async () => {
  await removeNamespace(cluster, namespace)
  await cluster.close()
  await repository.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** The same git server behind TLS, with a certificate of its own. */
async function serveTls(url: string): Promise<{ url: string; certificate: string; stop(): void }> {
  const [keyFile, certFile] = [join(directory, 'tls.key'), join(directory, 'tls.crt')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', keyFile, '-out', certFile]
  execFileSync('openssl', ['req', ...made, ...subject], { stdio: 'ignore' })
  const [tlsKey, certificate] = [readFileSync(keyFile, 'utf8'), readFileSync(certFile, 'utf8')]
  const { hostname, port, pathname } = new URL(url)
  const server = createServer({ key: tlsKey, cert: certificate }, (request, response) => {
    const { method, headers, url: path } = request
    const behind = proxied({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(response)
    })
    request.pipe(behind)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port: tlsPort } = server.address() as AddressInfo
  return { url: `https://127.0.0.1:${tlsPort}${pathname}`, certificate, stop: () => void server.close() }
}

async function secret(name: string, stringData: Record<string, string>, type = 'Opaque'): Promise<void> {
  const metadata = { namespace, name }
  await cluster.apply({ apiVersion: 'v1', kind: 'Secret', metadata, type, stringData }, { force: true })
}

const remote = async (url: string, secretName: string) => await remoteOf({ url, namespace, secretName }, deps)

describe('the credentials of a Source', () => {
  it('get at a repository that asks for a password', async () => {
    const git = createGit({ directory: join(directory, 'git'), timeoutMs: 120_000, log: quiet })
    const basic = { username: 'ann', password: 'correct-horse' }
    await secret('login', basic, 'kubernetes.io/basic-auth')
    const refs = await git.fetch(await remote(repository.url, 'login'))
    expect([...refs.keys()]).toContain('refs/heads/main')
    await expect(git.fetch(await remote(repository.url, ''))).rejects.toMatchObject({ reason: 'GitAuthFailed' })
    await secret('wrong', { ...basic, password: 'wrong-horse' })
    await expect(git.fetch(await remote(repository.url, 'wrong'))).rejects.toMatchObject({ reason: 'GitAuthFailed' })
    expect(redactor.redact('the password is correct-horse')).not.toContain('correct-horse')
  })

  it('of a GitHub App get at it with the token of the app', async () => {
    const git = createGit({ directory: join(directory, 'git-app'), timeoutMs: 120_000, log: quiet })
    await secret('app', { githubAppID: '1', githubAppInstallationID: '2', githubAppPrivateKey: 'pem' })
    const refs = await git.fetch(await remote(repository.url, 'app'))
    expect([...refs.keys()]).toContain('refs/heads/main')
  })

  it('with ssh lie in private files, one for each key, whichever Source uses it', async () => {
    await secret('flux', { identity: key, 'identity.pub': 'x', known_hosts: 'git.example.com ssh-ed25519 AAAA' })
    await secret('kubernetes', { 'ssh-privatekey': key.trimEnd() }, 'kubernetes.io/ssh-auth')
    const first = await remote(ssh, 'flux')
    const second = await remote(ssh, 'kubernetes')
    const files = [first, second].map(({ auth }) => (auth?.kind === 'ssh' ? auth.privateKeyFile : ''))
    const [file = ''] = files
    expect(new Set(files).size).toBe(1)
    expect(readFileSync(file, 'utf8')).toBe(key)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(dirname(file)).mode & 0o777).toBe(0o700)
    const hosts = first.auth?.kind === 'ssh' ? first.auth.knownHostsFile : undefined
    expect(readFileSync(hosts ?? '', 'utf8')).toBe('git.example.com ssh-ed25519 AAAA')
    expect(second.auth).not.toHaveProperty('knownHostsFile')
    expect(execFileSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' })).toMatch(/^ssh-ed25519 /)
  })

  it('are never those of the operator, nor what was fetched with them', async () => {
    const netrcFile = join(directory, 'netrc')
    writeFileSync(netrcFile, 'machine 127.0.0.1 login ann password correct-horse\n', { mode: 0o600 })
    const options = { directory: join(directory, 'git-netrc'), timeoutMs: 120_000, log: quiet, netrcFile }
    const git = createGit(options)
    await git.fetch({ url: repository.url })
    const foreign = await remote(repository.url, '')
    await expect(git.resolve(foreign, 'main')).rejects.toMatchObject({ reason: 'GitRefNotFound' })
    await expect(git.fetch(foreign)).rejects.toMatchObject({ reason: 'GitAuthFailed' })
    const sshConfigFile = join(directory, 'ssh_config')
    const logins = { ...options, directory: join(directory, 'git-ssh'), sshConfigFile, gitConfigFile: sshConfigFile }
    await createGit(logins)
      .fetch(await remote('git@127.0.0.1:shop.git', ''))
      .catch(() => undefined)
    const [home = ''] = readdirSync(join(logins.directory, 'homes'))
    const config = readFileSync(join(logins.directory, 'homes', home, '.gitconfig'), 'utf8')
    expect(config).toContain('IdentityFile=none')
    expect(config).not.toContain(sshConfigFile)
  })

  it('may bring the certificate of a server that nobody else trusts', async () => {
    const git = createGit({ directory: join(directory, 'git-tls'), timeoutMs: 120_000, log: quiet })
    const server = await serveTls(repository.url)
    onTestFinished(() => server.stop())
    const basic = { username: 'ann', password: 'correct-horse' }
    await secret('with-ca', { ...basic, 'ca.crt': server.certificate })
    const refs = await git.fetch(await remote(server.url, 'with-ca'))
    expect([...refs.keys()]).toContain('refs/heads/main')
    await secret('without-ca', basic)
    await expect(git.fetch(await remote(server.url, 'without-ca'))).rejects.toMatchObject({ reason: 'GitUnreachable' })
  })

  it('that are missing or do not fit are an error that names the Secret', async () => {
    await secret('empty', { other: 'x' })
    for (const name of ['absent', 'empty']) {
      const message: unknown = expect.stringContaining(`${namespace}/${name}`)
      await expect(remote(ssh, name)).rejects.toMatchObject({ reason: 'GitAuthFailed', message })
    }
  })

  it('that nobody has asked for during a week are removed at the next start', async () => {
    const keep = createPrivateFiles(join(directory, 'old'))
    const old = await keep('old', Uint8Array.of(1))
    const week = Date.now() / 1000 - 8 * 24 * 3600
    utimesSync(old, week, week)
    await keep('new', Uint8Array.of(2))
    await createPrivateFiles(join(directory, 'old'))('newer', Uint8Array.of(3))
    expect(readdirSync(join(directory, 'old')).toSorted()).toEqual(['new', 'newer'])
  })
})
