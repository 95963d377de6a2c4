import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createKeyring, type Keyring } from '../../src/adapters/gpg/index.ts'
import { launchAgent, openWorkshop, run, shortFolder, type Workshop } from './workshop.ts'

let workshop: Workshop
let home: string
let keyring: Keyring
let [first, second]: [string, string] = ['', '']

beforeAll(() => {
  workshop = openWorkshop()
  first = workshop.makeKey('first@example.com')
  second = workshop.makeKey('second@example.com')
  home = join(shortFolder(), 'keys')
  // open to all: it is the keyring that closes it
  mkdirSync(home)
  launchAgent(home)
  keyring = createKeyring({ run, home, path: process.env.PATH ?? '' })
})

afterAll(async () => {
  await keyring.close()
  rmSync(join(home, '..'), { recursive: true, force: true })
  workshop.close()
})

async function gpg(...args: string[]): Promise<string> {
  const env = { PATH: process.env.PATH ?? '', HOME: home, GNUPGHOME: home }
  return (await run({ command: 'gpg', args: ['--batch', ...args], env, timeoutMs: 60_000 })).stdout
}

describe('the keyring', () => {
  it('takes keys from files and folders as a mounted Secret has them, and names what it cannot take', async () => {
    const folder = join(workshop.folder, 'mounted')
    mkdirSync(join(folder, '..data_1'), { recursive: true })
    mkdirSync(join(folder, 'deeper'))
    symlinkSync(workshop.exportKey(second), join(folder, '..data_1', 'second.asc'))
    symlinkSync('..data_1', join(folder, '..data'))
    symlinkSync(join('..data', 'second.asc'), join(folder, 'second.asc'))
    writeFileSync(join(folder, 'deeper', 'broken.asc'), 'nobody reads this')
    writeFileSync(join(folder, 'broken.asc'), 'no key')
    symlinkSync('/no/such/key', join(folder, 'dangling.asc'))
    const file = workshop.exportKey(first, { secret: true })
    const result = await keyring.importKeys([file, folder, '/no/such/folder'])
    expect(result.imported).toEqual([file, join(folder, 'second.asc')])
    expect(result.failed).toEqual([
      expect.stringMatching(/broken\.asc: no valid OpenPGP data found/),
      `${join(folder, 'dangling.asc')}: cannot be read`,
      '/no/such/folder: does not exist',
    ])
    const listed = await gpg('--with-colons', '--list-keys')
    expect([first, second].map((key) => listed.includes(key))).toEqual([true, true])
    expect(await gpg('--list-secret-keys')).toContain(first)
  })

  it('lies in a folder that nobody else may look into', () => {
    expect(statSync(home).mode & 0o777).toBe(0o700)
  })

  it('leaves the configuration of an operator’s own keyring as it is', async () => {
    const folder = shortFolder()
    writeFileSync(join(folder, 'gpg.conf'), 'no-greeting\n')
    await createKeyring({ run, home: folder, path: process.env.PATH ?? '' }).trustAll()
    expect(readFileSync(join(folder, 'gpg.conf'), 'utf8')).toBe('no-greeting\n')
    rmSync(folder, { recursive: true })
  })

  it('trusts every key, once it is told to', async () => {
    const before = await gpg('--with-colons', '--list-keys')
    expect(before.match(/^pub:u/gm)).toBeNull()
    await keyring.trustAll()
    expect((await gpg('--with-colons', '--list-keys')).match(/^pub:u/gm)).toHaveLength(2)
  })

  it('says that gpg is missing rather than nothing', async () => {
    const folder = shortFolder()
    const without = createKeyring({ run, home: join(folder, 'k'), path: '/nowhere' })
    const file = workshop.exportKey(first)
    expect(await without.importKeys([file])).toEqual({ imported: [], failed: [`${file}: gpg is not installed`] })
    await expect(without.trustAll()).rejects.toMatchObject({
      reason: 'SignatureInvalid',
      message: expect.stringContaining('gpg is not installed'),
    })
    rmSync(folder, { recursive: true })
  })

  it('refuses a folder whose name leaves no room for sockets', async () => {
    const deep = createKeyring({ run, home: `/tmp/${'x'.repeat(90)}` })
    await expect(deep.trustAll()).rejects.toMatchObject({ reason: 'InternalError' })
  })
})
