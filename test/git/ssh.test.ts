import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GitRemote } from '../../src/adapters/git/index.ts'
import { type GitServer, startGitServer } from './git-server.ts'
import { makeGit, removeFolders, temporaryFolder } from './make-git.ts'

let server: GitServer
let commit: string

beforeAll(async () => {
  server = await startGitServer()
  commit = server.commit({ 'a.yaml': 'x: 1\n' })
})

afterAll(async () => {
  await server.close()
  removeFolders()
})

/** An `ssh` that notes how it is called and what mode the key has, then does what follows. */
function fakeSsh(then: string) {
  const folder = temporaryFolder()
  const log = join(folder, 'log')
  const note = `for a in "$@"; do echo "$a" >> ${log}; case "$a" in IdentityFile=*) stat -c %a "\${a#*=}" >> ${log};; esac; done`
  writeFileSync(join(folder, 'ssh'), `#!/bin/bash\n${note}\n${then}\n`, { mode: 0o755 })
  return { environment: { PATH: `${folder}:${process.env.PATH}` }, calls: () => readFileSync(log, 'utf8').split('\n') }
}

function remoteWithKey(): GitRemote {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'key $x'), 'KEY', { mode: 0o644 })
  writeFileSync(join(folder, 'known'), 'host key\n')
  return {
    url: `ssh://git@git.example.com:2222${server.repository}`,
    auth: { kind: 'ssh', privateKeyFile: join(folder, 'key $x'), knownHostsFile: join(folder, 'known') },
  }
}

describe('ssh', () => {
  it('asks nobody, trusts no unknown host, offers this key only and reads no configuration', async () => {
    const ssh = fakeSsh('exec bash -c "${@: -1}"')
    const remote = remoteWithKey()
    const git = makeGit({ environment: ssh.environment })
    expect((await git.fetch(remote)).get('refs/heads/main')).toBe(commit)
    const calls = ssh.calls()
    expect(calls.slice(0, 2)).toEqual(['-F', '/dev/null'])
    for (const setting of ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'IdentitiesOnly=yes'])
      expect(calls).toContain(setting)
    expect(calls.find((one) => one.startsWith('UserKnownHostsFile='))).toMatch(/\/known"$/)
    const [, shipped = ''] = /"(.*)"$/.exec(calls.find((one) => one.startsWith('GlobalKnownHostsFile=')) ?? '') ?? []
    expect(readFileSync(shipped, 'utf8')).toContain('github.com ssh-ed25519 ')
    expect(calls[calls.findIndex((one) => one.startsWith('IdentityFile=')) + 1]).toBe('600')
    expect(calls).toContain('2222')
    expect(calls).toContain('git@git.example.com')
  })

  it.each([
    ['git@host: Permission denied (publickey).', 'GitAuthFailed', 'git@host: Permission denied (publickey).'],
    ['Host key verification failed.', 'GitAuthFailed', 'Host key verification failed.'],
    [
      'ssh: Could not resolve hostname git.example.com: Name or service not known',
      'GitUnreachable',
      'Could not resolve hostname',
    ],
    ['ssh: connect to host git.example.com port 2222: Connection refused', 'GitUnreachable', 'Connection refused'],
  ])('that says "%s" is %s', async (said, reason, message) => {
    const ssh = fakeSsh(`echo '${said}' >&2; exit 255`)
    await expect(makeGit({ environment: ssh.environment }).fetch(remoteWithKey())).rejects.toMatchObject({
      reason,
      message: expect.stringContaining(message),
    })
  })

  it('without its key file says which', async () => {
    const remote: GitRemote = { url: 'git@host:x/y', auth: { kind: 'ssh', privateKeyFile: '/no/such/key' } }
    await expect(makeGit().fetch(remote)).rejects.toMatchObject({
      reason: 'GitAuthFailed',
      message: 'the ssh key file /no/such/key cannot be read',
    })
  })
})
