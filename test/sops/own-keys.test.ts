import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRedactor } from '../../src/adapters/log/index.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import { createSops, sopsEnvironment } from '../../src/adapters/sops/index.ts'
import { openKeys } from '../../src/jobs/open-keys.ts'
import { type Manifest, readManifests } from '../../src/jobs/sync-source/files.ts'
import { createScratchKeyrings } from '../../src/main/scratch-keyring.ts'
import { makeNamespace, realCluster, removeNamespace } from '../cluster/world.ts'
import { launchAgent } from '../gpg/workshop.ts'
import { stack } from '../stack/stack.ts'
import { makeAgeKey } from './age-key.ts'

const { binDir } = stack()
const path = `${binDir}:/usr/local/bin:/usr/bin:/bin`
const cluster = realCluster()
const run = createRun({ redact: (text) => text, setpriv: '/usr/bin/setpriv', prlimit: '/usr/bin/prlimit' })
const never = new AbortController().signal
const [operatorKey, ownKey] = [makeAgeKey(), makeAgeKey()]
let namespace = ''
let folder = ''
let rings = ''
let gnupg = ''
let fingerprint = ''

function gpg(...args: string[]): string {
  const env = { PATH: path, HOME: folder, GNUPGHOME: gnupg }
  return execFileSync('gpg', ['--batch', '--quiet', ...args], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function encrypt(...args: string[]): string {
  const fixed = ['encrypt', '--input-type', 'yaml', '--output-type', 'yaml', '--filename-override', 'a.yaml']
  return execFileSync(join(binDir, 'sops'), [...fixed, '--encrypted-regex', '^data$', ...args], {
    input: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n    name: door\ndata:\n    password: correct-horse\n',
    env: { PATH: path, HOME: folder, GNUPGHOME: gnupg },
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  })
}

const encode = (text: string) => Buffer.from(text).toString('base64')
async function keep(name: string, texts: Record<string, string>): Promise<void> {
  const data = Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, encode(text)]))
  await cluster.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { namespace, name }, data }, { force: true })
}

type Own = { sopsKeys: 'operator' | 'secret' | 'none'; sopsSecretName: string }
const secret = (sopsSecretName: string): Own => ({ sopsKeys: 'secret', sopsSecretName })

/** What a source with such keys reads of one file, beside a plain one. */
async function readFile(text: string, own: Own, operator: Record<string, string> = {}) {
  const redactor = createRedactor()
  const environment = sopsEnvironment(
    { PATH: path, SOPS_AGE_KEY: operatorKey.secret, ...operator },
    join(folder, 'home'),
  )
  const sops = createSops({ run, binary: join(binDir, 'sops'), environment, register: redactor.register })
  const keyring = createScratchKeyrings(run, path, rings)
  const deps = { cluster, redactor, sops, keyring }
  const read: string[] = []
  const manifests: Manifest[] = [
    { file: 'a.yaml', blob: 'a', text },
    { file: 'plain.yaml', blob: 'plain', text: 'kind: ConfigMap\n' },
  ]
  const parsed = await readManifests(
    manifests,
    { url: '' },
    {
      git: { read: async () => new Map() },
      parse: async (files) => {
        read.push(...files.map(({ path: file, bytes }) => `${file}: ${new TextDecoder().decode(bytes)}`))
        return files.map(() => ({ objects: [], problems: [], warnings: [] }))
      },
      secrets: {
        isEncrypted: sops.isEncrypted,
        open: async (signal) => await openKeys({ namespace, name: 'shop', ...own }, deps, signal),
      },
    },
    never,
  )
  expect(parsed.get('plain')?.problems).toEqual([])
  expect(read).toContain('plain.yaml: kind: ConfigMap\n')
  return { read, problems: parsed.get('a')?.problems ?? [], redact: redactor.redact }
}

beforeAll(async () => {
  namespace = await makeNamespace(cluster)
  folder = mkdtempSync(join(tmpdir(), 'own-'))
  gnupg = mkdtempSync(join(folder, 'g-'))
  rings = mkdtempSync(join(folder, 'r-'))
  launchAgent(gnupg)
  gpg('--passphrase', '', '--quick-generate-key', 'Team <team@example.com>', 'rsa2048', 'encrypt,sign', 'never')
  fingerprint = /^fpr:+(\w+):/m.exec(gpg('--with-colons', '--list-secret-keys'))?.[1] ?? ''
  await keep('age', { 'age.agekey': `# a comment\n${ownKey.secret}\n` })
  await keep('pgp', { 'sops.asc': gpg('--armor', '--export-secret-keys', fingerprint) })
  await keep('broken', {
    'sops.asc': '-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----\n',
  })
  await keep('git', { identity: 'hunter2' })
})

afterAll(async () => {
  await removeNamespace(cluster, namespace)
  await cluster.close()
  execFileSync('gpgconf', ['--homedir', gnupg, '--kill', 'all'])
  rmSync(folder, { recursive: true, force: true })
})

describe('a source with keys of its own', () => {
  it.each([
    ['age', () => ['--age', ownKey.recipient]],
    ['pgp', () => ['--pgp', fingerprint]],
    ['pgp', () => ['--pgp', fingerprint, '--age', operatorKey.recipient]],
  ])(
    'reads what is encrypted for the key of the Secret %s, and leaves nothing on the disk',
    async (name, recipients) => {
      const { read, redact } = await readFile(encrypt(...recipients()), secret(name))
      expect(read.join('\n')).toContain('password: correct-horse')
      expect(redact(`${ownKey.secret} correct-horse`)).not.toContain('correct-horse')
      if (name === 'age') expect(redact(ownKey.secret)).toBe('*****')
      expect(readdirSync(rings)).toEqual([])
    },
  )

  const bad: [string, () => Promise<string>, () => Own, RegExp][] = [
    [
      'for the key of Capstan',
      async () => encrypt('--age', operatorKey.recipient),
      () => secret('age'),
      /none of its keys is there/,
    ],
    [
      'for a PGP key, where the Secret has age keys',
      async () => encrypt('--pgp', fingerprint),
      () => secret('age'),
      /encrypted for pgp only/,
    ],
    [
      'where the Secret is not there',
      async () => encrypt('--age', ownKey.recipient),
      () => secret('none'),
      /Secret \S+\/none.* does not exist/,
    ],
    [
      'where the Secret has no such key',
      async () => encrypt('--age', ownKey.recipient),
      () => secret('git'),
      /has no age key/,
    ],
    [
      'where gpg does not take the key',
      async () => encrypt('--pgp', fingerprint),
      () => secret('broken'),
      /PGP key .* cannot be used/,
    ],
    [
      'where the tenant named no Secret, although Capstan has the key',
      async () => encrypt('--age', operatorKey.recipient),
      () => ({ sopsKeys: 'none', sopsSecretName: '' }),
      /the Source has no keys.*spec\.decryption\.secretRef/,
    ],
  ]
  it.each(bad)('says of a file %s why, and reads the others', async (_what, file, own, why) => {
    const { read, problems } = await readFile(await file(), own())
    expect(read).toHaveLength(1)
    expect(problems).toMatchObject([{ reason: 'DecryptFailed', file: 'a.yaml', message: expect.stringMatching(why) }])
    expect(JSON.stringify(problems)).not.toMatch(/AGE-SECRET|hunter2|ENC\[/)
    expect(readdirSync(rings)).toEqual([])
  })

  it('asks no key service that a file names, which the key of Capstan does', async () => {
    const asked: string[] = []
    const service = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.writeHead(403).end()
    })
    await new Promise<void>((done) => service.listen(0, '127.0.0.1', done))
    const address = `http://127.0.0.1:${(service.address() as AddressInfo).port}`
    const vault = `    hc_vault:\n        - vault_address: ${address}\n          engine_path: e\n          key_name: k\n          created_at: "2026-01-01T00:00:00Z"\n          enc: vault:v1:AAAA\n`
    const file = encrypt('--age', makeAgeKey().recipient).replace(/^sops:\n/m, (head) => `${head}${vault}`)
    await readFile(file, { sopsKeys: 'operator', sopsSecretName: '' }, { VAULT_TOKEN: 'hunter2' })
    expect(asked).not.toEqual([])
    asked.length = 0
    const { problems } = await readFile(file, secret('age'), { VAULT_TOKEN: 'hunter2' })
    expect(problems).toMatchObject([{ reason: 'DecryptFailed' }])
    expect(asked).toEqual([])
    service.close()
  })
})

describe('a keyring of one source', () => {
  it('lets nobody else in, and removes what a killed process left behind an hour ago', async () => {
    const [old, fresh] = [join(rings, 'capstan-keys-old'), join(rings, 'capstan-keys-new')]
    for (const left of [old, fresh]) mkdirSync(left)
    utimesSync(old, 0, 0)
    const keyring = createScratchKeyrings(run, path, rings)
    const ring = await keyring([gpg('--armor', '--export-secret-keys', fingerprint)])
    expect(statSync(ring.home).mode & 0o777).toBe(0o700)
    const keys = join(ring.home, 'private-keys-v1.d')
    expect(readdirSync(keys).map((name) => statSync(join(keys, name)).mode & 0o777)).toContain(0o600)
    await ring.close()
    expect(readdirSync(rings)).toEqual(['capstan-keys-new'])
    rmSync(fresh, { recursive: true })
  })
})
