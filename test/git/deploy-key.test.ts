import { chmodSync, existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import { createSshKeys, type SshKeys } from '../../src/adapters/ssh-key/index.ts'
import { type DeployKey, type DeployKeyRequest, ensureDeployKey } from '../../src/jobs/deploy-key.ts'
import { makeNamespace, realCluster, removeNamespace } from '../cluster/world.ts'
import { removeFolders, temporaryFolder } from './make-git.ts'

const run = createRun({ redact: (text) => text })
const signal = new AbortController().signal
const secretName = 'flux-git-deploy'

let cluster: Cluster
let namespace: string
let keys: SshKeys
let folder: string

beforeAll(async () => {
  cluster = realCluster()
  namespace = await makeNamespace(cluster)
  folder = join(temporaryFolder(), 'keys')
  keys = makeKeys(folder)
})

afterEach(async () => {
  await cluster.delete({ apiVersion: 'v1', kind: 'Secret', namespace, name: secretName }, {})
})

afterAll(async () => {
  await removeNamespace(cluster, namespace)
  await cluster.close()
  removeFolders()
})

function makeKeys(directory: string): SshKeys {
  return createSshKeys({ run, directory, path: process.env.PATH ?? '' })
}

function request(more: Partial<DeployKeyRequest> = {}): DeployKeyRequest {
  const keygen = { type: '', bits: '', format: '' }
  const mountedFile = join(folder, 'not-mounted')
  return { namespace, secretName, dataKey: 'identity', mountedFile, url: 'git@github.com:a/b', keygen, ...more }
}

async function ensure(more: Partial<DeployKeyRequest> = {}, using: SshKeys = keys): Promise<DeployKey> {
  const found = await ensureDeployKey({ cluster, keys: using }, request(more), signal)
  if (!found) throw new Error('no key')
  return found
}

async function secretData(): Promise<Record<string, string>> {
  const secret = await cluster.get({ apiVersion: 'v1', kind: 'Secret', namespace, name: secretName })
  const data = (secret?.data ?? {}) as Record<string, string>
  return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]))
}

async function putSecret(data: Record<string, string>): Promise<void> {
  const encoded = Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString('base64')])
  const metadata = { namespace, name: secretName }
  await cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata, data: Object.fromEntries(encoded) })
}

describe('the deploy key', () => {
  it('is made and put into a new Secret, and is the same one ever after, for every process', async () => {
    const made = await ensure()
    expect(made.publicKey).toMatch(/^ssh-ed25519 \S+ capstan\n$/)
    expect(made.fingerprints).toEqual({
      md5: { hash: expect.stringMatching(/^(?:[0-9a-f]{2}:){15}[0-9a-f]{2}$/), randomart: expect.any(String) },
      sha256: { hash: expect.stringMatching(/^[\w+/]{43}$/), randomart: expect.stringMatching(/^\+--\[ED25519 256\]/) },
    })
    expect(statSync(made.privateKeyFile).mode & 0o777).toBe(0o600)
    const data = await secretData()
    expect(Object.keys(data).toSorted()).toEqual(['identity', 'identity.pub'])
    expect(data['identity.pub']).toBe(made.publicKey)
    expect(data.identity).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/)
    expect(await ensure()).toEqual(made)
    const elsewhere = await ensure({}, makeKeys(join(temporaryFolder(), 'k')))
    expect(elsewhere.publicKey).toBe(made.publicKey)
    expect(await secretData()).toEqual(data)
    expect(readdirSync(folder).filter((name) => name.startsWith('new-'))).toEqual([])
  })

  it('goes beside what the Secret holds, under fixed names, and is found again under them', async () => {
    await putSecret({ other: 'stays' })
    const made = await ensure({ dataKey: 'deploy' })
    expect(await secretData()).toMatchObject({ other: 'stays', 'identity.pub': made.publicKey })
    expect(Object.keys(await secretData())).not.toContain('deploy')
    expect((await ensure({ dataKey: 'deploy' })).publicKey).toBe(made.publicKey)
  })

  it('that fluxd put there is used as it is and never made anew', async () => {
    const theirs = await keys.generate({ type: 'rsa', bits: '2048', format: 'PEM' })
    await putSecret({ identity: theirs })
    const used = await ensure()
    expect(used.publicKey).toMatch(/^ssh-rsa /)
    expect(await secretData()).toEqual({ identity: theirs })
  })

  it('that is mounted goes before the Secret, is copied and left as it is', async () => {
    const file = join(temporaryFolder(), 'identity')
    writeFileSync(file, await keys.generate({ type: 'ed25519', bits: '', format: '' }))
    chmodSync(file, 0o444)
    await putSecret({ identity: 'another' })
    const used = await ensure({ mountedFile: file })
    expect(used.privateKeyFile).not.toBe(file)
    expect(statSync(used.privateKeyFile).mode & 0o777).toBe(0o600)
    expect(statSync(file).mode & 0o777).toBe(0o444)
    expect(await secretData()).toEqual({ identity: 'another' })
  })

  it.each([
    ['git@ssh.dev.azure.com:v3/org/project/repo', { type: '', bits: '', format: '' }, /^ssh-rsa A{4}\S{600,}/],
    ['git@github.com:a/b', { type: 'ecdsa', bits: '384', format: 'PEM' }, /^ecdsa-sha2-nistp384 /],
  ])('for %s has the type that the host takes or that was asked for', async (url, keygen, expected) => {
    expect((await ensure({ url, keygen })).publicKey).toMatch(expected)
  })

  it('is one key where many processes begin at once', async () => {
    const all = await Promise.all([1, 2, 3].map((at) => ensure({}, makeKeys(join(temporaryFolder(), `k${at}`)))))
    const [only, ...others] = new Set(all.map(({ publicKey }) => publicKey))
    expect(others).toEqual([])
    expect((await secretData())['identity.pub']).toBe(only)
    await cluster.delete({ apiVersion: 'v1', kind: 'Secret', namespace, name: secretName }, {})
    await putSecret({ empty: '' })
    const again = await Promise.all([1, 2, 3].map((at) => ensure({}, makeKeys(join(temporaryFolder(), `k${at}`)))))
    expect(new Set(again.map(({ publicKey }) => publicKey)).size).toBe(1)
  })

  it.each(['https://host/a', 'http://host/a', '/srv/a.git'])('is of no use for %s', async (url) => {
    expect(await ensureDeployKey({ cluster, keys }, request({ url }), signal)).toBeUndefined()
    expect(await secretData()).toEqual({})
  })

  it('that cannot be used is an error that shows nothing of it, and is not made anew', async () => {
    await putSecret({ identity: 'SECRETKEY' })
    await expect(ensure()).rejects.toMatchObject({
      reason: 'GitAuthFailed',
      message: expect.not.stringContaining('SECRETKEY'),
    })
    expect(await secretData()).toEqual({ identity: 'SECRETKEY' })
  })

  it('is not written by who may not write, nor read as absent where the cluster does not answer', async () => {
    const fence = {
      check() {
        throw new Error('fence lost')
      },
    }
    await expect(ensureDeployKey({ cluster, keys, fence }, request(), signal)).rejects.toThrow('fence lost')
    expect(await secretData()).toEqual({})
    const away = { ...cluster, get: () => Promise.reject(new Error('away')) }
    await expect(ensureDeployKey({ cluster: away, keys }, request(), signal)).rejects.toThrow('away')
    expect(await secretData()).toEqual({})
  })

  it('leaves no half-made key where ssh-keygen is missing', async () => {
    const directory = join(temporaryFolder(), 'none')
    const without = createSshKeys({ run, directory, path: '/nowhere' })
    await expect(ensure({}, without)).rejects.toMatchObject({ reason: 'GitAuthFailed' })
    expect(existsSync(directory) ? readdirSync(directory) : []).toEqual([])
  })
})
