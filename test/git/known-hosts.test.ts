import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { knownHosts } from '../../src/adapters/git/known-hosts.ts'

/** As the owners of the servers publish them; see the file for where. */
const published = {
  'github.com': [
    'ED25519 +DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU',
    'ECDSA p2QAMXNIC1TJYWeIOttrVc98/R1BUFWu3/LiyKgUfQM',
    'RSA uNiVztksCsDhcc0u9e8BujQXVUpKZIDTMczCvj3tD2s',
  ],
  'gitlab.com': [
    'ED25519 eUXGGm1YGsMAS7vkcx6JOJdOGHPem5gQp4taiCfCLB8',
    'ECDSA HbW3g8zUjNSksFbqTiUWPWg2Bq1x8xdGUrliXFzSnUw',
    'RSA ROQFvPThGrW4RuWLoL9tq9I9zJ42fK4XywyRtbOz/EQ',
  ],
  'bitbucket.org': [
    'ED25519 ybgmFkzwOSotHTHLJgHO0QN8L0xErw6vd0VhFA9m3SM',
    'ECDSA FC73VB6C4OQLSCrjEayhMp9UMxS97caD/Yyi2bhW/J0',
    'RSA 46OSHA1Rmj8E8ERTC6xkNcmGOw9oFxYr0WF6zWW8l1E',
  ],
  'ssh.dev.azure.com': ['RSA ohD8VZEXGWo6Ez8GSEJQ9WpafgLFsOfLOtGGQCQo6Og'],
  'vs-ssh.visualstudio.com': ['RSA ohD8VZEXGWo6Ez8GSEJQ9WpafgLFsOfLOtGGQCQo6Og'],
}

describe('the shipped host keys', () => {
  it('are those that their owners publish, and no others', () => {
    const listed = spawnSync('ssh-keygen', ['-l', '-f', '-'], { input: knownHosts }).stdout.toString()
    const found = [...listed.matchAll(/^\d+ SHA256:(\S+) (\S+) \((\w+)\)$/gm)]
    const lines = found.map(([, hash, host, type]) => `${host} ${type} ${hash}`)
    expect(lines).toEqual(Object.entries(published).flatMap(([host, keys]) => keys.map((key) => `${host} ${key}`)))
  })
})
