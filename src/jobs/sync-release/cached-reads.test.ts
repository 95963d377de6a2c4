import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../../domain/manifest/object.ts'
import type { SyncReleaseDeps } from './deps.ts'
import { createReleaseMemory } from './memory.ts'
import { readRecordOf } from './observe.ts'
import { lookAtMade } from './revisions.ts'
import type { Work } from './work.ts'

const begun = '2026-11-23T10:00:00.700Z'
const second = Math.floor(Date.parse(begun) / 1000)

function bench({ cached, stored, status }: { cached?: KubeObject; stored?: KubeObject; status?: object }) {
  const asked: string[] = []
  const cluster = {
    async get(_ref: object, { mayBeOld = false }: { mayBeOld?: boolean }) {
      asked.push(mayBeOld ? 'cache' : 'etcd')
      return mayBeOld ? cached : stored
    },
    async list() {
      asked.push('list')
      return stored ? [stored] : []
    },
  }
  const object = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', metadata: { name: 'web' } }
  const work = {
    object: status ? { ...object, status } : object,
    spec: { release: 'web', targetNamespace: 'team' },
    signal: new AbortController().signal,
    stored: { record: { intent: { at: begun } }, resourceVersion: '7' },
    revisions: [],
  }
  const deps = { cluster, now: () => new Date(begun), memory: createReleaseMemory() }
  return { asked, work: work as unknown as Work, deps: deps as unknown as SyncReleaseDeps }
}

function secret(state: string, at: number, uid = 'new'): KubeObject {
  const labels = { owner: 'helm', name: 'web', version: '1', status: state, modifiedAt: String(at) }
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'sh.helm.release.v1.web.v1', uid, labels } }
}

describe('the revision that helm made', () => {
  const stored = secret('deployed', second)
  it.each([
    { what: 'is believed from the cache', cached: stored, asked: ['cache'] },
    { what: 'is looked for where the cache has none yet', cached: undefined, asked: ['cache', 'list'] },
    {
      what: 'is looked for where the cache has its beginning',
      cached: secret('pending-install', second),
      asked: ['cache', 'list'],
    },
    {
      what: 'is not one of the same number that was there before',
      cached: secret('deployed', second - 1, 'old'),
      asked: ['cache', 'list'],
    },
  ])('$what', async ({ cached, asked }) => {
    const { work, deps, asked: all } = bench({ stored, ...(cached ? { cached } : {}) })
    await lookAtMade(work, 1, deps)
    expect(all).toEqual(asked)
    expect(work.revisions).toMatchObject([{ revision: 1, state: 'deployed', uid: 'new' }])
  })
})

describe('the record of a HelmRelease', () => {
  const record: KubeObject = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'r', resourceVersion: '9' } }
  it.each([
    { what: 'without a status is believed not to be there', given: { stored: record }, asked: ['cache'], found: '' },
    {
      what: 'without a status is read if there is one',
      given: { cached: record, stored: record },
      asked: ['cache', 'etcd'],
      found: '9',
    },
    { what: 'with a status is read', given: { stored: record, status: {} }, asked: ['etcd'], found: '9' },
  ])('$what', async ({ given, asked, found }) => {
    const { work, deps, asked: all } = bench(given)
    expect((await readRecordOf(work, deps)).resourceVersion).toBe(found)
    expect(all).toEqual(asked)
  })
})
