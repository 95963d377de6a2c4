import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Condition, ReleaseStatus } from '../../src/domain/release/phase.ts'
import { until } from '../../playground/stack/until.ts'
import { shape } from './own-group.ts'
import { createReleaseBench, hook, type ReleaseBench, template } from './workbench.ts'

describe('syncRelease with the real helm on the real API server', () => {
  let bench: ReleaseBench

  beforeAll(async () => {
    bench = await createReleaseBench()
    await bench.publish('1.0.0', { 'config.yaml': template })
    await bench.publish('1.1.0', { 'config.yaml': `${template}  extra: "1"\n` })
    await bench.publish('2.0.0', { 'config.yaml': '{{ fail "no good" }}' })
    await bench.publish('4.0.0', { 'config.yaml': template, 'test.yaml': hook('test', 'ConfigMap') })
    await bench.publish('4.1.0', { 'config.yaml': template, 'test.yaml': hook('test', 'Job') })
    const listed = template.trimEnd().replaceAll('\n', '\n  ')
    await bench.publish('6.0.0', { 'list.yaml': `apiVersion: v1\nkind: List\nitems:\n- ${listed}\n` })
    await bench.publish('5.0.0', { 'config.yaml': template, 'hook.yaml': hook('pre-install,pre-upgrade', 'Job') })
    await bench.publish('3.0.0', {
      'config.yaml': 'apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 700000}]}\n',
    })
  })

  afterAll(async () => {
    await bench.close()
  })

  const chart = (version: string) => ({ repository: bench.charts.url, name: 'demo', version })
  const color = async (name: string) => {
    const found = await bench.cluster.get({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      namespace: bench.namespace,
      name: `${name}-config`,
    })
    return (found?.data as Record<string, string> | undefined)?.color
  }
  const statusOf = async (name: string): Promise<ReleaseStatus> =>
    ((await bench.get(name))?.status ?? {}) as ReleaseStatus
  const condition = (status: ReleaseStatus, type: Condition['type']) =>
    status.conditions?.find((one) => one.type === type)
  const history = async (name: string) =>
    JSON.parse(await bench.helm('history', name, '-o', 'json')) as { revision: number; status: string }[]
  /** As its controller says that a Job failed. */
  const failJob = async (ref: Parameters<typeof bench.cluster.get>[0]) => {
    const at = new Date().toISOString()
    const conditions = ['FailureTarget', 'Failed'].map((type) => ({ type, status: 'True', reason: 'x', message: 'x' }))
    await bench.cluster.patch(ref, { status: { startTime: at, conditions } }, { subresource: 'status' })
  }

  it('installs, then starts no helm and writes nothing', async () => {
    await bench.put('one', { releaseName: 'one', chart: chart('1.0.0'), values: { color: 'blue' } })
    expect(await bench.sync('one')).toMatchObject({ end: 'done' })
    expect(await color('one')).toBe('blue')
    const status = await statusOf('one')
    expect(status).toMatchObject({
      phase: 'Succeeded',
      revision: '1.0.0',
      releaseName: 'one',
      releaseStatus: 'deployed',
    })
    expect(condition(status, 'Released')).toMatchObject({ status: 'True', reason: 'Succeeded' })
    expect((await bench.get('one'))?.metadata.finalizers).toEqual(['capstan.dev/release'])
    bench.helmRuns()
    bench.writes()
    expect(await bench.sync('one')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual([])
    expect(bench.writes()).toEqual([])
  })

  it('upgrades when the values or the version change', async () => {
    await bench.put('one', { releaseName: 'one', chart: chart('1.0.0'), values: { color: 'green' } })
    await bench.sync('one')
    expect(await color('one')).toBe('green')
    await bench.put('one', { releaseName: 'one', chart: chart('~1.1'), values: { color: 'green' } })
    await bench.sync('one')
    expect(bench.helmRuns()).toEqual(['upgrade', 'upgrade'])
    expect((await statusOf('one')).revision).toBe('1.1.0')
    expect(await history('one')).toHaveLength(3)
  })

  it('names the release as the Operator did', async () => {
    await bench.put('plain', { chart: chart('1.0.0') })
    await bench.sync('plain')
    expect((await statusOf('plain')).releaseName).toBe(`${bench.namespace}-plain`)
  })

  it('puts helm’s own words into the condition when a chart does not render, and keeps what is deployed', async () => {
    onTestFinished(bench.stopClock())
    await bench.put('one', { releaseName: 'one', chart: chart('2.0.0') })
    expect(await bench.sync('one')).toMatchObject({ end: 'again' })
    const status = await statusOf('one')
    expect(status.phase).toBe('DeployFailed')
    expect(condition(status, 'Released')?.message).toContain('no good')
    expect((await history('one')).at(-1)).toMatchObject({ revision: 3, status: 'deployed' })
    bench.helmRuns()
    expect(await bench.sync('one')).toMatchObject({ end: 'again' })
    expect(bench.helmRuns()).toEqual([])
    await bench.put('one', { releaseName: 'one', chart: chart('1.1.0'), values: { color: 'white' } })
    expect(await bench.sync('one')).toMatchObject({ end: 'done' })
    expect(condition(await statusOf('one'), 'Released')?.status).toBe('True')
  })

  it('removes a failed first install and installs when the chart is mended', async () => {
    await bench.put('first', { releaseName: 'first', chart: chart('3.0.0') })
    expect(await bench.sync('first')).toMatchObject({ end: 'again' })
    expect(condition(await statusOf('first'), 'Deployed')?.status).toBe('False')
    expect(JSON.parse(await bench.helm('list', '-a', '-f', '^first$', '-o', 'json'))).toEqual([])
    await bench.put('first', { releaseName: 'first', chart: chart('1.0.0') })
    expect(await bench.sync('first')).toMatchObject({ end: 'done' })
  })

  it('rolls back to the last good revision when that is asked for', async () => {
    const rollback = { enable: true, wait: false }
    await bench.put('back', { releaseName: 'back', chart: chart('1.0.0'), rollback })
    await bench.sync('back')
    await bench.put('back', { releaseName: 'back', chart: chart('3.0.0'), rollback })
    await bench.sync('back')
    const status = await statusOf('back')
    expect(status).toMatchObject({ phase: 'RolledBack', rollbackCount: 1 })
    expect((await history('back')).at(-1)?.status).toBe('deployed')
    bench.helmRuns()
    await bench.sync('back')
    expect(bench.helmRuns()).toEqual([])
  })

  it('says that a chart is missing and recovers by itself', async () => {
    await bench.put('later', { releaseName: 'later', chart: { ...chart('1.0.0'), name: 'absent' } })
    expect(await bench.sync('later')).toMatchObject({
      end: 'again',
      why: expect.stringContaining('ChartNotFound') as string,
    })
    expect(condition(await statusOf('later'), 'ChartFetched')).toMatchObject({
      status: 'False',
      reason: 'ChartFetchFailed',
    })
    await bench.put('later', { releaseName: 'later', chart: chart('1.0.0') })
    expect(await bench.sync('later')).toMatchObject({ end: 'done' })
    expect(condition(await statusOf('later'), 'ChartFetched')?.status).toBe('True')
  })

  it('refuses values that are not a map', async () => {
    await bench.put('odd', { releaseName: 'odd', chart: chart('1.0.0'), values: ['a', 'b'] })
    expect(await bench.sync('odd')).toMatchObject({
      end: 'again',
      why: expect.stringContaining('InvalidValues') as string,
    })
  })

  it('takes values from ConfigMaps and Secrets, in order, and shows no secret on a command line or in a condition', async () => {
    const secret = 'very-secret-value-123'
    const { namespace, cluster } = bench
    await cluster.create({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'v', namespace },
      data: { 'values.yaml': 'color: from-map\n' },
    })
    const data = { 'values.yaml': Buffer.from(`secret: ${secret}\ncolor: ${secret}\n`).toString('base64') }
    await cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'v', namespace }, data })
    const valuesFrom = [
      { configMapKeyRef: { name: 'v' } },
      { secretKeyRef: { name: 'v' } },
      { secretKeyRef: { name: 'none', optional: true } },
    ]
    await bench.put('vals', { releaseName: 'vals', chart: chart('1.0.0'), valuesFrom })
    await bench.sync('vals')
    expect(await color('vals')).toBe(secret)
    expect(bench.arguments().join(' ')).not.toContain(secret)
    expect(JSON.stringify(await bench.get('vals'))).not.toContain(secret)
    await cluster.patch(
      { apiVersion: 'v1', kind: 'Secret', namespace, name: 'v' },
      { stringData: { 'values.yaml': 'color: rotated\n' } },
    )
    await bench.sync('vals')
    expect(await color('vals')).toBe('rotated')
  })

  it('adopts a release made by plain helm without a new revision when it is what is wanted', async () => {
    await bench.byHand('install', 'hand', 'mine')
    bench.helmRuns()
    await bench.put('hand', { releaseName: 'hand', chart: chart('1.0.0'), values: { color: 'mine' } })
    expect(await bench.sync('hand')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual([])
    expect((await statusOf('hand')).phase).toBe('Succeeded')
  })

  it('undoes a manual upgrade', async () => {
    await bench.byHand('upgrade', 'hand', 'other')
    await bench.sync('hand')
    expect(await color('hand')).toBe('mine')
  })

  it('undoes a release that was uninstalled and installed by hand, though helm counts from 1 again', async () => {
    await bench.put('anew', { releaseName: 'anew', chart: chart('1.0.0'), values: { color: 'mine' } })
    await bench.sync('anew')
    await bench.helm('uninstall', 'anew')
    await bench.byHand('install', 'anew', 'other')
    await bench.sync('anew')
    expect(await color('anew')).toBe('mine')
    bench.helmRuns()
    await bench.sync('anew')
    expect(bench.helmRuns()).toEqual([])
  })

  it('leaves alone a foreign release in trouble', async () => {
    await bench
      .helm('install', 'broken', 'demo', '--repo', bench.charts.url, '--version', '3.0.0')
      .catch(() => undefined)
    bench.helmRuns()
    await bench.put('broken', { releaseName: 'broken', chart: chart('1.0.0') })
    expect(await bench.sync('broken')).toMatchObject({
      end: 'again',
      why: expect.stringContaining('AdoptionHold') as string,
    })
    expect(bench.helmRuns()).toEqual([])
  })

  it('refuses a release that belongs to another HelmRelease', async () => {
    await bench.put('thief', { releaseName: 'one', chart: chart('1.0.0') })
    bench.helmRuns()
    expect(await bench.sync('thief')).toMatchObject({
      end: 'again',
      why: expect.stringContaining('OtherWriter') as string,
    })
    expect(bench.helmRuns()).toEqual([])
  })

  it('finishes what a stopped run began', async () => {
    await bench.put('stopped', { releaseName: 'stopped', chart: chart('1.0.0') })
    await bench.sync('stopped')
    const latest = {
      apiVersion: 'v1',
      kind: 'Secret',
      namespace: bench.namespace,
      name: 'sh.helm.release.v1.stopped.v1',
    }
    await bench.put('stopped', { releaseName: 'stopped', chart: chart('1.1.0') })
    const stop = new AbortController()
    const running = bench.sync('stopped', { signal: stop.signal })
    stop.abort(new Error('killed'))
    await running.catch(() => undefined)
    expect(await bench.cluster.get(latest, { metadataOnly: true })).toBeDefined()
    const outcome = await bench.sync('stopped')
    expect(outcome).toMatchObject({ end: 'done' })
    expect((await history('stopped')).at(-1)?.status).toBe('deployed')
    expect((await statusOf('stopped')).revision).toBe('1.1.0')
  })

  it('uninstalls when the HelmRelease is deleted, and lets it go', async () => {
    const ref = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', namespace: bench.namespace, name: 'plain' }
    await bench.cluster.delete(ref, {})
    await bench.sync('plain')
    expect(await bench.get('plain')).toBeUndefined()
    expect(JSON.parse(await bench.helm('list', '-a', '-f', 'plain', '-o', 'json'))).toEqual([])
  })

  it('uses words beyond the Operator’s only where the definition has them', async () => {
    await bench.put('words', { releaseName: 'words', chart: chart('1.0.0') })
    await bench.sync('words')
    expect(condition(await statusOf('words'), 'Ready')?.status).toBe(shape === 'ours' ? 'True' : undefined)
    await bench.suspend('words')
    bench.helmRuns()
    await bench.put('words', { releaseName: 'words', chart: chart('1.1.0') })
    await bench.sync('words')
    expect(bench.helmRuns()).toEqual([])
    expect((await statusOf('words')).phase).toBe(shape === 'ours' ? 'Suspended' : 'Succeeded')
  })

  it('leaves the release of a suspended HelmRelease', async () => {
    await bench.put('kept', { releaseName: 'kept', chart: chart('1.0.0') })
    await bench.sync('kept')
    await bench.suspend('kept')
    await bench.cluster.delete(
      { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', namespace: bench.namespace, name: 'kept' },
      {},
    )
    await bench.sync('kept')
    expect(await bench.get('kept')).toBeUndefined()
    expect((await history('kept')).at(-1)?.status).toBe('deployed')
  })

  it('marks the objects of a release with their HelmRelease', async () => {
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: bench.namespace, name: 'one-config' }
    const found = await bench.cluster.get(ref)
    expect(found?.metadata.annotations).toMatchObject({
      'helm.fluxcd.io/antecedent': `${bench.namespace}:helmrelease/one`,
    })
    // helm has sent it: no write of ours followed
    expect(found?.metadata.managedFields?.map(({ manager }) => manager)).toEqual(['helm'])
  })

  it('marks by a patch what helm could not be given with the mark on it', async () => {
    await bench.put('listed', { releaseName: 'listed', chart: chart('6.0.0') })
    expect(await bench.sync('listed')).toMatchObject({ end: 'done' })
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: bench.namespace, name: 'listed-config' }
    const found = await bench.cluster.get(ref)
    expect(found?.metadata.annotations).toMatchObject({
      'helm.fluxcd.io/antecedent': `${bench.namespace}:helmrelease/listed`,
    })
    expect(found?.metadata.managedFields?.map(({ manager }) => manager).toSorted()).toEqual(['capstan', 'helm'])
  })

  it('runs the tests of a chart, and takes a first install away whose tests fail', async () => {
    const test = { enable: true, timeout: 2 }
    await bench.put('tested', { releaseName: 'tested', chart: chart('4.0.0'), test: { ...test, timeout: 60 } })
    expect(await bench.sync('tested')).toMatchObject({ end: 'done' })
    expect(condition(await statusOf('tested'), 'Tested')?.status).toBe('True')
    await bench.put('untested', { releaseName: 'untested', chart: chart('4.1.0'), test, wait: false })
    bench.helmRuns()
    expect(await bench.sync('untested')).toMatchObject({ end: 'again' })
    expect(bench.helmRuns()).toEqual(['install', 'test', 'uninstall'])
    expect(await statusOf('untested')).toMatchObject({ phase: 'TestFailed' })
    expect(condition(await statusOf('untested'), 'Released')?.message).toMatch(/^HelmFailed: /)
  })

  it('unlocks what a killed process left pending, and goes on', async () => {
    await bench.put('killed', { releaseName: 'killed', chart: chart('1.0.0') })
    await bench.sync('killed')
    await bench.killUpgrade('killed', '5.0.0')
    expect((await history('killed')).at(-1)?.status).toBe('pending-upgrade')
    await bench.put('killed', { releaseName: 'killed', chart: chart('1.1.0') })
    expect(await bench.sync('killed')).toMatchObject({ end: 'done' })
    expect((await history('killed')).map(({ status }) => status)).toEqual(['superseded', 'failed', 'deployed'])
  })

  it('uninstalls what was installed while its HelmRelease was deleted', async () => {
    await bench.put('gone', { releaseName: 'gone', chart: chart('5.0.0') })
    const running = bench.sync('gone')
    const { namespace } = bench
    const job = { apiVersion: 'batch/v1', kind: 'Job', namespace, name: 'gone-hook' }
    await until('helm waits for its hook', async () => (await bench.cluster.get(job)) !== undefined)
    const ref = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', namespace, name: 'gone' }
    await bench.cluster.delete(ref, {})
    await failJob(job)
    expect(await running).toMatchObject({ end: 'done', summary: 'release gone was uninstalled' })
    expect((await bench.helm('list', '-a', '-q')).split('\n')).not.toContain('gone')
  })

  it('lets only one run at a time work on a release', async () => {
    await bench.put('twice', { releaseName: 'twice', chart: chart('1.0.0') })
    const { begun, letGo } = bench.holdHelm()
    const first = bench.sync('twice')
    await begun
    bench.helmRuns()
    try {
      expect(await bench.sync('twice')).toMatchObject({ end: 'again', why: 'another job works on the same release' })
      expect(bench.helmRuns()).toEqual([])
    } finally {
      letGo()
    }
    expect(await first).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual(['install'])
  })

  it('stands still where the Operator had rolled back, until something changes', async () => {
    await bench.helm('install', 'adopted', 'demo', '--repo', bench.charts.url, '--version', '1.0.0')
    await bench.put('adopted', { releaseName: 'adopted', chart: chart('1.1.0') })
    const { generation } = (await bench.get('adopted'))?.metadata ?? {}
    await bench.setStatus('adopted', {
      observedGeneration: generation,
      conditions: [{ type: 'RolledBack', status: 'True', reason: 'RolledBack', message: '' }],
    })
    bench.helmRuns()
    expect(await bench.sync('adopted')).toMatchObject({
      why: expect.stringContaining('AdoptionHold: the Helm Operator rolled') as string,
    })
    await bench.sync('adopted')
    expect(bench.helmRuns()).toEqual([])
    await bench.put('adopted', { releaseName: 'adopted', chart: chart('1.1.0'), values: { color: 'new' } })
    expect(await bench.sync('adopted')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual(['upgrade'])
  })

  it('takes a chart from git with a dependency beside it and one from a repository', async () => {
    bench.commit('a'.repeat(40), {
      'charts/app/Chart.yaml':
        'apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- {name: base, version: 0.1.0, repository: file://../base}\n' +
        `- {name: demo, version: ^1.0, repository: ${bench.charts.url}}\n`,
      'charts/base/Chart.yaml': 'apiVersion: v2\nname: base\nversion: 0.1.0\n',
      'charts/base/templates/a.yaml': template.replace('-config', '-base'),
    })
    await bench.put('fromgit', {
      releaseName: 'fromgit',
      chart: { git: 'https://git.invalid/repo', path: 'charts/app' },
      values: { base: { color: 'deep' } },
    })
    expect(await bench.sync('fromgit')).toMatchObject({ end: 'done' })
    const ref = { apiVersion: 'v1', kind: 'ConfigMap', namespace: bench.namespace, name: 'fromgit-base' }
    expect((await bench.cluster.get(ref))?.data).toMatchObject({ color: 'deep' })
    expect((await statusOf('fromgit')).revision).toBe('a'.repeat(40))
    bench.helmRuns()
    bench.writes()
    await bench.sync('fromgit')
    expect([bench.helmRuns(), bench.writes()]).toEqual([[], []])
  })
})
