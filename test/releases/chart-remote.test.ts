import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import type { GitRemote } from '../../src/adapters/git/index.ts'
import { fluxdSource, type SourceSpec } from '../../src/domain/source/spec.ts'
import { chartRemote } from '../../src/main/chart-remote.ts'

const directory = mkdtempSync(join(tmpdir(), 'capstan-remote-test-'))
const deployKeyFile = join(directory, 'identity')
writeFileSync(deployKeyFile, 'key')
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const ssh = { kind: 'ssh', privateKeyFile: '/flags/key', knownHostsFile: '/flags/hosts' } as const
const basic = { kind: 'basic', username: 'git', password: 'token' } as const
const own = 'https://git.example.com/shop.git'
const ownSsh = 'git@git.example.com:shop.git'
const other = 'https://git.example.com/charts.git'
const otherSsh = 'ssh://git@other.example.com/charts.git'

function sources(url: string, auth: GitRemote['auth']) {
  const spec: SourceSpec = {
    ...fluxdSource,
    namespace: 'capstan-system',
    name: 'default',
    url,
    ref: { kind: 'branch', value: 'main' },
    branch: 'main',
    paths: [],
    pollIntervalMs: 1,
    syncIntervalMs: 1,
    syncTimeoutMs: 1,
    defaultNamespace: 'default',
  }
  return { list: () => (url === '' ? [] : [spec]), remote: async () => ({ url, ...(auth ? { auth } : {}) }) }
}

it.each<[string, [flags: string, auth: GitRemote['auth']], string, GitRemote['auth']]>([
  ['the repository of the flags, with its login', [own, basic], own, basic],
  ['another one on the same host, without', [own, basic], other, undefined],
  ['one over https, without the ssh key', [ownSsh, ssh], other, undefined],
  ['one over ssh, with the key of the flags', [ownSsh, ssh], otherSsh, ssh],
  [
    'one over ssh, with the deploy key beside a token',
    [own, basic],
    otherSsh,
    { kind: 'ssh', privateKeyFile: deployKeyFile },
  ],
  ['one over ssh where there is no source', ['', undefined], otherSsh, { kind: 'ssh', privateKeyFile: deployKeyFile }],
])('reaches %s', async (_what, [flagUrl, auth], url, expected) => {
  const remote = await chartRemote(url, { sources: sources(flagUrl, auth), deployKeyFile, areTenants: false })
  const isUsers = url === own ? {} : { isUsers: true }
  expect(remote).toEqual({ url, ...isUsers, ...(expected ? { auth: expected } : {}) })
})

it('reaches one over ssh without a key where there is none', async () => {
  const remote = await chartRemote(otherSsh, {
    sources: sources(own, basic),
    deployKeyFile: join(directory, 'none'),
    areTenants: false,
  })
  expect(remote).toEqual({ url: otherSsh, isUsers: true })
})

it('gives tenants nothing of the operator', async () => {
  for (const url of [ownSsh, otherSsh, own]) {
    const remote = await chartRemote(url, { sources: sources(ownSsh, ssh), deployKeyFile, areTenants: true })
    expect(remote).toEqual({ url, isForeign: true })
  }
})
