import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Git, GitRemote, TagMove } from '../../src/adapters/git/index.ts'
import { createKeyring, type Keyring } from '../../src/adapters/gpg/index.ts'
import { type GitServer, startGitServer } from '../git/git-server.ts'
import { makeGit, removeFolders } from '../git/make-git.ts'
import { launchAgent, openWorkshop, run, shortFolder, type Workshop } from './workshop.ts'

const author = { name: 'Capstan', email: 'capstan@example.com' }

let workshop: Workshop
let server: GitServer
let keyring: Keyring
let gnupgHome: string
let git: Git
let remote: GitRemote
let [ours, theirs, base]: [string, string, string] = ['', '', '']

beforeAll(async () => {
  workshop = openWorkshop()
  ours = workshop.makeKey('ours@example.com')
  theirs = workshop.makeKey('theirs@example.com')
  server = await startGitServer()
  base = workshop.commit(server.repository, { branch: 'main', key: ours })
  gnupgHome = join(shortFolder(), 'keys')
  launchAgent(gnupgHome)
  keyring = createKeyring({ run, home: gnupgHome, path: process.env.PATH ?? '' })
  await keyring.importKeys([workshop.exportKey(ours, { secret: true })])
  await keyring.trustAll()
  git = makeGit({ gnupgHome })
  remote = { url: server.url }
  await git.fetch(remote)
})

afterAll(async () => {
  await keyring.close()
  rmSync(join(gnupgHome, '..'), { recursive: true, force: true })
  await server.close()
  workshop.close()
  removeFolders()
})

function move(expected: string | undefined, commit: string, signingKey: string): TagMove {
  return { tag: 'flux-sync', commit, expected, message: 'Sync pointer', author, signingKey }
}

describe('signing', () => {
  it('makes commits that count, for us and for everybody who has the key', async () => {
    const edits = [{ path: 'a.yaml', content: 'signed\n' }]
    const request = { branch: 'main', base, edits, message: 'm', author, signingKey: ours }
    const note = { ref: 'flux', text: '{}' }
    const pushed = await git.commitAndPush(remote, { ...request, note })
    if (pushed.result !== 'pushed') throw new Error(pushed.result)
    expect(await git.verify(remote, { from: base, to: pushed.commit, mode: 'all' })).toEqual({ valid: pushed.commit })
    expect(workshop.git(server.repository, ['log', '-1', '--format=%G? %GF', 'main'])).toBe(`G ${ours}`)
    expect(await git.notes(remote, { ref: 'flux', commits: [pushed.commit] })).toEqual(new Map([[pushed.commit, '{}']]))
    base = pushed.commit
  })

  it('makes a sync tag that counts, and the remote has it before the mirror', async () => {
    expect(await git.moveTag(remote, move(undefined, base, ours))).toBe('moved')
    expect(await git.readTag(remote, 'flux-sync', { verify: true })).toMatchObject({ commit: base })
    expect(workshop.git(server.repository, ['cat-file', 'tag', 'flux-sync'])).toMatch(
      /^tag flux-sync\ntagger Capstan <capstan@example\.com> \d+ \+0000\n\nSync pointer\n-----BEGIN PGP SIGNATURE-----/m,
    )
    const next = workshop.commit(server.repository, { branch: 'main', key: ours, message: 'next' })
    await git.fetch(remote)
    expect(await git.moveTag(remote, move(base, next, ours))).toBe('moved')
    expect(await git.readTag(remote, 'flux-sync', { verify: true })).toMatchObject({ commit: next })
    base = next
  })

  it('with a key that is not there moves nothing and says so', async () => {
    const before = server.git(['rev-parse', 'flux-sync'])
    const edits = [{ path: 'a.yaml', content: 'unsigned\n' }]
    const request = { branch: 'main', base, edits, message: 'm', author, signingKey: 'nobody@example.com' }
    await expect(git.commitAndPush(remote, request)).rejects.toMatchObject({
      reason: 'SigningFailed',
      message: expect.stringContaining('gpg failed to sign'),
    })
    await expect(git.moveTag(remote, move(base, base, 'nobody@example.com'))).rejects.toMatchObject({
      reason: 'SigningFailed',
    })
    expect(server.git(['rev-parse', 'main'])).toBe(base)
    expect(server.git(['rev-parse', 'flux-sync'])).toBe(before)
  })

  it.each([
    ['somebody whose key we do not have', () => theirs, 'its key is not known'],
    ['nobody', () => undefined, 'it is not signed'],
  ])('of the sync tag by %s does not count', async (_, key, why) => {
    const signed = key() ? [`--local-user=${key()}`] : ['-a']
    workshop.git(server.repository, ['tag', '-f', ...signed, '-m', 'Sync pointer', 'flux-sync', base])
    await git.fetch(remote)
    await expect(git.readTag(remote, 'flux-sync', { verify: true })).rejects.toMatchObject({
      reason: 'SignatureInvalid',
      message: expect.stringContaining(`the tag flux-sync does not count: ${why}`),
    })
    expect(await git.readTag(remote, 'flux-sync', { verify: false })).toMatchObject({ commit: base })
  })

  it('of the sync tag does not hold for another commit', async () => {
    await git.fetch(remote)
    await git.moveTag(remote, move(base, base, ours))
    const forged = server.git(['cat-file', 'tag', 'flux-sync']).replace(base, server.git(['rev-parse', `${base}^`]))
    server.git([
      'update-ref',
      'refs/tags/flux-sync',
      server.git(['hash-object', '-t', 'tag', '-w', '--stdin'], `${forged}\n`),
    ])
    await git.fetch(remote)
    await expect(git.readTag(remote, 'flux-sync', { verify: true })).rejects.toMatchObject({
      reason: 'SignatureInvalid',
      message: expect.stringContaining('its signature is bad'),
    })
  })
})
