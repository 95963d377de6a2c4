import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { which } from '../../playground/tools/on-path.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import { createSshKeys } from '../../src/adapters/ssh-key/index.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { makeGit, removeFolders, temporaryFolder } from './make-git.ts'
import { type SshServer, startSshServer } from './ssh-server.ts'

/** OpenSSH’s server is not on every machine (Debian: apt install openssh-server). */
const hasSshd = which('sshd') !== undefined

let server: GitServer
let ssh: SshServer
let commit: string
let privateKeyFile: string
let knownHostsFile: string

beforeAll(async () => {
  if (!hasSshd) return
  server = await startGitServer()
  commit = server.commit({ 'a.yaml': 'x: 1\n' })
  ssh = await startSshServer()
  const run = createRun({ redact: (text) => text })
  const keys = createSshKeys({ run, directory: join(temporaryFolder(), 'a folder'), path: process.env.PATH ?? '' })
  privateKeyFile = await keys.keep(await keys.generate({ type: 'ed25519', bits: '', format: '' }))
  ssh.authorize(await keys.publicKey(privateKeyFile))
  knownHostsFile = join(temporaryFolder(), 'known hosts')
  writeFileSync(knownHostsFile, ssh.knownHosts)
})

afterAll(async () => {
  if (!hasSshd) return
  await ssh.close()
  await server.close()
  removeFolders()
})

describe.skipIf(!hasSshd)('a real sshd', () => {
  it('serves who has the key and knows the host, and takes pushes and the write check', async () => {
    const git = makeGit()
    const remote = {
      url: ssh.urlOf(server.repository),
      auth: { kind: 'ssh' as const, privateKeyFile, knownHostsFile },
    }
    expect((await git.fetch(remote)).get('refs/heads/main')).toBe(commit)
    await git.canWrite(remote)
    const author = { name: 'Capstan', email: 'capstan@example.com' }
    const edits = [{ path: 'a.yaml', content: 'x: 2\n' }]
    const pushed = await git.commitAndPush(remote, { branch: 'main', base: commit, edits, message: 'm', author })
    expect(pushed).toEqual({ result: 'pushed', commit: server.git(['rev-parse', 'main']) })
  })

  it('is asked at the address that its name has, and its host key is known by the name', async () => {
    const named = join(temporaryFolder(), 'hosts')
    writeFileSync(named, ssh.knownHosts.replace('127.0.0.1', 'git.test'))
    const url = ssh.urlOf(server.repository).replace('127.0.0.1', 'git.test')
    const git = makeGit({ addressesOf: async (host) => (host === 'git.test' ? ['127.0.0.1'] : []) })
    for (const isForeign of [true, false]) {
      const auth = { kind: 'ssh' as const, privateKeyFile, knownHostsFile: named }
      expect((await git.fetch({ url, auth, isForeign })).get('refs/heads/main')).toBe(server.git(['rev-parse', 'main']))
      const strange = { ...auth, knownHostsFile }
      await expect(git.fetch({ url, auth: strange, isForeign })).rejects.toThrow(
        `the host key of [git.test]:${ssh.port} is not known`,
      )
    }
  })

  it('that nobody knows is refused by name, fingerprint and what to do, before any key is shown to it (hazard D6)', async () => {
    const before = ssh.log().length
    const remote = { url: ssh.urlOf(server.repository), auth: { kind: 'ssh' as const, privateKeyFile } }
    await expect(makeGit().fetch(remote)).rejects.toMatchObject({
      reason: 'GitAuthFailed',
      message: expect.stringContaining(
        `the host key of [127.0.0.1]:${ssh.port} is not known. It offered ssh-ed25519 ${ssh.fingerprint}. Compare it with`,
      ),
    })
    await expect(makeGit().fetch(remote)).rejects.toThrow(
      `\`ssh-keyscan -p ${ssh.port} 127.0.0.1\` into the file of --git-ssh-known-hosts-file`,
    )
    expect(ssh.log().slice(before)).toContain('[preauth]')
    expect(ssh.log().slice(before)).not.toContain('userauth-request')
  })

  it('in the place of another gets nothing either, and the change is told', async () => {
    const other = await startSshServer()
    const file = join(temporaryFolder(), 'known')
    writeFileSync(file, other.knownHosts.replace(String(other.port), String(ssh.port)))
    const before = ssh.log().length
    const auth = { kind: 'ssh' as const, privateKeyFile, knownHostsFile: file }
    await expect(makeGit().fetch({ url: ssh.urlOf(server.repository), auth })).rejects.toMatchObject({
      reason: 'GitAuthFailed',
      message: expect.stringContaining(
        `the host key of [127.0.0.1]:${ssh.port} is not the one that is known (it is now ssh-ed25519 ${ssh.fingerprint})`,
      ),
    })
    expect(ssh.log().slice(before)).not.toContain('userauth-request')
    await other.close()
  })

  it('refuses another key, and that is said in one line without the talk of ssh', async () => {
    const run = createRun({ redact: (text) => text })
    const keys = createSshKeys({ run, directory: temporaryFolder(), path: process.env.PATH ?? '' })
    const wrong = await keys.keep(await keys.generate({ type: 'ed25519', bits: '', format: '' }))
    const auth = { kind: 'ssh' as const, privateKeyFile: wrong, knownHostsFile }
    const error: unknown = await makeGit()
      .fetch({ url: ssh.urlOf(server.repository), auth })
      .catch((caught: unknown) => caught)
    expect(error).toMatchObject({ reason: 'GitAuthFailed', message: expect.stringContaining('Permission denied') })
    expect(String(error)).not.toContain('debug1')
  })

  it('with a repository that is not there says so', async () => {
    const auth = { kind: 'ssh' as const, privateKeyFile, knownHostsFile }
    await expect(makeGit().fetch({ url: ssh.urlOf('/no/such/repo.git'), auth })).rejects.toMatchObject({
      reason: 'GitUnreachable',
      message: expect.stringContaining("'/no/such/repo.git' does not appear to be a git repository"),
    })
  })
})
