import { describe, expect, it } from 'vitest'
import { hostKeyProblem } from './host-key.ts'

const hash = `SHA256:${'a'.repeat(43)}`

describe('a host key that ssh does not take', () => {
  it.each([
    [
      'is named with the way out when it is unknown',
      `Server host key: ssh-ed25519 ${hash}\nNo ED25519 host key is known for git.example.com and you have requested strict checking.\nHost key verification failed.`,
      `the host key of git.example.com is not known. It offered ssh-ed25519 ${hash}. Compare it with what the owner of the server publishes, then put the line of \`ssh-keyscan git.example.com\` into the file of --git-ssh-known-hosts-file`,
    ],
    [
      'is named with its port',
      'No RSA host key is known for [10.0.0.1]:2222 and you have requested strict checking.',
      'the host key of [10.0.0.1]:2222 is not known. Compare it with what the owner of the server publishes, then put the line of `ssh-keyscan -p 2222 10.0.0.1` into the file of --git-ssh-known-hosts-file',
    ],
    [
      'is said to have changed when another one is known',
      `Server host key: ssh-rsa ${hash}\nHost key for git.example.com has changed and you have requested strict checking.`,
      `the host key of git.example.com is not the one that is known (it is now ssh-rsa ${hash}): somebody may stand in between. If the change is right, put the new key into the file of --git-ssh-known-hosts-file in place of the old one`,
    ],
    ['is not what other troubles are', 'git@host: Permission denied (publickey).', undefined],
  ])('%s', (_, output, expected) => {
    expect(hostKeyProblem(output)).toBe(expected)
  })
})
