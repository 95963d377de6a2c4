import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { recordLabels, recordName } from '../../src/domain/release/record.ts'
import { helmReleaseKind } from '../../src/domain/release/spec.ts'
import { resync, type ResyncDeps } from '../../src/jobs/resync.ts'
import { syncRelease } from '../../src/jobs/sync-release/index.ts'
import { createAccount, untilMayWrite } from './account.ts'
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

  const own = (name: string) => `${bench.namespace}/${name}`
  /** Why the last resync asked for each. */
  const reasons = new Map<string, string>()

  /** A run of the job uninstalls the release of a HelmRelease that is gone, with the rights of this account. */
  async function removesAs(account: string, name: string): Promise<void> {
    const before = bench.arguments().length
    expect(await bench.sync(name)).toMatchObject({ end: 'done', summary: `release ${name} was uninstalled` })
    expect(bench.arguments().slice(before)).toContain(
      `--kube-as-user=system:serviceaccount:${bench.namespace}:${account}`,
    )
  }

  /** A resync reads HelmReleases from the API server's cache, which learns of a change a moment later. */
  async function cacheIsCurrent(): Promise<void> {
    const query = { ...helmReleaseKind, namespace: bench.namespace, metadataOnly: true }
    const versions = async (mayBeOld: boolean) => {
      const found = await bench.cluster.list({ ...query, mayBeOld })
      return found.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).toSorted()
    }
    await until('the cache has all changes', async () => isDeepStrictEqual(await versions(true), await versions(false)))
  }

  /** Names of the HelmReleases that a resync of `--allow-namespace` asks for. */
  async function resynced(cluster: ResyncDeps['cluster'] = bench.cluster): Promise<string[]> {
    const found: string[] = []
    await cacheIsCurrent()
    await resync(
      { kind: 'resync', namespace: '', name: 'releases', reason: 'start', requestedAt: '' },
      {
        sources: { list: () => [], get: () => undefined, remote: async () => ({ url: '' }) },
        cluster,
        enqueue: async ({ namespace, name, reason }) => {
          found.push(`${namespace}/${name}`)
          reasons.set(`${namespace}/${name}`, reason)
          return { jobId: name }
        },
        sinks: async () => [],
        scans: async () => [],
        releaseNamespace: bench.namespace,
        finalizer: bench.deps.finalizer,
        scanSpreadMs: 0,
        random: () => 0.5,
      },
      AbortSignal.timeout(30_000),
    )
    return found
  }

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
      const account = { namespace: bench.namespace, name: 'going' }
      await untilMayWrite(bench.cluster, { account, in: bench.namespace, may: false })
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
      const account = { namespace: bench.namespace, name: 'mover' }
      await untilMayWrite(bench.cluster, { account, in: target, may: false })
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

  describe('a HelmRelease that no finalizer kept yet', () => {
    /** As a process that is killed when helm has ended: nothing is noted, no finalizer put on. */
    async function cutShort(name: string, more: Record<string, unknown> = {}): Promise<void> {
      const { helm } = bench.deps
      bench.deps.helm = {
        ...helm,
        install: async (...given) => {
          await helm.install(...given)
          throw new Error('killed')
        },
      }
      await bench.put(name, { releaseName: name, chart: chart('1.0.0'), ...more })
      await expect(bench.sync(name)).rejects.toThrow('killed')
      bench.deps.helm = helm
      expect(await releases()).toContain(name)
      expect((await bench.get(name))?.metadata.finalizers).toBeUndefined()
    }

    it('and went after its first install was cut short: a resync finds its release, which is uninstalled', async () => {
      await createAccount(bench.cluster, 'cutter', [bench.namespace])
      await cutShort('cut', { serviceAccountName: 'cutter' })
      expect(await resynced()).toContain(own('cut'))
      await bench.cluster.delete(object('cut'), {})
      expect(await resynced()).toContain(own('cut'))
      await removesAs('cutter', 'cut')
      expect(await releases()).not.toContain('cut')
      expect(await resynced()).not.toContain(own('cut'))
    })

    it('and whose release could not be removed at once: it is found again', async () => {
      await cutShort('tough')
      await bench.cluster.delete(object('tough'), {})
      const { helm } = bench.deps
      const uninstall = async () => ({ ok: false, reason: 'HelmFailed', message: 'not now' }) as const
      bench.deps.helm = { ...helm, uninstall }
      await expect(bench.sync('tough')).rejects.toThrow('not now')
      bench.deps.helm = helm
      expect(await resynced()).toContain(own('tough'))
      expect(await bench.sync('tough')).toMatchObject({ summary: 'release tough was uninstalled' })
      expect(await releases()).not.toContain('tough')
    })

    it('is kept before the record says that its first install is over', async () => {
      const { cluster } = bench.deps
      const replace: typeof cluster.replace = async (sent, ...rest) => {
        if (sent.kind === 'ConfigMap') throw new Error('killed')
        return await cluster.replace(sent, ...rest)
      }
      bench.deps.cluster = { ...cluster, replace }
      await bench.put('early', { releaseName: 'early', chart: chart('1.0.0') })
      await expect(bench.sync('early')).rejects.toThrow('killed')
      bench.deps.cluster = cluster
      expect((await bench.get('early'))?.metadata.finalizers).toEqual(['capstan.dev/release'])
      expect(await bench.sync('early')).toMatchObject({ end: 'done' })
    })

    it('and was made again for another release: the one that was cut short is uninstalled, and this one installed', async () => {
      await cutShort('twin')
      await bench.cluster.delete(object('twin'), {})
      await bench.put('twin', { releaseName: 'twin-two', chart: chart('1.0.0') })
      await resynced()
      expect(await bench.sync('twin', { reason: reasons.get(own('twin')) ?? '' })).toMatchObject({ end: 'done' })
      expect(await releases()).not.toContain('twin')
      expect(await releases()).toContain('twin-two')
    })

    it('and stayed: the next run goes on and keeps it', async () => {
      await cutShort('stayed')
      expect(await bench.sync('stayed')).toMatchObject({ end: 'done' })
      expect((await bench.get('stayed'))?.metadata.finalizers).toEqual(['capstan.dev/release'])
    })

    it('because somebody took it off later: the release stays', async () => {
      await bench.put('stripped', { releaseName: 'stripped', chart: chart('1.0.0') })
      await bench.sync('stripped')
      await bench.cluster.patch(object('stripped'), { metadata: { finalizers: [] } })
      await bench.cluster.delete(object('stripped'), {})
      expect(await resynced()).not.toContain(own('stripped'))
      expect(await bench.sync('stripped')).toMatchObject({ end: 'done' })
      expect(await releases()).toContain('stripped')
    })
  })

  describe('without a finalizer', () => {
    const foreign = () => `${bench.namespace}-other`

    beforeAll(async () => {
      await bench.cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: foreign() } })
      await createAccount(bench.cluster, 'abroad', [bench.namespace, foreign()])
    })

    beforeEach(() => {
      bench.useFinalizer(false)
      bench.deps.areTenants = false
    })

    afterAll(async () => {
      bench.useFinalizer(true)
      await bench.cluster.delete({ apiVersion: 'v1', kind: 'Namespace', name: foreign() }, {})
    })

    async function deployed(name: string, more: Record<string, unknown> = {}): Promise<void> {
      await bench.put(name, { releaseName: name, chart: chart('1.0.0'), ...more })
      expect(await bench.sync(name)).toMatchObject({ end: 'done' })
    }

    it('uninstalls what was deleted, seen or not, and leaves what was suspended', async () => {
      for (const name of ['seen', 'paused']) {
        await deployed(name)
        expect((await bench.get(name))?.metadata.finalizers).toBeUndefined()
      }
      await bench.suspend('paused')
      await bench.sync('paused')
      for (const name of ['seen', 'paused']) await bench.cluster.delete(object(name), {})
      expect(await resynced()).toEqual(expect.arrayContaining([own('seen'), own('paused')]))
      await bench.sync('seen')
      expect(await bench.sync('paused')).toMatchObject({ summary: expect.stringContaining('suspended') as string })
      expect(await releases()).not.toContain('seen')
      expect(await releases()).toContain('paused')
    })

    it('finds what went to another namespace, and uninstalls it with the rights of its account', async () => {
      await deployed('abroad', { targetNamespace: foreign(), serviceAccountName: 'abroad' })
      const there = { ...config('abroad'), namespace: foreign() }
      expect(await bench.cluster.get(there)).toBeDefined()
      await bench.cluster.delete(object('abroad'), {})
      expect(await resynced()).toContain(own('abroad'))
      await removesAs('abroad', 'abroad')
      expect(await bench.cluster.get(there)).toBeUndefined()
      expect(await resynced()).not.toContain(own('abroad'))
    })

    it('looks in its own namespace where it may look in no other', async () => {
      await deployed('near')
      await bench.cluster.delete(object('near'), {})
      const theirs = bench.cluster.as({ namespace: bench.namespace, serviceAccount: 'abroad' })
      const list: ResyncDeps['cluster']['list'] = async (query, signal) =>
        await (query.kind === 'ConfigMap' ? theirs : bench.cluster).list(query, signal)
      expect(await resynced({ ...bench.cluster, list })).toContain(own('near'))
      await bench.sync('near')
      expect(await releases()).not.toContain('near')
    })

    it('touches no HelmRelease outside of its namespace, whatever a record names', async () => {
      const metadata = { name: 'stranger', namespace: foreign() }
      const spec = { releaseName: 'stranger', chart: chart('1.0.0'), targetNamespace: bench.namespace }
      await bench.cluster.create({ ...helmReleaseKind, metadata, spec })
      const record = { version: 1, owner: { uid: 'gone', namespace: foreign(), name: 'stranger' }, since: '' }
      await bench.cluster.create({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: recordName('stranger'), namespace: bench.namespace, labels: recordLabels },
        data: { 'record.json': JSON.stringify(record) },
      })
      expect(await resynced()).not.toContain(`${foreign()}/stranger`)
      bench.writes()
      bench.helmRuns()
      const payload = { kind: 'sync-release', ...metadata, reason: 'test', requestedAt: '' } as const
      expect(await syncRelease(payload, bench.deps, AbortSignal.timeout(30_000))).toMatchObject({
        end: 'done',
        summary: `only HelmReleases in ${bench.namespace} are worked on (--allow-namespace)`,
      })
      expect([...bench.writes(), ...bench.helmRuns()]).toEqual([])
    })

    it('believes no record of strangers in another namespace than that of the HelmRelease', async () => {
      for (const name of ['forged', 'beside']) {
        const target = name === 'forged' ? foreign() : bench.namespace
        await deployed(name, { targetNamespace: target, serviceAccountName: 'abroad' })
        await bench.cluster.delete(object(name), {})
      }
      bench.deps.areTenants = true
      bench.helmRuns()
      const summary = expect.stringMatching(/^release forged in .* is left as it is: with --tenants/) as string
      expect(await bench.sync('forged')).toMatchObject({ end: 'done', summary })
      expect(bench.helmRuns()).toEqual([])
      expect(await bench.cluster.get({ ...config('forged'), namespace: foreign() })).toBeDefined()
      expect(await bench.sync('beside')).toMatchObject({ summary: 'release beside was uninstalled' })
      expect(await bench.cluster.get(config('beside'))).toBeUndefined()
    })

    it('removes what it had, when it was made again for another release', async () => {
      await deployed('anew', { releaseName: 'anew-one' })
      await bench.cluster.delete(object('anew'), {})
      await deployed('anew', { releaseName: 'anew-two' })
      expect(await resynced()).toContain(own('anew'))
      expect(await bench.sync('anew', { reason: reasons.get(own('anew')) ?? '' })).toMatchObject({ end: 'done' })
      expect(await releases()).not.toContain('anew-one')
      expect(await releases()).toContain('anew-two')
    })

    it('lets nobody take a release over in the middle of its removal', async () => {
      await deployed('former', { releaseName: 'shared' })
      await bench.cluster.delete(object('former'), {})
      await bench.put('latter', { releaseName: 'shared', chart: chart('1.0.0') })
      const { begun, letGo } = bench.holdHelm()
      const removal = bench.sync('former')
      await begun
      bench.helmRuns()
      try {
        expect(await bench.sync('latter')).toMatchObject({ end: 'again', why: 'another job works on the same release' })
        expect(bench.helmRuns()).toEqual([])
      } finally {
        letGo()
      }
      expect(await removal).toMatchObject({ summary: 'release shared was uninstalled' })
      expect(await bench.sync('latter')).toMatchObject({ end: 'done' })
      expect(await releases()).toContain('shared')
    })

    it('removes with the account that it had last', async () => {
      await deployed('swapped', { serviceAccountName: 'abroad' })
      await createAccount(bench.cluster, 'heir', [bench.namespace])
      await deployed('swapped', { serviceAccountName: 'heir' })
      await bench.cluster.delete(object('swapped'), {})
      await removesAs('heir', 'swapped')
    })
  })
})
