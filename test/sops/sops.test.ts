import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRedactor } from '../../src/adapters/log/index.ts'
import { createRun } from '../../src/adapters/process/index.ts'
import { createSops, sopsEnvironment } from '../../src/adapters/sops/index.ts'
import type { Run } from '../../src/lib/run.ts'
import { until } from '../../playground/stack/until.ts'
import { launchAgent } from '../gpg/workshop.ts'
import { stack } from '../stack/stack.ts'
import { makeAgeKey } from './age-key.ts'

const { binDir } = stack()
const binary = join(binDir, 'sops')
const path = `${binDir}:/usr/local/bin:/usr/bin:/bin`
const run = createRun({ redact: (text) => text, setpriv: '/usr/bin/setpriv', prlimit: '/usr/bin/prlimit' })
const never = new AbortController().signal
const ageKey = makeAgeKey()
let folder: string
let gnupg: string
let fingerprint: string

const secret = `# how to get in
apiVersion: v1
kind: Secret
metadata:
    name: door
stringData:
    password: correct-horse-battery
    pem: |
        -----BEGIN KEY-----
        c2VjcmV0IGtleQ
        -----END KEY-----
    quoted: "tab\\there: \\"yes\\""
    number: 12345678
data:
    token: dG9rZW4tb2YtZG9vcg==
---
apiVersion: v1
kind: Secret
metadata:
    name: window
stringData:
    password: 'second: one'
`

/** `sops` with these variables of an operator. */
function sopsWith(operator: Record<string, string>, over: { run?: Run; binary?: string } = {}) {
  const redactor = createRedactor()
  const home = join(folder, 'home')
  const environment = sopsEnvironment({ PATH: path, ...operator }, home)
  return { ...createSops({ run, binary, environment, register: redactor.register, ...over }), redact: redactor.redact }
}

function encrypt(text: string, ...args: string[]): Uint8Array {
  const fixed = ['encrypt', '--input-type', 'yaml', '--output-type', 'yaml', '--filename-override', 'a.yaml']
  return execFileSync(binary, [...fixed, '--encrypted-regex', '^(data|stringData)$', ...args], {
    input: text,
    env: { PATH: path, HOME: folder, GNUPGHOME: gnupg },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
}

function gpg(...args: string[]): string {
  const env = { PATH: path, HOME: folder, GNUPGHOME: gnupg }
  return execFileSync('gpg', ['--batch', '--quiet', ...args], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sops-'))
  gnupg = mkdtempSync(join(folder, 'g-'))
  launchAgent(gnupg)
  gpg('--passphrase', '', '--quick-generate-key', 'Capstan <capstan@example.com>', 'rsa2048', 'encrypt,sign', 'never')
  fingerprint = /^fpr:+(\w+):/m.exec(gpg('--with-colons', '--list-secret-keys'))?.[1] ?? ''
})

afterAll(() => {
  // gpg starts an agent by itself, which outlives it
  execFileSync('gpgconf', ['--homedir', gnupg, '--kill', 'all'])
  rmSync(folder, { recursive: true, force: true })
})

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
/** What is thrown as text, with everything in it. */
async function failureOf(work: Promise<unknown>) {
  const error = await work.then(
    () => expect.fail('nothing was thrown'),
    (thrown: Error & { reason: string; details: unknown }) => thrown,
  )
  return {
    reason: error.reason,
    text: `${error.message} ${JSON.stringify(error.details)} ${error.stack} ${String(error.cause)}`,
  }
}

describe('a file that sops encrypted', () => {
  it.each([
    ['an age key', () => ['--age', ageKey.recipient], () => ({ SOPS_AGE_KEY: ageKey.secret })],
    ['an age key in a file', () => ['--age', ageKey.recipient], () => ({ SOPS_AGE_KEY_FILE: keyFile() })],
    ['a PGP key', () => ['--pgp', fingerprint], () => ({ GNUPGHOME: gnupg })],
  ])('for %s is what it was, and its values are known to the redactor', async (_key, recipients, operator) => {
    const bytes = encrypt(secret, ...recipients())
    expect(textOf(bytes)).not.toContain('battery')
    const sops = sopsWith(operator())
    expect(sops.isEncrypted(bytes)).toBe(true)
    expect(textOf(await sops.decrypt('a.yaml', bytes, never))).toBe(secret)
    for (const value of ['correct-horse-battery', 'c2VjcmV0IGtleQ', 'tab\there: "yes"', '12345678', 'second: one'])
      expect(sops.redact(`the value ${value} here`)).toBe('the value ***** here')
    for (const value of ['dG9rZW4tb2YtZG9vcg==', 'token-of-door']) expect(sops.redact(value)).toBe('*****')
    expect(sops.redact('Secret window of v1 with stringData: 1 password')).toContain('Secret window of v1')
  })

  function keyFile(): string {
    const file = join(folder, 'age.txt')
    writeFileSync(file, `# a comment\n${ageKey.secret}\n`, { mode: 0o600 })
    return file
  }

  it.each([
    ['for another age key', () => encrypt(secret, '--age', makeAgeKey().recipient), /none of its keys/],
    ['for a PGP key that is not there', () => encrypt(secret, '--pgp', fingerprint), /none of its keys/],
    ['that was changed', () => changed(/name: door/, 'name: gate'), /its seal does not fit/],
    ['with a damaged value', () => changed(/(password: ENC\[AES256_GCM,data:)../, '$1AA'), /./],
    ['that is no YAML any more', () => changed(/kind: Secret/, 'kind: {['), /sops ended with/],
  ])('%s fails as DecryptFailed and shows nothing of it', async (_fact, make, message) => {
    const sops = sopsWith({ SOPS_AGE_KEY: ageKey.secret })
    const { reason, text } = await failureOf(sops.decrypt('dir/a.yaml', make(), never))
    expect(reason).toBe('DecryptFailed')
    expect(text).toMatch(message)
    expect(text).toContain('dir/a.yaml cannot be decrypted')
    for (const part of ['battery', 'door', 'ENC[', 'AGE-SECRET', ageKey.recipient]) expect(text).not.toContain(part)
  })

  function changed(from: RegExp, to: string): Uint8Array {
    const text = textOf(encrypt(secret, '--age', ageKey.recipient))
    expect(text).toMatch(from)
    return new TextEncoder().encode(text.replace(from, to))
  }

  it.each([
    ['an age key', () => encrypt(secret, '--age', ageKey.recipient), () => ({ SOPS_AGE_KEY: ageKey.secret })],
    ['a PGP key', () => encrypt(secret, '--pgp', fingerprint), () => ({ GNUPGHOME: gnupg })],
  ])('for %s is decrypted without a file, not even for a moment (hazard K7)', async (_key, make, operator) => {
    const [home, scratch] = [mkdtempSync(join(folder, 'home-')), mkdtempSync(join(folder, 'scratch-'))]
    const seen: string[] = []
    const watchers = [home, scratch].map((place) => watch(place, (_event, name) => seen.push(name ?? place)))
    const watched: Run = async (request) =>
      await run({ ...request, env: { ...request.env, HOME: home, TMPDIR: scratch } })
    const bytes = make()
    expect(textOf(await sopsWith(operator(), { run: watched }).decrypt('a.yaml', bytes, never))).toBe(secret)
    // one that is seen proves that the others would have been
    writeFileSync(join(scratch, 'last'), '')
    await until('the last file is seen', async () => seen.includes('last'))
    for (const watcher of watchers) watcher.close()
    expect(new Set(seen)).toEqual(new Set(['last']))
  })
})

describe('a file that sops did not encrypt', () => {
  const plain = new TextEncoder().encode(
    'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: "use sops: now"}\n',
  )

  it('goes as it is, byte for byte, although the word stands in it', async () => {
    const sops = sopsWith({})
    expect(sops.isEncrypted(plain)).toBe(true)
    expect(await sops.decrypt('a.yaml', plain, never)).toBe(plain)
    expect(sops.redact('use sops: now')).toBe('use sops: now')
  })

  it('is told by the word alone, also within a larger piece of memory', () => {
    const sops = sopsWith({})
    const memory = new TextEncoder().encode('sops: x')
    expect(sops.isEncrypted(memory)).toBe(true)
    expect(sops.isEncrypted(memory.subarray(1))).toBe(false)
    expect(sops.isEncrypted(new TextEncoder().encode('sops is a program'))).toBe(false)
  })
})

describe('sops', () => {
  const bytes = new TextEncoder().encode('sops: {}')

  it('that is not installed is named', async () => {
    const { reason, text } = await failureOf(sopsWith({}, { binary: 'no-such-sops' }).decrypt('a', bytes, never))
    expect(reason).toBe('DecryptFailed')
    expect(text).toContain('install sops')
  })

  it('is not given a file of more than 5 MB', async () => {
    const large = new Uint8Array(5 * 1024 * 1024 + 1)
    expect(await failureOf(sopsWith({}).decrypt('a', large, never))).toMatchObject({ reason: 'DecryptFailed' })
  })

  it('runs four times at once at most, and ends when the signal says so', async () => {
    let running = 0
    let most = 0
    const counted: Run = async (request) => {
      most = Math.max(most, ++running)
      const result = await run(request)
      running--
      return result
    }
    const sops = sopsWith({ SOPS_AGE_KEY: ageKey.secret }, { run: counted })
    const encrypted = encrypt(secret, '--age', ageKey.recipient)
    await Promise.all(Array.from({ length: 10 }, () => sops.decrypt('a', encrypted, never)))
    expect(most).toBe(4)
    const reason = new Error('enough')
    await expect(sops.decrypt('a', encrypted, AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})
