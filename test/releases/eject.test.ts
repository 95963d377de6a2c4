import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { type Cluster, createFence } from '../../src/adapters/cluster/index.ts'
import { AppError } from '../../src/domain/error.ts'
import { recordLabels } from '../../src/domain/release/record.ts'
import { eject } from '../../src/jobs/eject.ts'
import { refuseElsewhere } from '../../src/jobs/running-capstan.ts'
import { makeNamespace, removeNamespace } from '../cluster/world.ts'
import { silent } from '../sync/workbench.ts'
import { definitionRef } from './own-group.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

describe('capstan eject', () => {
  let bench: ReleaseBench
  const lines: string[] = []

  beforeAll(async () => {
    bench = await createReleaseBench()
    await bench.publish('1.0.0', { 'config.yaml': template })
    for (const name of ['one', 'two']) {
      await bench.put(name, {
        releaseName: name,
        chart: { repository: bench.charts.url, name: 'demo', version: '1.0.0' },
      })
      await bench.sync(name)
    }
  })

  afterAll(async () => {
    await bench.close()
  })

  const deps = (cluster = bench.cluster) => ({
    cluster,
    namespace: bench.namespace,
    releaseNamespace: bench.namespace,
    pause: async (ms: number, signal: AbortSignal) => await sleep(ms, undefined, { signal }),
    now: () => performance.now(),
    tell: (line: string) => lines.push(line),
  })
  const run = (cluster?: Cluster) => eject(deps(cluster), AbortSignal.timeout(240_000))
  const ref = (name: string) => ({
    apiVersion: 'helm.fluxcd.io/v1',
    kind: 'HelmRelease',
    namespace: bench.namespace,
    name,
  })
  const record = (name: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    namespace: bench.namespace,
    name: `capstan-release-${name}`,
  })
  const recordOf = async (name: string) =>
    ((await bench.cluster.get(record(name)))?.data as Record<string, string> | undefined)?.['record.json'] ?? ''

  it('stops Capstan, waits until it has ended, and takes off what would hold or uninstall a release', async () => {
    const { cluster, namespace } = bench
    const labels = { 'app.kubernetes.io/name': 'capstan' }
    const containers = [{ name: 'a', image: 'none' }]
    await cluster.create({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'capstan', namespace, labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
      },
    })
    const fence = await createFence({ cluster, namespace, identity: randomBytes(4).toString('hex'), log: silent })
    const intent = { verb: 'upgrade', revision: 2, epoch: fence.epoch, at: '', inputs: 'x' }
    const text = JSON.stringify({ ...JSON.parse(await recordOf('two')), intent })
    await cluster.patch(record('two'), { data: { 'record.json': text } })
    let isOver = false
    const ejecting = run().then((done) => {
      isOver = true
      return done
    })
    await until('it is scaled down', async () => lines.includes(`Deployment ${namespace}/capstan is scaled to 0`))
    expect(isOver).toBe(false)
    expect((await bench.get('one'))?.metadata.finalizers).toEqual(['capstan.dev/release'])
    await fence.stop()
    expect(await ejecting).toEqual({ finalizers: 2, intents: 1 })
    expect((await bench.get('one'))?.metadata.finalizers).toBeUndefined()
    expect(JSON.parse(await recordOf('two'))).not.toHaveProperty('intent')
    expect(await run()).toEqual({ finalizers: 0, intents: 0 })
  })

  it('forgets the intents of releases in other namespaces, and leaves those of HelmReleases that are not meant', async () => {
    const { cluster, namespace } = bench
    const target = await makeNamespace(cluster)
    try {
      const chart = { repository: bench.charts.url, name: 'demo', version: '1.0.0' }
      await bench.put('away', { releaseName: 'away', targetNamespace: target, chart })
      await bench.sync('away')
      const intent = { verb: 'upgrade', revision: 2, epoch: 'e', at: '', inputs: 'x' }
      const away = { ...record('away'), namespace: target }
      const stranger = { ...away, name: 'capstan-release-stranger' }
      const textOf = async (ref: typeof away) =>
        ((await cluster.get(ref))?.data as Record<string, string> | undefined)?.['record.json'] ?? ''
      const kept = JSON.parse(await textOf(away)) as { owner: object }
      const hasIntent = async (ref: typeof away) => 'intent' in (JSON.parse(await textOf(ref)) as object)
      const about = async () => {
        await cluster.patch(away, { data: { 'record.json': JSON.stringify({ ...kept, intent }) } })
        return await hasIntent(away)
      }
      const { apiVersion, kind, name } = stranger
      const foreign = { ...kept, owner: { ...kept.owner, namespace: 'elsewhere' }, intent }
      await cluster.create({
        apiVersion,
        kind,
        metadata: { name, namespace: target, labels: recordLabels },
        data: { 'record.json': JSON.stringify(foreign) },
      })
      // who may not list all namespaces finds them by the HelmReleases
      const bound: Cluster = {
        ...cluster,
        list: async (query, signal) => {
          if (query.kind === 'ConfigMap' && !query.namespace) throw new AppError('Forbidden', 'no')
          return await cluster.list(query, signal)
        },
      }
      for (const rights of [cluster, bound]) {
        expect(await about()).toBe(true)
        expect((await run(rights)).intents).toBe(1)
        expect(await hasIntent(away)).toBe(false)
        expect(await hasIntent(stranger)).toBe(true)
      }
      await cluster.delete(ref('away'), {})
      await until('it is gone', async () => (await cluster.get({ ...ref('away'), namespace })) === undefined)
    } finally {
      await removeNamespace(cluster, target)
    }
  })

  it('leaves every release when HelmReleases and their definition are deleted afterwards', async () => {
    await bench.cluster.delete(ref('one'), {})
    expect(await bench.get('one')).toBeUndefined()
    await bench.cluster.delete(definitionRef, {})
    await until('the definition is gone', async () => (await bench.cluster.get(definitionRef)) === undefined)
    expect((await bench.helm('list', '-q')).split('\n')).toEqual(expect.arrayContaining(['one', 'two']))
    for (const name of ['one', 'two']) {
      const config = { apiVersion: 'v1', kind: 'ConfigMap', namespace: bench.namespace, name: `${name}-config` }
      expect(await bench.cluster.get(config)).toBeDefined()
    }
  })

  describe('where Capstan is in another namespace', () => {
    let here: string
    let other: string
    // other tests' Capstans run in this cluster too
    const looking = (releaseNamespace = '') => ({
      ...deps({
        ...bench.cluster,
        list: async (query, signal) =>
          (await bench.cluster.list(query, signal)).filter(
            ({ metadata: { namespace = '' } }) => namespace === here || namespace === other,
          ),
      }),
      namespace: here,
      releaseNamespace,
    })
    const look = async (releaseNamespace?: string) =>
      await refuseElsewhere(looking(releaseNamespace), AbortSignal.timeout(240_000))
    const deploy = async (namespace: string, args: string[]) => {
      const labels = { 'app.kubernetes.io/name': 'capstan' }
      const containers = [{ name: 'a', image: 'none', args }]
      const spec = {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers } },
      }
      await bench.cluster.create({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'flow', namespace, labels },
        spec,
      })
    }

    beforeEach(async () => {
      here = await makeNamespace(bench.cluster)
      other = await makeNamespace(bench.cluster)
    })

    afterEach(async () => {
      for (const namespace of [here, other]) await removeNamespace(bench.cluster, namespace)
    })

    it('refuses and names the namespace of a Deployment', async () => {
      await expect(look()).resolves.toBeUndefined()
      await deploy(other, [])
      await expect(look()).rejects.toMatchObject({
        reason: 'OtherWriter',
        message: expect.stringContaining(`--namespace ${other}`),
      })
      await deploy(here, [])
      await expect(look()).resolves.toBeUndefined()
    })

    it('lets one alone that works on HelmReleases of another namespace', async () => {
      await deploy(other, ['run', '--allow-namespace=theirs'])
      await expect(look('ours')).resolves.toBeUndefined()
      await expect(look('theirs')).rejects.toMatchObject({ reason: 'OtherWriter' })
      await expect(look()).rejects.toMatchObject({ reason: 'OtherWriter' })
    })

    it('refuses beside a process that has a Lease alone, and lets a dead one be', async () => {
      const { cluster } = bench
      const fence = await createFence({
        cluster,
        namespace: other,
        identity: randomBytes(4).toString('hex'),
        log: silent,
      })
      await expect(look()).rejects.toMatchObject({
        reason: 'OtherWriter',
        message: expect.stringContaining('Lease capstan-'),
      })
      const lease = (await cluster.list({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: other }))[0]
      await fence.stop()
      const { uid: _uid, resourceVersion: _version, ...metadata } = lease?.metadata ?? { name: '' }
      await cluster.create({ apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec: lease?.spec ?? {} })
      await expect(look()).resolves.toBeUndefined()
    })

    it('tells who may not look elsewhere', async () => {
      const bound = looking()
      const narrow: Pick<Cluster, 'list'> = {
        list: async (query, signal) => {
          if (!query.namespace) throw new AppError('Forbidden', 'no')
          return await bound.cluster.list(query, signal)
        },
      }
      await refuseElsewhere({ ...bound, cluster: narrow }, AbortSignal.timeout(240_000))
      expect(lines.at(-1)).toContain('you may not look for it elsewhere')
    })
  })
})
