import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { definitionName } from '../../src/domain/release/definition.ts'
import { type OwnChartWorld, startOwnChartWorld } from './own-chart-world.ts'
import { kind } from './world.ts'

describe('Capstan whose own chart is a HelmRelease (ruling 23d)', () => {
  let world: OwnChartWorld
  let values: Record<string, unknown>
  const versions = ['0.9.1', '0.9.2', '0.9.3', '0.9.4', '0.9.5'] as const
  const [first, second] = versions
  const definitionRef = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    name: definitionName,
  }

  beforeAll(async () => {
    world = await startOwnChartWorld()
    // the cluster is shared: HelmReleases of other tests are not ours
    values = { ...world.values, allowNamespace: world.namespace, enable: ['releases'] }
    for (const version of versions) await world.publish(version)
    await world.install(first, values)
  })

  afterAll(async () => {
    await world.stop()
  })

  const want = async (version: string) =>
    await world.put('capstan', {
      releaseName: 'capstan',
      chart: world.chart(version),
      values,
      wait: true,
      timeout: 600,
    })
  const record = async () => {
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: world.namespace, name: 'capstan-release-capstan' }
    const data = (await world.cluster.get(ref))?.data as Record<string, string> | undefined
    return JSON.parse(data?.['record.json'] ?? '{}') as Record<string, unknown>
  }
  const definition = async () => (await world.cluster.get(definitionRef))?.metadata.uid
  const images = async () => {
    const ref = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: world.namespace, name: 'capstan' }
    const { spec } = (await world.cluster.get(ref)) as unknown as {
      spec: { template: { spec: { containers: { image: string }[] } } }
    }
    return spec.template.spec.containers.map(({ image }) => image.split(':').at(-1))
  }
  /** Deployed as this version, with nothing that is still to be done. */
  const isDeployed = async (version: string) => {
    await world.released('capstan')
    expect(await images()).toEqual([version])
    expect((await world.revisions('capstan')).at(-1)).toBe('deployed')
    expect((await world.revisions('capstan')).filter((state) => state.startsWith('pending'))).toEqual([])
    expect(await record()).not.toHaveProperty('intent')
    expect(await record()).not.toHaveProperty('applied.readyDue')
  }

  it('takes over what a person installed, without a revision and without another process', async () => {
    await want(first)
    await isDeployed(first)
    expect(await world.revisions('capstan')).toEqual(['deployed'])
    expect(world.pods.processes()).toHaveLength(1)
  })

  it('upgrades itself: the next process takes what the one that goes leaves', async () => {
    const before = await definition()
    const [old] = world.pods.processes()
    await want(second)
    const now = await world.runs(second)
    await isDeployed(second)
    expect(await world.revisions('capstan')).toEqual(['superseded', 'deployed'])
    expect(old?.child).toMatchObject({ exitCode: 0 })
    expect(world.pods.processes().map(({ pod }) => pod)).toEqual([old?.pod, now.pod])
    expect(await definition()).toBe(before)
  })

  describe.each([
    { version: '0.9.3', signal: 'SIGTERM', grace: '60s', extra: 0, what: 'stopped, and helm may end' },
    { version: '0.9.4', signal: 'SIGTERM', grace: '0s', extra: 2, what: 'stopped, and helm with it' },
    { version: '0.9.5', signal: 'SIGKILL', grace: '60s', extra: 2, what: 'killed' },
  ] as const)('in the middle of its upgrade to $version', ({ version, signal, grace, extra, what }) => {
    it(`is ${what}, and the next process ends it`, async () => {
      const before = await world.revisions('capstan')
      const old = await restarted(grace)
      const struck = Promise.withResolvers<void>()
      const path = new RegExp(`/namespaces/${world.namespace}/deployments/capstan$`)
      const strike = () => {
        old.child.kill(signal)
        struck.resolve()
      }
      world.gate.atWrite(1, strike, path)
      await want(version)
      await struck.promise
      await world.runs(version)
      await isDeployed(version)
      const added = (await world.revisions('capstan')).length - before.length
      expect(added).toBeGreaterThanOrEqual(1)
      expect(added).toBeLessThanOrEqual(1 + extra)
      expect(old.child.signalCode ?? old.child.exitCode).toBe(signal === 'SIGKILL' ? 'SIGKILL' : 0)
    })
  })

  /** A process with this grace, in the place of the one that runs: its pod is deleted. */
  async function restarted(grace: string) {
    world.setGrace(grace)
    const version = (await images())[0] ?? ''
    const { pod } = await world.runs(version)
    await world.cluster.delete({ apiVersion: 'v1', kind: 'Pod', namespace: world.namespace, name: pod }, {})
    return await until('another process runs', async () => {
      const found = await world.runs(version)
      return found.pod === pod ? undefined : found
    })
  }

  const messages = async () =>
    (await world.cluster.list({ apiVersion: 'v1', kind: 'Event', namespace: world.namespace }))
      .filter(({ reason }) => reason === 'ReleaseLeft')
      .map(({ message }) => message)

  it('does not uninstall itself when its HelmRelease is deleted, which goes at once', async () => {
    const ref = { ...kind, namespace: world.namespace, name: 'capstan' }
    const { child } = await world.runs('0.9.5')
    const before = await world.revisions('capstan')
    await world.cluster.delete(ref, {})
    await until('it is gone', async () => (await world.cluster.get(ref)) === undefined)
    expect(await messages()).toContain(
      `release capstan is left as it is: Capstan itself runs from it; remove it with: helm uninstall capstan --namespace ${world.namespace}`,
    )
    expect(await world.revisions('capstan')).toEqual(before)
    expect(await world.helm('list', '--all', '--output', 'json')).toContain('"status":"deployed"')
    expect(world.pods.ejected()).toEqual([])
    expect(child.exitCode).toBeNull()
    expect((await world.runs('0.9.5')).child).toBe(child)
    await want('0.9.5')
    await isDeployed('0.9.5')
    expect(await world.revisions('capstan')).toEqual(before)
  })
})
