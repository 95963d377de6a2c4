import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { recordName } from '../../src/domain/release/record.ts'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
import { createAccount } from './account.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

describe('releases in trouble, with the real helm on the real API server', () => {
  let bench: ReleaseBench

  beforeAll(async () => {
    bench = await createReleaseBench()
    await bench.publish('1.0.0', { 'config.yaml': template })
    await bench.publish('1.1.0', { 'config.yaml': `${template}  extra: "1"\n` })
  })

  afterAll(async () => {
    await bench.close()
  })

  const chart = (version: string) => ({ repository: bench.charts.url, name: 'demo', version })
  const states = async (release: string) =>
    (JSON.parse(await bench.helm('history', release, '-o', 'json')) as { status: string }[]).map(({ status }) => status)

  it('stops a loop of upgrades with a condition that says so, until a person asks or an input changes', async () => {
    const spec = { releaseName: 'loop', chart: chart('1.0.0'), values: { color: 'ours' } }
    await bench.put('loop', spec)
    await bench.sync('loop')
    bench.helmRuns()
    for (const color of ['a', 'b', 'c']) {
      await bench.byHand('upgrade', 'loop', color)
      expect(await bench.sync('loop')).toMatchObject({ end: 'done' })
    }
    expect(bench.helmRuns()).toEqual(['upgrade', 'upgrade', 'upgrade'])
    await bench.byHand('upgrade', 'loop', 'd')
    for (let look = 0; look < 3; look++)
      expect(await bench.sync('loop')).toMatchObject({
        end: 'again',
        why: expect.stringMatching(/^UpgradeLoop: it was upgraded 3 times/) as string,
      })
    expect(bench.helmRuns()).toEqual([])
    expect(JSON.stringify((await bench.get('loop'))?.status)).toContain('UpgradeLoop: ')
    expect(await bench.sync('loop', { reason: 'requested by ann' })).toMatchObject({ end: 'done' })
    await bench.byHand('upgrade', 'loop', 'e')
    await bench.put('loop', { ...spec, values: { color: 'new' } })
    expect(await bench.sync('loop')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual(['upgrade', 'upgrade'])
  })

  it.each([
    ['deployed as wanted, adopted with no new revision', 'deployed', { end: 'done' }],
    ['failed, left as it is', 'failed', { end: 'again', why: expect.stringContaining('AdoptionHold') as string }],
  ])('meets a release that somebody made after it had looked for one: %s', async (_what, state, outcome) => {
    const name = `between-${state}`
    const spec = { releaseName: name, chart: chart('1.0.0'), values: { color: 'blue' } }
    await bench.put(name, spec)
    const { helm } = bench.deps
    const install: typeof helm.install = async (request, signal) => {
      await bench.helm('install', name, 'demo', '--repo', bench.charts.url, '--version', '1.0.0', '--set', 'color=blue')
      if (state === 'failed') await bench.setState(name, 1, state)
      return await helm.install(request, signal)
    }
    bench.deps.helm = { ...helm, install }
    try {
      expect(await bench.sync(name)).toMatchObject(outcome)
    } finally {
      bench.deps.helm = helm
    }
    expect(await states(name)).toEqual([state])
    const { namespace } = bench
    const record = await bench.cluster.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: recordName(name) })
    expect(record?.data).not.toMatchObject({
      'record.json': expect.stringContaining('"intent"') as string,
    })
  })

  it('says once whom it waits for where somebody else’s helm is at work, and tells that it takes the lock off', async () => {
    const events = async (reason: string) =>
      (await bench.cluster.list({ apiVersion: 'v1', kind: 'Event', namespace: bench.namespace })).filter(
        (one) => one.reason === reason && (one.involvedObject as { name: string }).name === 'theirs',
      )
    await bench.put('theirs', { releaseName: 'theirs', chart: chart('1.0.0') })
    await bench.sync('theirs')
    await bench.byHand('upgrade', 'theirs', 'blue')
    await bench.setState('theirs', 1, 'deployed')
    await bench.setState('theirs', 2, 'pending-upgrade', { minutesAgo: 5 })
    bench.helmRuns()
    const why = /^OtherWriter: helm is at work .* revision 2 is pending-upgrade .* not begun by Capstan.* at \d{4}-.*Z$/
    for (let look = 0; look < 2; look++)
      expect(await bench.sync('theirs')).toMatchObject({ end: 'again', why: expect.stringMatching(why) as string })
    const found = await bench.get('theirs')
    const { conditions, observedGeneration } = (found?.status ?? {}) as ReleaseStatus
    expect(conditions).toContainEqual(
      expect.objectContaining({ type: 'Released', status: 'False', message: expect.stringMatching(why) as string }),
    )
    expect(observedGeneration).toBe(1)
    expect(await events('FailedReleaseSync')).toHaveLength(1)
    expect(bench.helmRuns()).toEqual([])
    await bench.setState('theirs', 2, 'pending-upgrade', { minutesAgo: 16 })
    expect(await bench.sync('theirs')).toMatchObject({ end: 'done' })
    expect(await events('ReleaseUnlocked')).toMatchObject([
      { type: 'Warning', message: expect.stringContaining('revision 2 of release theirs') as string },
    ])
    expect(await states('theirs')).toEqual(['superseded', 'failed', 'deployed'])
  })

  it.each([
    ['with a finalizer', true],
    ['without one', false],
  ])(
    'leaves a release that it never wrote to, and tells so, when its HelmRelease goes: %s',
    async (_how, finalizer) => {
      const name = `held-${finalizer}`
      const { cluster, namespace } = bench
      bench.useFinalizer(finalizer)
      onTestFinished(() => bench.useFinalizer(true))
      await createAccount(cluster, name, [namespace])
      await bench.helm('install', name, 'demo', '--repo', bench.charts.url, '--version', '1.0.0')
      await bench.setState(name, 1, 'failed')
      await bench.put(name, { releaseName: name, chart: chart('1.0.0'), serviceAccountName: name })
      expect(await bench.sync(name)).toMatchObject({ why: expect.stringContaining('AdoptionHold') as string })
      const record = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: recordName(name) }
      expect(await cluster.get(record)).toBeDefined()
      await cluster.delete({ apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', namespace, name }, {})
      const why = `Capstan never wrote to it; remove it with: helm uninstall ${name} --namespace ${namespace}`
      const summary = `release ${name} is left as it is: ${why}`
      expect(await bench.sync(name)).toEqual({ end: 'done', summary })
      expect(await cluster.get(record)).toBeUndefined()
      expect(await states(name)).toEqual(['failed'])
      const events = await cluster.list({ apiVersion: 'v1', kind: 'Event', namespace })
      expect(events.filter(({ message }) => message === summary)).toMatchObject([{ reason: 'ReleaseLeft' }])
    },
  )

  it.each([
    'failed',
    'pending-install',
    'pending-upgrade',
    'pending-rollback',
    'uninstalling',
    'uninstalled',
    'superseded',
    'unknown',
  ])('leaves a release that it finds %s as it is, and takes it over when that revision is approved', async (state) => {
    const name = `found-${state}`
    await bench.helm('install', name, 'demo', '--repo', bench.charts.url, '--version', '1.0.0', '--set', 'color=old')
    await bench.setState(name, 1, state, { minutesAgo: 20 })
    await bench.put(name, { releaseName: name, chart: chart('1.1.0') })
    bench.helmRuns()
    for (let look = 0; look < 2; look++) {
      expect(await bench.sync(name)).toMatchObject({
        end: 'again',
        why: expect.stringContaining('AdoptionHold') as string,
      })
    }
    await bench.annotate(name, { 'capstan.dev/approve': 'revision-2' })
    expect(await bench.sync(name)).toMatchObject({ end: 'again' })
    expect(bench.helmRuns()).toEqual([])
    expect(await states(name)).toEqual([state])
    await bench.annotate(name, { 'capstan.dev/approve': 'revision-1' })
    expect(await bench.sync(name)).toMatchObject({ end: 'done' })
    expect((await states(name)).at(-1)).toBe('deployed')
    expect((await states(name)).length).toBeLessThanOrEqual(2)
  })
})
