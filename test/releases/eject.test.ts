import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { createFence } from '../../src/adapters/cluster/index.ts'
import { eject } from '../../src/jobs/eject.ts'
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

  const run = () =>
    eject(
      {
        cluster: bench.cluster,
        namespace: bench.namespace,
        releaseNamespace: bench.namespace,
        pause: async (ms, signal) => await sleep(ms, undefined, { signal }),
        now: () => performance.now(),
        tell: (line) => lines.push(line),
      },
      AbortSignal.timeout(60_000),
    )
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
})
