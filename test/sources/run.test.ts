import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import type { Condition, MirroredStatus } from '../../src/domain/source/condition.ts'
import { requestAnnotation, sourceKind } from '../../src/domain/source/resource.ts'
import { grant } from '../cluster/grant.ts'
import { makeNamespace, realCluster, removeNamespace } from '../cluster/world.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { kubectl } from '../e2e/kubectl.ts'
import { configMap } from '../e2e/manifests.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { installSources, sourceObject } from './definition.ts'

type Row = { namespace: string; name: string; ready: boolean; reason: string; objects: number }

const cluster = realCluster()
const bare = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: bare\ndata:\n  key: one\n'
let repository: Repository
let capstan: Capstan
/** Of the Sources; and one more for objects. */
let [home, other] = ['', '']

const put = async (name: string, spec: Record<string, unknown>, change: object = {}) => {
  const object = sourceObject(home, name, { url: repository.url, ...spec })
  Object.assign(object.metadata, change)
  return (await cluster.apply(object, { force: true })).object
}
const statusOf = async (name: string) =>
  ((await cluster.get({ ...sourceKind, namespace: home, name }))?.status ?? {}) as Partial<MirroredStatus>
const isThere = async (namespace: string, name: string) =>
  await cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name })
const keyOf = async (namespace: string, name: string) =>
  ((await isThere(namespace, name))?.data as { key?: string } | undefined)?.key

/** The status once Ready is as wanted, for the newest generation. */
async function untilReady(name: string, wanted: Partial<Condition>): Promise<Partial<MirroredStatus>> {
  const found = await until(
    `Source ${name} is ${JSON.stringify(wanted)}`,
    async () => {
      const object = await cluster.get({ ...sourceKind, namespace: home, name })
      const status = (object?.status ?? {}) as Partial<MirroredStatus>
      const ready = status.conditions?.find(({ type }) => type === 'Ready')
      const isNewest = status.observedGeneration === object?.metadata.generation
      return isNewest && ready?.status === wanted.status && ready?.reason === wanted.reason && status
    },
    { logFile: capstan.logFile },
  )
  return found
}

beforeAll(async () => {
  await installSources(cluster)
  home = await makeNamespace(cluster)
  other = await makeNamespace(cluster)
  repository = await createRepository()
  await repository.push({
    'one/bare.yaml': bare,
    'one/more.yaml': configMap('more', home, 'one'),
    'two/bare.yaml': bare,
    'tags/tagged.yaml': configMap('tagged', home, 'one'),
    'tenant/mine.yaml': configMap('mine', home, 'tenant'),
    'beyond/theirs.yaml': configMap('theirs', other, 'tenant'),
  })
  capstan = await startCapstan(['--enable=sync', `--source-namespaces=${home}`])
})

afterAll(async () => {
  await capstan?.stop()
  await repository?.stop()
  for (const namespace of [home, other, capstan?.namespace]) if (namespace) await removeNamespace(cluster, namespace)
  await cluster.close()
})

describe('Source objects beside or without a source of the flags', () => {
  it('of one repository are applied by path and namespace; one whose branch there is not says so and stops none', async () => {
    const ref = { branch: 'nowhere' }
    await put('broken', { ref, paths: ['one'] })
    await put('one', { paths: ['one'] })
    await put('two', { paths: ['two'], targetNamespace: other })
    expect(await untilReady('one', { status: 'True', reason: 'Applied' })).toMatchObject({
      objects: 2,
      observedGeneration: 1,
    })
    expect(await untilReady('two', { status: 'True', reason: 'Applied' })).toMatchObject({ objects: 1 })
    expect(await keyOf(home, 'bare')).toBe('one')
    expect(await keyOf(other, 'bare')).toBe('one')
    const { conditions } = await untilReady('broken', { status: 'False', reason: 'GitRefNotFound' })
    expect(conditions?.map(({ type }) => type)).toContain('Stalled')
    const rows = async () => {
      const { sources } = await capstan.api<{ sources: Row[] }>('/api/v1/status')
      return sources.map(({ name, ready, reason }) => `${name} ${ready} ${reason}`)
    }
    // a sync may find out before the fetch has told
    await until('the status says why', async () => (await rows()).includes('broken false GitRefNotFound'))
    expect((await rows()).toSorted()).toEqual(['broken false GitRefNotFound', 'one true ', 'two true '])
    const table = await kubectl('get', 'src', '-n', home)
    expect(table).toMatch(/one\s+\S+\s+main\s+main@[0-9a-f]{40}\s+True\s+Applied/)
  })

  it('that are mended or changed are synced at once, and what leaves the paths is pruned', async () => {
    await put('broken', {
      paths: ['two'],
      ref: { branch: 'main' },
      targetNamespace: home,
      suspend: { by: 'ann', why: 'tests' },
    })
    const { suspended, conditions } = await untilReady('broken', { status: 'False', reason: 'Suspended' })
    expect(suspended).toBe(true)
    expect(conditions?.find(({ type }) => type === 'Suspended')?.message).toBe('Suspended by ann: tests')
    await cluster.delete({ ...sourceKind, namespace: home, name: 'broken' }, {})

    await put('one', { paths: ['one/bare.yaml'] })
    await untilReady('one', { status: 'True', reason: 'Applied' })
    await until('the object that left the paths is gone', async () => !(await isThere(home, 'more')))
    expect(await statusOf('one')).toMatchObject({ observedGeneration: 2, objects: 1 })
  })

  it('are fetched when the annotation asks for it', async () => {
    await repository.change({ 'one/bare.yaml': bare.replace('one', 'two') })
    await put('one', { paths: ['one/bare.yaml'] }, { annotations: { [requestAnnotation]: 'tuesday' } })
    await until('the new revision is there', async () => (await keyOf(home, 'bare')) === 'two', {
      logFile: capstan.logFile,
    })
    await until('the request is answered', async () => (await statusOf('one')).lastHandledRequest === 'tuesday')
  })

  it('follow the highest tag of a range', async () => {
    const main = await repository.git('rev-parse', 'HEAD')
    await repository.git('tag', 'v1.4.0')
    await repository.git('tag', 'v2.0.0')
    await repository.git('push', '-q', 'origin', '--tags')
    await put('tagged', { ref: { semver: '>=1.0.0 <2.0.0' }, paths: ['tags'], prune: false })
    expect(await untilReady('tagged', { status: 'True', reason: 'Applied' })).toMatchObject({
      revision: `v1.4.0@${main}`,
    })
    const { sources } = await capstan.api<{ sources: Row[] }>('/api/v1/status')
    expect(sources.find(({ name }) => name === 'tagged')).toMatchObject({ ready: true })
    expect(await keyOf(home, 'tagged')).toBe('one')
  })

  it('with an account are applied with its rights and nothing more', async () => {
    const tenant = { namespace: home, name: 'tenant' }
    const rules = [{ apiGroups: [''], resources: ['configmaps'], verbs: ['*'] }]
    await cluster.create({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: tenant })
    await grant(cluster, { account: tenant, in: home, rules })
    await put('tenant', { paths: ['tenant'], serviceAccountName: 'tenant' })
    await put('beyond', { paths: ['beyond'], serviceAccountName: 'tenant' })
    await untilReady('tenant', { status: 'True', reason: 'Applied' })
    expect(await keyOf(home, 'mine')).toBe('tenant')
    const { conditions } = await untilReady('beyond', { status: 'False', reason: 'Forbidden' })
    const message = conditions?.find(({ type }) => type === 'Ready')?.message ?? ''
    expect(message).toContain(`system:serviceaccount:${home}:tenant`)
    expect(message).toMatch(/cannot (get|patch) resource "configmaps"/)
    expect(await isThere(other, 'theirs')).toBeUndefined()
  })

  it('that changed while nobody looked are synced at the next start', async () => {
    await capstan.kill('SIGTERM')
    await put('tenant', {
      paths: ['tenant', 'tags'],
      serviceAccountName: 'tenant',
      prune: false,
      targetNamespace: home,
    })
    await cluster.delete({ ...sourceKind, namespace: home, name: 'tagged' }, {})
    await capstan.start()
    expect(await untilReady('tenant', { status: 'True', reason: 'Applied' })).toMatchObject({
      observedGeneration: 2,
      objects: 2,
    })
  })

  it('keep their objects when they are deleted', async () => {
    await cluster.delete({ ...sourceKind, namespace: home, name: 'two' }, {})
    await until('nobody knows it any more', async () => {
      const { sources } = await capstan.api<{ sources: Row[] }>('/api/v1/status')
      return !sources.some(({ name }) => name === 'two')
    })
    expect(await keyOf(other, 'bare')).toBe('one')
  })
})
