import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Git, GitRemote } from '../../src/adapters/git/index.ts'
import { createKeyring, type Keyring } from '../../src/adapters/gpg/index.ts'
import { type GitServer, spyOnGit, startGitServer } from '../git/git-server.ts'
import { makeGit, removeFolders, temporaryFolder } from '../git/make-git.ts'
import { openWorkshop, run, shortFolder, type Workshop } from './workshop.ts'

let workshop: Workshop
let server: GitServer
let keyring: Keyring
let gnupgHome: string
let git: Git
let remote: GitRemote
let keys: { good: string; other: string; expired: string; revoked: string; unknown: string }

/** Branches are made by name; what is not signed by `good` or `other` never counts. */
beforeAll(async () => {
  workshop = openWorkshop()
  server = await startGitServer()
  keys = {
    good: workshop.makeKey('good@example.com'),
    other: workshop.makeKey('other@example.com'),
    expired: workshop.makeKey('expired@example.com', { expires: '2020-02-01', at: '20200101T000000' }),
    revoked: workshop.makeKey('revoked@example.com'),
    unknown: workshop.makeKey('unknown@example.com'),
  }
  gnupgHome = join(shortFolder(), 'keys')
  keyring = createKeyring({ run, home: gnupgHome, path: process.env.PATH ?? '' })
  const { unknown: _, ...imported } = keys
  const files = Object.values(imported).map((key) => workshop.exportKey(key))
  const { failed } = await keyring.importKeys([...files, workshop.revocation(keys.revoked)])
  expect(failed).toEqual([])
  await keyring.trustAll()
  git = makeGit({ gnupgHome })
  remote = { url: server.url }
})

afterAll(async () => {
  await keyring.close()
  rmSync(join(gnupgHome, '..'), { recursive: true, force: true })
  await server.close()
  workshop.close()
  removeFolders()
})

type Kind = keyof typeof keys | 'none'

/** Commits one after the other on a new branch; gives their ids. */
function history(branch: string, kinds: readonly Kind[]): string[] {
  return kinds.map((kind, at) => {
    const how = kind === 'none' ? {} : { key: keys[kind] }
    const time = kind === 'expired' ? { at: '20200115T000000' } : {}
    return workshop.commit(server.repository, { branch, message: `${branch} ${at}`, ...how, ...time })
  })
}

describe('a walk over signed commits', () => {
  it('of good signatures ends at its head, from the beginning and from any commit', async () => {
    const [first, second, third] = history('good', ['good', 'other', 'good']) as [string, string, string]
    await git.fetch(remote)
    expect(await git.verify(remote, { to: third, mode: 'all' })).toEqual({ valid: third })
    expect(await git.verify(remote, { from: first, to: third, mode: 'all' })).toEqual({ valid: third })
    expect(await git.verify(remote, { from: third, to: third, mode: 'all' })).toEqual({ valid: third })
    expect(await git.verify(remote, { from: second, to: third, mode: 'first-parent' })).toEqual({ valid: third })
  })

  it.each<[Kind, string]>([
    ['none', 'it is not signed'],
    ['unknown', 'its key is not known'],
    ['revoked', 'its key was revoked'],
    ['expired', 'its key has expired'],
  ])('stops before a commit that is signed by: %s', async (kind, why) => {
    const [first, second, bad, after] = history(`bad-${kind}`, ['good', 'good', kind, 'good']) as [
      string,
      string,
      string,
      string,
    ]
    await git.fetch(remote)
    const expected = { valid: second, bad: { commit: bad, why } }
    expect(await git.verify(remote, { to: after, mode: 'all' })).toEqual(expected)
    expect(await git.verify(remote, { from: first, to: after, mode: 'first-parent' })).toEqual(expected)
    expect(await git.verify(remote, { from: second, to: bad, mode: 'all' })).toEqual(expected)
    await expect(git.verify(remote, { from: bad, to: after, mode: 'all' })).rejects.toMatchObject({
      reason: 'SignatureInvalid',
      message: `the commit that was applied last, ${bad}, does not count: ${why}`,
    })
  })

  it('that begins with a bad commit has no valid one', async () => {
    const [bad, after] = history('never', ['none', 'good']) as [string, string]
    await git.fetch(remote)
    expect(await git.verify(remote, { to: after, mode: 'all' })).toEqual({
      valid: '',
      bad: { commit: bad, why: 'it is not signed' },
    })
  })

  it('looks into what was merged, or not, as the mode says', async () => {
    const [base] = history('merged', ['good']) as [string]
    const parents = [base]
    const side = workshop.commit(server.repository, { branch: 'side', parents, message: 'side' })
    const main = workshop.commit(server.repository, { branch: 'merged', key: keys.good, message: 'main' })
    const merge = workshop.commit(server.repository, {
      branch: 'merged',
      key: keys.good,
      parents: [main, side],
      message: 'merge',
    })
    await git.fetch(remote)
    expect(await git.verify(remote, { to: merge, mode: 'first-parent' })).toEqual({ valid: merge })
    const { valid, bad } = await git.verify(remote, { from: base, to: merge, mode: 'all' })
    expect(bad).toEqual({ commit: side, why: 'it is not signed' })
    // Which of the two sides is looked at first is git's choice; the merge and the side itself never count.
    expect([base, main]).toContain(valid)
  })

  it('of a commit that nobody has fetched is GitRefNotFound', async () => {
    await expect(git.verify(remote, { to: '1'.repeat(40), mode: 'all' })).rejects.toMatchObject({
      reason: 'GitRefNotFound',
    })
  })

  it('trusts no key that is only imported, and knows none without a keyring', async () => {
    const [head] = history('trust', ['good']) as [string]
    const home = join(shortFolder(), 'keys')
    const untrusting = createKeyring({ run, home, path: process.env.PATH ?? '' })
    await untrusting.importKeys([workshop.exportKey(keys.good)])
    for (const [options, why] of [
      [{ gnupgHome: home }, 'its key is not trusted'],
      [{}, 'its key is not known'],
    ] as const) {
      const one = makeGit(options)
      await one.fetch(remote)
      expect(await one.verify(remote, { to: head, mode: 'all' })).toEqual({ valid: '', bad: { commit: head, why } })
    }
    await untrusting.close()
    rmSync(join(home, '..'), { recursive: true })
  })

  it('takes git’s settings of the operator, but no other programs than gpg for signatures', async () => {
    const file = join(temporaryFolder(), 'gitconfig')
    const settings = ['gpg.program=true', 'gpg.format=ssh', 'gpg.minTrustLevel=never', 'log.showSignature=true']
    for (const setting of settings) {
      const [name = '', value = ''] = setting.split('=')
      server.git(['config', '--file', file, name, value])
    }
    const [good, bad] = history('settings', ['good', 'none']) as [string, string]
    const one = makeGit({ gnupgHome, gitConfigFile: file })
    await one.fetch(remote)
    expect(await one.verify(remote, { to: bad, mode: 'all' })).toMatchObject({ valid: good, bad: { commit: bad } })
    expect((await one.log(remote, { to: bad, limit: 5 })).map(({ commit }) => commit)).toEqual([bad, good])
  })

  it('of 150 commits is a handful of processes of git, not one for each commit', async () => {
    history(
      'many',
      Array.from({ length: 150 }, () => 'good' as const),
    )
    const spy = spyOnGit(temporaryFolder())
    const one = makeGit({ gnupgHome, environment: { PATH: spy.path } })
    const to = (await one.fetch(remote)).get('refs/heads/many') ?? ''
    const count = () => (readFileSync(spy.log, 'utf8').match(/^GNUPGHOME=/gm) ?? []).length
    const before = count()
    expect(await one.verify(remote, { to, mode: 'all' })).toEqual({ valid: to })
    expect(count() - before).toBeLessThan(6)
  })
})

describe('mutations of a signed commit', () => {
  it('never count, 100 of 100 (hazard D9)', async () => {
    const [base, signed] = history('mutated', ['good', 'good']) as [string, string]
    const raw = workshop.git(server.repository, ['cat-file', 'commit', signed])
    const otherRaw = workshop.git(server.repository, ['cat-file', 'commit', base])
    const mutants = Array.from({ length: 100 }, (_, at) => mutate(raw, otherRaw, at))
    const ids = mutants.map((content, at) => {
      const id = server.git(['hash-object', '-t', 'commit', '-w', '--stdin'], `${content}\n`)
      server.git(['update-ref', `refs/heads/mutant-${at}`, id])
      return id
    })
    expect(new Set(ids).size).toBe(100)
    await git.fetch(remote)
    const results: string[] = []
    for (let at = 0; at < ids.length; at += 10) {
      const some = ids.slice(at, at + 10)
      const verified = await Promise.all(some.map((to) => git.verify(remote, { to, mode: 'all' })))
      results.push(...verified.map(({ valid }) => valid))
    }
    expect(results.filter((valid) => ids.includes(valid))).toEqual([])
    for (const id of ids.keys()) server.git(['update-ref', '-d', `refs/heads/mutant-${id}`])
  })
})

/** The same commit with another text, other people, another time, without its signature, or with that of another commit. */
function mutate(raw: string, other: string, at: number): string {
  const signature = (text: string) => /^gpgsig .*?-----END PGP SIGNATURE-----\n(?: \n)?/ms.exec(text)?.[0] ?? ''
  switch (at % 6) {
    case 0:
      return `${raw} ${at}`
    case 1:
      return raw.replace(/^author Somebody/m, `author Somebody${at}`)
    case 2:
      return raw.replace(/^(committer .* )\d+/m, `$1${1_600_000_000 + at}`)
    case 3:
      return `${raw.replace(signature(raw), '')} ${at}`
    case 4:
      return raw.replace(signature(raw), signature(other)).replace(/$/, ` ${at}`)
    default:
      return raw.replace(/^tree .*$/m, `tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904`).replace(/$/, ` ${at}`)
  }
}
