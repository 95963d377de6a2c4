import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApplyOptions, Cluster, WatchEvent } from '../../src/adapters/cluster/index.ts'
import { AppError } from '../../src/domain/error.ts'
import type { KubeObject, ObjectRef } from '../../src/domain/manifest/object.ts'
import { ownedHash } from '../../src/domain/plan/live.ts'
import { createFakeCluster } from '../fakes/cluster.ts'
import { makeNamespace, realCluster, removeNamespace, uniqueName, until } from './world.ts'

function versionOf(object: KubeObject | undefined): string {
  return object?.metadata.resourceVersion ?? ''
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(AppError)
  return (error as AppError).reason
}

/** One suite on both, so that the fake cannot lie. */
describe.each([
  ['the fake', createFakeCluster],
  ['a real API server', realCluster],
] as const)('the Cluster contract on %s', (_name, make) => {
  let cluster: Cluster
  let namespace: string

  beforeAll(async () => {
    cluster = make()
    namespace = await makeNamespace(cluster)
  })
  afterAll(async () => {
    await removeNamespace(cluster, namespace)
    await cluster.close()
  })

  function configMap(name: string, data: Record<string, string>, labels?: Record<string, string>): KubeObject {
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, ...(labels ? { labels } : {}) }, data }
  }
  function ref(name: string): ObjectRef {
    return { apiVersion: 'v1', kind: 'ConfigMap', namespace, name }
  }

  it('knows the kinds that are served', async () => {
    expect(await cluster.resource('apps/v1', 'Deployment')).toMatchObject({ plural: 'deployments', namespaced: true })
    expect(await cluster.resource('v1', 'Namespace')).toMatchObject({ group: '', namespaced: false })
    expect(await cluster.resource('apps/v1', 'Deploymant')).toBeUndefined()
    expect(await cluster.resource('nobody.example/v1', 'Deployment')).toBeUndefined()
    expect((await cluster.resources()).length).toBeGreaterThan(10)
    expect(await cluster.version()).toMatch(/^v1\.\d+/)
    expect(cluster.server).toMatch(/^https:\/\/[\w.]+:\d+$/)
  })

  it('tells absent from a kind that is not served', async () => {
    expect(await cluster.get(ref('nobody'))).toBeUndefined()
    expect(await refusal(cluster.get({ ...ref('nobody'), apiVersion: 'nobody.example/v1' }))).toBe('UnknownKind')
    expect(await refusal(cluster.list({ apiVersion: 'nobody.example/v1', kind: 'Thing' }))).toBe('UnknownKind')
  })

  it('creates, and refuses to create twice', async () => {
    const made = await cluster.create(configMap('created', { a: '1' }))
    expect(made.metadata.uid).toBeTruthy()
    expect(await cluster.get(ref('created'))).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { a: '1' } })
    expect(await refusal(cluster.create(configMap('created', { a: '2' })))).toBe('OtherWriter')
  })

  it('replaces the version that was read and no other', async () => {
    const made = await cluster.create(configMap('replaced', { a: '1', b: '1' }))
    const second = await cluster.replace({ ...made, data: { a: '2' } })
    expect(second.data).toEqual({ a: '2' })
    expect(versionOf(second)).not.toBe(versionOf(made))
    expect(await refusal(cluster.replace({ ...made, data: { a: '3' } }))).toBe('OtherWriter')
    expect(await refusal(cluster.replace(configMap('never-made', {})))).toBe('OtherWriter')
  })

  it('applies, and again without writing', async () => {
    const first = await cluster.apply(configMap('applied', { a: '1' }), { force: true })
    expect(first).toMatchObject({ created: true, overruled: [], object: { data: { a: '1' } } })
    expect(first.object.metadata.managedFields).toMatchObject([{ manager: 'capstan', operation: 'Apply' }])
    const second = await cluster.apply(configMap('applied', { a: '1' }), { force: true })
    expect(second.created).toBe(false)
    expect(versionOf(second.object)).toBe(versionOf(first.object))
  })

  it('removes a field that is no longer applied', async () => {
    await cluster.apply(configMap('shrunk', { a: '1', b: '1' }), { force: true })
    const { object } = await cluster.apply(configMap('shrunk', { a: '1' }), { force: true })
    expect(object.data).toEqual({ a: '1' })
  })

  it('keeps a field that another manager applied, too', async () => {
    await cluster.apply(configMap('shared', { a: '1', b: '1' }), { force: true })
    await cluster.apply(configMap('shared', { b: '1' }), { force: true, fieldManager: 'other' })
    const { object } = await cluster.apply(configMap('shared', { a: '1' }), { force: true })
    expect(object.data).toEqual({ a: '1', b: '1' })
  })

  it('names the managers that own a field, and overrules them only with force', async () => {
    await cluster.apply(configMap('contested', { a: '1', b: '1' }), { force: true, fieldManager: 'other' })
    expect(await refusal(cluster.apply(configMap('contested', { a: '2' }), { force: false }))).toBe('FieldConflict')
    expect((await cluster.get(ref('contested')))?.data).toEqual({ a: '1', b: '1' })
    const forced = await cluster.apply(configMap('contested', { a: '2' }), { force: true })
    expect(forced.overruled).toEqual(['other: .data.a'])
    expect(forced.object.data).toEqual({ a: '2', b: '1' })
    expect(await cluster.apply(configMap('contested', { a: '2' }), { force: true })).toMatchObject({ overruled: [] })
  })

  it('sees a field that another manager changed by an update as contested', async () => {
    await cluster.apply(configMap('updated', { a: '1' }), { force: true })
    await cluster.patch(ref('updated'), { data: { a: 'theirs' } })
    const { overruled, object } = await cluster.apply(configMap('updated', { a: '1' }), { force: true })
    expect(overruled).toEqual(['capstan: .data.a'])
    expect(object.data).toEqual({ a: '1' })
  })

  it('sets a field that is left alone once, and lets it go', async () => {
    const options: ApplyOptions = { force: true, leaveAlone: [[{ key: 'data' }, { key: 'a' }]] }
    const made = await cluster.apply(configMap('left', { a: '1', b: '1' }), options)
    expect(made).toMatchObject({ created: true, object: { data: { a: '1', b: '1' } } })
    await cluster.patch(ref('left'), { data: { a: 'theirs' } })
    const { object, overruled } = await cluster.apply(configMap('left', { a: '2', b: '2' }), options)
    expect([object.data, overruled]).toEqual([{ a: 'theirs', b: '2' }, []])
    expect(ownedHash(object)).toBe(ownedHash(made.object))
  })

  it('yields to others where it is told to, and names them', async () => {
    await cluster.apply(configMap('yielding', { a: '1', b: '1' }), { force: true, fieldManager: 'other' })
    const wanted = configMap('yielding', { a: '2', b: '1', c: '1' })
    const { object, yielded, overruled } = await cluster.apply(wanted, { force: true, yieldTo: 'everybody' })
    expect([object.data, yielded, overruled]).toEqual([{ a: '1', b: '1', c: '1' }, ['other: .data.a'], []])
  })

  it('takes nothing over where kubectl has applied nothing', async () => {
    await cluster.apply(configMap('untaken', { a: '1' }), { force: true })
    expect(await cluster.takeOver(ref('untaken'))).toBe('nothing')
    expect(await cluster.takeOver(ref('nobody'))).toBe('nothing')
  })

  it('makes an object again, of the uid that it was told and no other', async () => {
    const { object } = await cluster.apply(configMap('remade', { a: '1' }), { force: true })
    const { uid = '' } = object.metadata
    expect(await refusal(cluster.recreate(configMap('remade', { a: '2' }), 'another', { force: true }))).toBe(
      'OtherWriter',
    )
    const remade = await cluster.recreate(configMap('remade', { a: '2' }), uid, { force: true })
    expect(remade).toMatchObject({ created: true, object: { data: { a: '2' } } })
    expect(remade.object.metadata.uid).not.toBe(uid)
  })

  it('changes nothing in a dry run', async () => {
    const tried = await cluster.apply(configMap('tried', { a: '1' }), { force: true, dryRun: true })
    expect(tried.object.data).toEqual({ a: '1' })
    expect(await cluster.get(ref('tried'))).toBeUndefined()
  })

  it('refuses what lies in a namespace that is not there, or in none', async () => {
    const object = configMap('lost', {})
    object.metadata.namespace = uniqueName()
    expect(await refusal(cluster.apply(object, { force: true }))).toBe('ApplyRefused')
    expect(await refusal(cluster.create(object))).toBe('ApplyRefused')
    delete object.metadata.namespace
    expect(await refusal(cluster.apply(object, { force: true }))).toBe('ApplyRefused')
  })

  it('patches by merging; null removes', async () => {
    await cluster.create(configMap('patched', { a: '1', b: '1' }))
    const patched = await cluster.patch(ref('patched'), { data: { a: null, c: '1' } })
    expect(patched.data).toEqual({ b: '1', c: '1' })
    expect(await refusal(cluster.patch(ref('patched'), { metadata: { resourceVersion: '1' } }))).toBe('OtherWriter')
    expect(await refusal(cluster.patch(ref('nobody'), { data: {} }))).toBe('OtherWriter')
  })

  it('writes a status by its subresource alone', async () => {
    const pod: KubeObject = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'claim', namespace },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'none' },
    }
    await cluster.create(pod)
    const claim = { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name: 'claim' }
    await cluster.patch(claim, { status: { phase: 'Lost' } })
    expect((await cluster.get(claim))?.status).not.toMatchObject({ phase: 'Lost' })
    await cluster.patch(claim, { status: { phase: 'Lost' } }, { subresource: 'status' })
    expect((await cluster.get(claim))?.status).toMatchObject({ phase: 'Lost' })
    const again = await cluster.apply(pod, { force: true })
    expect(again.object.status).toMatchObject({ phase: 'Lost' })
  })

  it('deletes under preconditions', async () => {
    const made = await cluster.create(configMap('deleted', {}))
    const { uid = '', resourceVersion = '' } = made.metadata
    expect(await refusal(cluster.delete(ref('deleted'), { uid: 'somebody-else' }))).toBe('OtherWriter')
    expect(await refusal(cluster.delete(ref('deleted'), { uid, resourceVersion: '1' }))).toBe('OtherWriter')
    expect(await cluster.delete(ref('deleted'), { uid, resourceVersion })).toBe('deleted')
    expect(await cluster.delete(ref('deleted'), {})).toBe('absent')
    expect(await cluster.get(ref('deleted'))).toBeUndefined()
  })

  it('deletes only when the last finalizer is gone', async () => {
    const object = configMap('finalized', {})
    object.metadata.finalizers = ['capstan.dev/test']
    await cluster.create(object)
    expect(await cluster.delete(ref('finalized'), {})).toBe('deleted')
    expect((await cluster.get(ref('finalized')))?.metadata.deletionTimestamp).toBeTruthy()
    await cluster.patch(ref('finalized'), { metadata: { finalizers: null } })
    expect(await cluster.get(ref('finalized'))).toBeUndefined()
  })

  it('lists by label, complete with apiVersion and kind', async () => {
    await cluster.create(configMap('listed-a', { a: '1' }, { team: 'red', tier: 'web' }))
    await cluster.create(configMap('listed-b', {}, { team: 'blue' }))
    const query = { apiVersion: 'v1', kind: 'ConfigMap', namespace }
    async function names(labelSelector: string): Promise<string[]> {
      return (await cluster.list({ ...query, labelSelector })).map(({ metadata }) => metadata.name)
    }
    expect(await names('team=red')).toEqual(['listed-a'])
    expect(await names('team')).toEqual(['listed-a', 'listed-b'])
    expect(await names('team in (red, blue),tier!=web')).toEqual(['listed-b'])
    expect(await names('team,!tier')).toEqual(['listed-b'])
    expect(await cluster.list({ ...query, labelSelector: 'team=red' })).toMatchObject([
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'listed-a' }, data: { a: '1' } },
    ])
    expect(await cluster.list({ ...query, fieldSelector: 'metadata.name=listed-b' })).toHaveLength(1)
  })

  it('gives what the cache of the API server has, when that is enough', async () => {
    await cluster.create(configMap('cached', { a: '1' }))
    const find = async () => await cluster.get(ref('cached'), { mayBeOld: true })
    await until('the cache has it', async () => (await find()) !== undefined)
    expect(await find()).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'cached' }, data: { a: '1' } })
    expect(await cluster.get(ref('never-made'), { mayBeOld: true })).toBeUndefined()
  })

  it('gives metadata alone when asked', async () => {
    await cluster.create(configMap('light', { a: '1' }, { light: 'yes' }))
    const got = await cluster.get(ref('light'), { metadataOnly: true })
    expect(got).toMatchObject({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'light', labels: { light: 'yes' } },
    })
    expect(got).not.toHaveProperty('data')
    const query = { apiVersion: 'v1', kind: 'ConfigMap', namespace, labelSelector: 'light', metadataOnly: true }
    const [listed] = await cluster.list(query)
    expect(listed).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'light' } })
    expect(listed).not.toHaveProperty('data')
  })

  it.each([false, true])(
    'watches: the list, then each change and deletion (metadata only: %s)',
    async (metadataOnly) => {
      const label = `watched-${metadataOnly}`
      const events: WatchEvent[] = []
      await cluster.create(configMap(`${label}-a`, { a: '1' }, { [label]: 'yes' }))
      const query = { apiVersion: 'v1', kind: 'ConfigMap', namespace, labelSelector: label, metadataOnly }
      const watch = cluster.watch(query, (event) => events.push(event))
      await watch.synced
      expect(events).toMatchObject([
        { type: 'replaced', items: [{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${label}-a` } }] },
      ])
      await cluster.create(configMap(`${label}-b`, { b: '1' }, { [label]: 'yes' }))
      await cluster.create(configMap(`${label}-not`, {}))
      await cluster.patch(ref(`${label}-b`), { data: { b: '2' } })
      await cluster.patch(ref(`${label}-a`), { metadata: { labels: { [label]: null } } })
      await cluster.delete(ref(`${label}-b`), {})
      await until('five events', () => events.length >= 5)
      watch.stop()
      expect(events.slice(1)).toMatchObject([
        { type: 'changed', object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${label}-b` } } },
        { type: 'changed', object: { metadata: { name: `${label}-b` } } },
        { type: 'deleted', object: { metadata: { name: `${label}-a` } } },
        { type: 'deleted', object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `${label}-b` } } },
      ])
      const changed = events[2]
      if (metadataOnly) expect(changed).not.toHaveProperty('object.data')
      else expect(changed).toHaveProperty('object.data', { b: '2' })
      await cluster.create(configMap(`${label}-after`, {}, { [label]: 'yes' }))
      expect(events).toHaveLength(5)
    },
  )

  it('watches a kind from the moment its definition is installed', async () => {
    const group = `${uniqueName()}.example.com`
    const kind = { apiVersion: `${group}/v1`, kind: 'Thing' }
    const definition: KubeObject = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `things.${group}` },
      spec: {
        group,
        scope: 'Namespaced',
        names: { kind: 'Thing', plural: 'things' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
          },
        ],
      },
    }
    const events: WatchEvent[] = []
    const watch = cluster.watch(kind, (event) => events.push(event))
    expect(await cluster.resource(kind.apiVersion, kind.kind)).toBeUndefined()
    await cluster.apply(definition, { force: true })
    await watch.synced
    const { object } = await cluster.apply(
      { ...kind, metadata: { name: 'x', namespace }, spec: { a: 1 } },
      { force: true },
    )
    expect(object).toMatchObject({ ...kind, metadata: { generation: 1 } })
    // the API server may end the first watches of a definition that it has just taken up, or the last: then a list tells the change
    const isHeld = () => {
      const held = new Set<string>()
      for (const event of events) {
        if (event.type === 'replaced') {
          held.clear()
          for (const { metadata } of event.items) held.add(metadata.name)
        } else if (event.type === 'changed') held.add(event.object.metadata.name)
        else held.delete(event.object.metadata.name)
      }
      return held.has('x')
    }
    await until('the new object is told', isHeld)
    await cluster.delete(
      { apiVersion: definition.apiVersion, kind: definition.kind, name: definition.metadata.name },
      {},
    )
    await until('its objects go with the definition', () => !isHeld())
    await until('the kind is unknown again', async () => {
      cluster.forgetDiscovery()
      return !(await cluster.resource(kind.apiVersion, kind.kind))
    })
    watch.stop()
  })

  it('takes the signal of its caller', async () => {
    const stop = new Error('stopped')
    const aborted = AbortSignal.abort(stop)
    await expect(cluster.get(ref('x'), { signal: aborted })).rejects.toBe(stop)
    await expect(cluster.list({ apiVersion: 'v1', kind: 'ConfigMap' }, aborted)).rejects.toBe(stop)
    await expect(cluster.apply(configMap('x', {}), { force: true }, aborted)).rejects.toBe(stop)
  })

  it('ends a watch that was stopped before its first list', async () => {
    const watch = cluster.watch({ apiVersion: 'nobody.example/v1', kind: 'Thing' }, () => {})
    watch.stop()
    await expect(watch.synced).rejects.toBeInstanceOf(AppError)
  })
})
