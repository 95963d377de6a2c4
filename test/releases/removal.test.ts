import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resync } from '../../src/jobs/resync.ts'
import { createAccount } from './account.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

const refused = 'apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 700000}]}\n'

describe('what is removed, and what never is, with the real helm on the real API server', () => {
  let bench: ReleaseBench

  beforeAll(async () => {
    bench = await createReleaseBench()
    await bench.publish('1.0.0', { 'config.yaml': template })
    await bench.publish('2.0.0', { 'config.yaml': template, 'service.yaml': refused })
  })

  afterAll(async () => {
    await bench.close()
  })

  const chart = (version: string) => ({ repository: bench.charts.url, name: 'demo', version })
  const releases = async () => (await bench.helm('list', '-a', '-q')).split('\n')
  const config = (name: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    namespace: bench.namespace,
    name: `${name}-config`,
  })
  const object = (name: string) => ({
    apiVersion: 'helm.fluxcd.io/v1',
    kind: 'HelmRelease',
    namespace: bench.namespace,
    name,
  })
  const keep = { 'capstan.dev/failed-install': 'keep' }

  it('keeps a failed first install where that is asked for, and upgrades over it', async () => {
    await bench.put('kept', { releaseName: 'kept', chart: chart('2.0.0') })
    await bench.annotate('kept', keep)
    expect(await bench.sync('kept')).toMatchObject({ end: 'again' })
    expect(bench.helmRuns()).toEqual(['install'])
    expect(await releases()).toContain('kept')
    expect(await bench.cluster.get(config('kept'))).toBeDefined()
    await bench.put('kept', { releaseName: 'kept', chart: chart('1.0.0') })
    expect(await bench.sync('kept')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual(['upgrade'])
  })

  it('takes nothing along that a failed install did not make', async () => {
    await bench.put('mixed', { releaseName: 'mixed', chart: chart('2.0.0') })
    await bench.annotate('mixed', keep)
    await bench.sync('mixed')
    await bench.cluster.delete(config('mixed'), {})
    const { apiVersion, kind, ...metadata } = config('mixed')
    await bench.cluster.create({ apiVersion, kind, metadata, data: { made: 'by hand' } })
    await bench.annotate('mixed', { 'capstan.dev/failed-install': 'remove' })
    bench.helmRuns()
    expect(await bench.sync('mixed')).toMatchObject({ end: 'again' })
    expect(bench.helmRuns()).not.toContain('uninstall')
    expect(await releases()).not.toContain('mixed')
    expect((await bench.cluster.get(config('mixed')))?.data).toEqual({ made: 'by hand' })
  })

  it('does not uninstall a release whose object belongs to another one by now', async () => {
    await bench.put('lender', { releaseName: 'lender', chart: chart('1.0.0') })
    await bench.sync('lender')
    const annotations = { 'meta.helm.sh/release-name': 'borrower' }
    await bench.cluster.patch(config('lender'), { metadata: { annotations } })
    await bench.cluster.delete(object('lender'), {})
    expect(await bench.sync('lender')).toMatchObject({
      end: 'done',
      summary: expect.stringContaining(`belongs to release ${bench.namespace}/borrower`) as string,
    })
    expect(await bench.get('lender')).toBeUndefined()
    expect(await bench.cluster.get(config('lender'))).toBeDefined()
  })

  it('does not uninstall what a refused HelmRelease asked for (the Operator did)', async () => {
    await bench.put('owner', { releaseName: 'owned', chart: chart('1.0.0') })
    await bench.sync('owner')
    await bench.put('thief', { releaseName: 'owned', chart: chart('1.0.0') })
    await bench.sync('thief')
    await bench.cluster.delete(object('thief'), {})
    await bench.sync('thief')
    expect(await bench.get('thief')).toBeUndefined()
    expect(await bench.cluster.get(config('owned'))).toBeDefined()
    expect(await releases()).toContain('owned')
  })

  describe('does not wait for ever', () => {
    const told = async (name: string) => {
      const query = { apiVersion: 'v1', kind: 'Event', namespace: bench.namespace }
      const events = (await bench.cluster.list(query)) as { involvedObject?: { name: string }; message?: string }[]
      return events.filter(({ involvedObject }) => involvedObject?.name === name).map(({ message }) => message)
    }
    const binding = (namespace: string) => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      namespace,
      name: 'going',
    })

    it('where the rights of its account are gone: the release stays', async () => {
      await createAccount(bench.cluster, 'going', [bench.namespace])
      await bench.put('powerless', {
        releaseName: 'powerless',
        chart: chart('1.0.0'),
        serviceAccountName: 'going',
      })
      expect(await bench.sync('powerless')).toMatchObject({ end: 'done' })
      await bench.cluster.delete(binding(bench.namespace), {})
      await bench.cluster.delete(object('powerless'), {})
      const summary = expect.stringMatching(/^release powerless is left as it is: .*forbidden/i) as string
      expect(await bench.sync('powerless')).toMatchObject({ end: 'done', summary })
      expect(await bench.get('powerless')).toBeUndefined()
      expect(await bench.cluster.get(config('powerless'))).toBeDefined()
      expect(await told('powerless')).toContainEqual(summary)
    })

    it('where the target namespace goes, and took the rights of the account first', async () => {
      const target = `${bench.namespace}-going`
      await bench.cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: target } })
      await createAccount(bench.cluster, 'mover', [bench.namespace, target])
      await bench.put('mover', {
        releaseName: 'mover',
        targetNamespace: target,
        chart: chart('1.0.0'),
        serviceAccountName: 'mover',
      })
      expect(await bench.sync('mover')).toMatchObject({ end: 'done' })
      await bench.cluster.delete({ ...binding(target), name: 'mover' }, {})
      await bench.cluster.delete({ apiVersion: 'v1', kind: 'Namespace', name: target }, {})
      await bench.cluster.delete(object('mover'), {})
      const summary = `release mover is left as it is: namespace ${target} is going`
      expect(await bench.sync('mover')).toMatchObject({ end: 'done', summary })
      expect(await bench.get('mover')).toBeUndefined()
      expect(await told('mover')).toContain(summary)
    })

    it.each([
      ['misnamed', { releaseName: 'a/b' }, /"a\/b" is no release name/],
      ['misplaced', { releaseName: 'misplaced', targetNamespace: 'a/b' }, /"a\/b" is no namespace/],
    ])('where it got a name that is none: %s', async (name, edit, why) => {
      await bench.put(name, { releaseName: name, chart: chart('1.0.0') })
      expect(await bench.sync(name)).toMatchObject({ end: 'done' })
      await bench.put(name, { chart: chart('1.0.0'), ...edit })
      expect(await bench.sync(name)).toMatchObject({ end: 'again' })
      await bench.cluster.delete(object(name), {})
      const summary = expect.stringMatching(why) as string
      expect(await bench.sync(name)).toMatchObject({ end: 'done', summary })
      expect(await bench.get(name)).toBeUndefined()
      expect(await bench.cluster.get(config(name))).toBeDefined()
      expect(await told(name)).toContainEqual(summary)
    })
  })

  it('uninstalls without a finalizer what was deleted, seen or not, and leaves what was suspended', async () => {
    bench.useFinalizer(false)
    for (const name of ['seen', 'paused']) {
      await bench.put(name, { releaseName: name, chart: chart('1.0.0') })
      await bench.sync(name)
      expect((await bench.get(name))?.metadata.finalizers).toBeUndefined()
    }
    await bench.suspend('paused')
    await bench.sync('paused')
    for (const name of ['seen', 'paused']) await bench.cluster.delete(object(name), {})
    const found: string[] = []
    await resync(
      { kind: 'resync', namespace: '', name: 'releases', reason: 'start', requestedAt: '' },
      {
        sources: { list: () => [], get: () => undefined, remote: async () => ({ url: '' }) },
        cluster: bench.cluster,
        enqueue: async ({ name }) => {
          found.push(name)
          return { jobId: name }
        },
        scans: async () => [],
        releaseNamespace: bench.namespace,
        findOrphans: true,
        scanSpreadMs: 0,
        random: () => 0.5,
      },
      AbortSignal.timeout(30_000),
    )
    expect(found).toEqual(expect.arrayContaining(['seen', 'paused']))
    await bench.sync('seen')
    expect(await bench.sync('paused')).toMatchObject({ summary: expect.stringContaining('suspended') as string })
    bench.useFinalizer(true)
    expect(await releases()).not.toContain('seen')
    expect(await releases()).toContain('paused')
  })
})
