import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createKeyring } from '../../src/adapters/gpg/index.ts'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import { openWorkshop, run, shortFolder, type Workshop } from '../gpg/workshop.ts'
import { configMap } from './manifests.ts'
import { createWorkbench, type Workbench } from './workbench.ts'

let bench: Workbench

afterEach(async () => {
  await bench.close()
})

const a = () => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace: bench.target, name: 'a' })
const value = async () => ((await bench.cluster.get(a()))?.data as { key: string } | undefined)?.key
const tag = (name: string) => bench.inWork('ls-remote', bench.spec.url, `refs/tags/${name}^{}`).slice(0, 40)

describe('the sync marker', () => {
  it('is a tag that follows what was tried, and is not written again', async () => {
    bench = await createWorkbench({ syncState: 'git', syncTag: 'flux-sync' })
    const first = bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    expect(tag('flux-sync')).toBe(first)
    expect((await bench.status()).marker).toMatchObject({ commit: first, problem: '' })
    const object = bench.inWork('ls-remote', bench.spec.url, 'refs/tags/flux-sync')
    await bench.sync()
    bench.restart()
    await bench.sync()
    expect(bench.inWork('ls-remote', bench.spec.url, 'refs/tags/flux-sync')).toBe(object)
    const second = bench.push({ 'a.yaml': configMap('a', '2') })
    await bench.sync()
    expect(tag('flux-sync')).toBe(second)
  })

  it('that somebody else moves stops deleting until it is left alone or that is allowed', async () => {
    bench = await createWorkbench({ syncState: 'git', syncIntervalMs: 60_000 })
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1') })
    bench.now = Date.now()
    await bench.sync()
    bench.inWork('tag', '-f', '-a', '-m', 'Sync pointer', 'flux-sync')
    bench.inWork('push', '-q', '-f', bench.spec.url, 'flux-sync')
    bench.push({ 'a.yaml': configMap('a', '2') })
    await bench.sync()
    expect(await value()).toBe('2')
    expect(await bench.status()).toMatchObject({ ready: false, reason: 'OtherWriter' })
    expect(await bench.cluster.get({ ...a(), name: 'b' })).toBeDefined()
    bench.now += 60_000
    await bench.sync()
    expect((await bench.status()).ready).toBe(false)
    bench.now += 60_000
    await bench.sync()
    expect((await bench.status()).ready).toBe(true)
    expect(await bench.cluster.get({ ...a(), name: 'b' })).toBeUndefined()
  })

  it('that two workers move in turn is nobody else’s, also where a mirror is behind', async () => {
    bench = await createWorkbench({ syncState: 'git' })
    const turn = async (version: string) => {
      const commit = bench.push({ 'a.yaml': configMap('a', version) })
      await bench.sync()
      expect(tag('flux-sync')).toBe(commit)
      expect(await bench.status()).toMatchObject({ ready: true, message: '1 objects applied' })
      expect((await bench.status()).marker).not.toHaveProperty('foreignAt')
    }
    await turn('1')
    bench.otherWorker()
    await turn('2')
    bench.otherWorker()
    await bench.git.fetch({ url: bench.spec.url })
    await turn('3')
    bench.otherWorker()
    const last = bench.push({ 'a.yaml': configMap('a', '4') })
    await bench.git.fetch({ url: bench.spec.url })
    bench.otherWorker()
    await bench.sync()
    bench.otherWorker()
    bench.fetches = false
    await bench.sync()
    expect(tag('flux-sync')).toBe(last)
    expect(await bench.status()).toMatchObject({ ready: true, marker: { commit: last, problem: '' } })
    expect((await bench.status()).marker).not.toHaveProperty('foreignAt')
  })

  it('that somebody else moved is told once, and is over when nobody does it again', async () => {
    bench = await createWorkbench({ syncState: 'git', syncIntervalMs: 60_000 })
    bench.push({ 'a.yaml': configMap('a', '1') })
    const start = Date.now()
    bench.now = start
    await bench.sync()
    bench.inWork('tag', '-f', '-a', '-m', 'theirs', 'flux-sync')
    bench.inWork('push', '-q', '-f', bench.spec.url, 'flux-sync')
    const reasons: string[] = []
    for (const seconds of [0, 60, 119, 120, 180]) {
      bench.now = start + seconds * 1000
      if (seconds === 60) bench.restart()
      await bench.sync()
      reasons.push((await bench.status()).reason)
    }
    expect(reasons).toEqual(['OtherWriter', 'OtherWriter', 'OtherWriter', '', ''])
    bench.writes()
    await bench.sync()
    expect(bench.writes()).toEqual([])
    bench.inWork('tag', '-f', '-a', '-m', 'theirs again', 'flux-sync')
    bench.inWork('push', '-q', '-f', bench.spec.url, 'flux-sync')
    await bench.sync()
    expect((await bench.status()).reason).toBe('OtherWriter')
  })

  it('moves although an object failed, and stays where a file could not be read', async () => {
    bench = await createWorkbench({ syncState: 'git' })
    const bad = configMap('b', '1').replace('\ndata:', '\ndata: {x: {y: 1}}\nmore:')
    const first = bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': bad })
    await bench.sync()
    expect((await bench.status()).ready).toBe(false)
    expect(tag('flux-sync')).toBe(first)
    bench.push({ 'a.yaml': configMap('a', '2'), 'b.yaml': 'a: [' })
    await bench.sync()
    expect(await value()).toBe('2')
    expect(tag('flux-sync')).toBe(first)
  })

  it('is an annotation on the Secret where that is asked for', async () => {
    bench = await createWorkbench({ syncState: 'secret' })
    const commit = bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    const secret = { apiVersion: 'v1', kind: 'Secret', namespace: bench.spec.namespace, name: 'flux-git-deploy' }
    expect((await bench.cluster.get(secret))?.metadata.annotations).toMatchObject({
      'flux.weave.works/sync-hwm': commit,
    })
  })
})

describe('what is followed', () => {
  it.each<[string, SourceSpec['ref'], string, string]>([
    ['a tag', { kind: 'tag', value: 'v1.0.0' }, '1', 'v1.0.0'],
    ['the highest tag of a range', { kind: 'semver', value: '~1.1' }, '3', 'v1.1.9'],
    ['a branch', { kind: 'branch', value: 'main' }, '4', 'main'],
  ])('may be %s', async (_, ref, expected, label) => {
    bench = await createWorkbench({ ref, branch: ref.kind === 'branch' ? ref.value : '' })
    const commits: string[] = []
    for (const [index, name] of ['v1.0.0', 'v1.1.0', 'v1.1.9', 'v2.0.0'].entries()) {
      commits.push(bench.push({ 'a.yaml': configMap('a', String(index + 1)) }))
      bench.inWork('tag', name)
    }
    bench.inWork('push', '-q', bench.spec.url, '--tags')
    await bench.sync()
    expect(await value()).toBe(expected)
    expect((await bench.status()).revision).toBe(`${label}@${commits[Number(expected) - 1]}`)
  })

  it('may be a commit', async () => {
    bench = await createWorkbench()
    const commit = bench.push({ 'a.yaml': configMap('a', '1') })
    bench.push({ 'a.yaml': configMap('a', '2') })
    bench.spec.ref = { kind: 'commit', value: commit }
    bench.spec.branch = ''
    await bench.sync()
    expect(await value()).toBe('1')
  })
})

describe('a mirror that is behind', () => {
  it('is brought up to date by the first sync of a process, so that nothing goes back to what was', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    bench.push({ 'a.yaml': configMap('a', '2') })
    bench.fetches = false
    bench.restart()
    await bench.sync()
    expect(await value()).toBe('2')
  })

  it('is brought up to date when another process has fetched a newer head', async () => {
    bench = await createWorkbench()
    const first = bench.push({ 'a.yaml': configMap('a', '1') })
    bench.fetched = { at: '2026-11-21T08:00:00Z', head: first }
    await bench.sync()
    bench.fetches = false
    const second = bench.push({ 'a.yaml': configMap('a', '2') })
    await bench.sync()
    expect(await value()).toBe('1')
    bench.fetched = { at: '2026-11-21T08:01:00Z', head: second }
    await bench.sync()
    expect(await value()).toBe('2')
  })

  it('is kept applied while the git server is away', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    bench.fetches = false
    bench.restart()
    renameSync(bench.spec.url, `${bench.spec.url}.away`)
    await bench.cluster.patch(a(), { data: { key: '9' } })
    await bench.sync()
    expect(await value()).toBe('1')
  })
})

describe('a rewritten history', () => {
  it('is followed, and deletes nothing while what it brought fails', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1') })
    const before = bench.push({ 'a.yaml': configMap('a', '2'), 'b.yaml': configMap('b', '1') })
    await bench.sync()
    bench.inWork('checkout', '-q', '--orphan', 'other')
    const bad = configMap('c', '1').replace('\ndata:', '\ndata: {x: {y: 1}}\nmore:')
    const commitOther = (files: Record<string, string>) => {
      const commit = bench.push(files, 'other')
      bench.inWork('push', '-q', '-f', bench.spec.url, 'other:main')
      return commit
    }
    commitOther({ 'a.yaml': configMap('a', '3'), 'c.yaml': bad })
    await bench.sync()
    expect(await value()).toBe('3')
    const waiting = expect.stringContaining('1 deletions wait: the history was rewritten') as string
    expect(await bench.status()).toMatchObject({ rewrittenFrom: before, ready: false, message: waiting })
    expect(await bench.cluster.get({ ...a(), name: 'b' })).toBeDefined()
    const events = await bench.cluster.list({ apiVersion: 'v1', kind: 'Event', namespace: bench.spec.namespace })
    const told = events.filter(({ reason }) => reason === 'HistoryRewritten').map(({ message }) => String(message))
    expect(told).toEqual([expect.stringContaining(before)])

    const after = commitOther({ 'a.yaml': configMap('a', '3'), 'c.yaml': configMap('c', '1') })
    await bench.sync()
    expect(await bench.status()).toMatchObject({ revision: `main@${after}`, ready: true })
    expect(await bench.status()).not.toHaveProperty('rewrittenFrom')
    expect(await bench.cluster.get({ ...a(), name: 'b' })).toBeUndefined()
  })

  it('with an object that failed before deletes what left git all the same', async () => {
    bench = await createWorkbench()
    const bad = configMap('c', '1').replace('\ndata:', '\ndata: {x: {y: 1}}\nmore:')
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': configMap('b', '1'), 'c.yaml': bad })
    await bench.sync()
    bench.inWork('checkout', '-q', '--orphan', 'other')
    bench.push({ 'a.yaml': configMap('a', '2'), 'c.yaml': bad }, 'other')
    bench.inWork('push', '-q', '-f', bench.spec.url, 'other:main')
    await bench.sync()
    expect(await value()).toBe('2')
    expect(await bench.cluster.get({ ...a(), name: 'b' })).toBeUndefined()
    expect(await bench.status()).toMatchObject({ ready: false, failedCount: 1 })
    expect(await bench.status()).not.toHaveProperty('rewrittenFrom')
  })
})

describe('signed commits', () => {
  type Signing = {
    workshop: Workshop
    good: string
    /** Puts a commit on the branch, signed by the good key or by nobody. */
    commit: (version: string, isSigned?: boolean) => string
  }

  async function withKeys(change: Partial<SourceSpec>, task: (signing: Signing) => Promise<void>): Promise<void> {
    const workshop = openWorkshop()
    const folder = shortFolder()
    const home = join(folder, 'keys')
    const keyring = createKeyring({ run, home, path: process.env.PATH ?? '' })
    try {
      bench = await createWorkbench(change, [], home)
      const good = workshop.makeKey('good@example.com')
      await keyring.importKeys([workshop.exportKey(good)])
      await keyring.trustAll()
      const commit: Signing['commit'] = (version, isSigned = true) => {
        const message = configMap('a', version)
        return workshop.commit(bench.spec.url, { branch: 'main', message, ...(isSigned ? { key: good } : {}) })
      }
      await task({ workshop, good, commit })
    } finally {
      await keyring.close()
      rmSync(folder, { recursive: true, force: true })
      workshop.close()
    }
  }

  it('are applied up to the last good one, and never past it', async () => {
    await withKeys({ verify: 'all' }, async ({ commit }) => {
      commit('1')
      await bench.sync()
      expect(await value()).toBe('1')
      const second = commit('2')
      const bad = commit('3', false)
      commit('4')
      await bench.sync()
      expect(await value()).toBe('2')
      const status = await bench.status()
      expect(status).toMatchObject({
        ready: false,
        reason: 'SignatureInvalid',
        revision: `main@${second}`,
        refused: { commit: bad },
      })
      expect(status.message).toContain(`found invalid GPG signature for commit ${bad}`)
    })
  })

  it('that are asked for later count from a newer commit on that a signed tag names, and from none before', async () => {
    await withKeys({ syncState: 'cluster' }, async ({ workshop, good, commit }) => {
      const tagAt = (at: string, ...flags: string[]) =>
        workshop.git(bench.spec.url, ['tag', '-f', '-a', ...flags, '-m', 'Sync pointer', 'flux-sync', at])
      const refused = async (why: string) => {
        await expect(bench.sync()).rejects.toMatchObject({ reason: 'SignatureInvalid' })
        expect(await value()).toBe('2')
        const { message } = await bench.status()
        expect(message).toContain('git tag -s -f flux-sync COMMIT')
        expect(message).toContain(why)
      }
      const first = commit('1')
      commit('2', false)
      await bench.sync()
      bench.spec.verify = 'all'
      const third = commit('3')
      commit('4', false)
      await refused('there is no such tag now')
      tagAt(first, '-u', good)
      await refused(`the tag that is there is at ${first}, which is not a newer commit`)
      tagAt(third)
      await refused('it is not signed')
      tagAt(third, '-u', good)
      await bench.sync()
      expect(await value()).toBe('3')
      expect(await bench.status()).toMatchObject({ reason: 'SignatureInvalid', revision: `main@${third}` })
    })
  })

  it('that are asked for later count from the annotation on, where that is the marker', async () => {
    await withKeys({ syncState: 'secret' }, async ({ commit }) => {
      commit('1', false)
      await bench.sync()
      bench.spec.verify = 'first-parent'
      const second = commit('2')
      await expect(bench.sync()).rejects.toMatchObject({ reason: 'SignatureInvalid' })
      const secret = { apiVersion: 'v1', kind: 'Secret', namespace: bench.spec.namespace, name: 'flux-git-deploy' }
      await bench.cluster.patch(secret, { metadata: { annotations: { 'flux.weave.works/sync-hwm': second } } })
      await bench.sync()
      expect(await value()).toBe('2')
      expect(await bench.status()).toMatchObject({ ready: true, revision: `main@${second}` })
    })
  })
})
