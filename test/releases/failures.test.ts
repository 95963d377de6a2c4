import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
import { createReleaseBench, hook, type ReleaseBench, template } from './workbench.ts'

describe('what fails, with the real helm on the real API server', () => {
  let bench: ReleaseBench

  beforeAll(async () => {
    bench = await createReleaseBench()
    await bench.publish('1.0.0', { 'config.yaml': template })
    await bench.publish('1.1.0', { 'config.yaml': `${template}  extra: "1"\n` })
    await bench.publish('2.0.0', { 'config.yaml': template, 'hook.yaml': hook('pre-rollback', 'Job') })
    const sized =
      'apiVersion: v1\nkind: Service\nmetadata: {name: "{{ .Release.Name }}"}\nspec: {ports: [{port: {{ .Values.port }}}]}\n'
    await bench.publish('4.0.0', { 'service.yaml': sized, 'config.yaml': template }, 'color: red\nport: 80\n')
    await bench.publish('3.0.0', {
      'config.yaml': 'apiVersion: v1\nkind: Service\nmetadata: {name: bad}\nspec: {ports: [{port: 700000}]}\n',
    })
  })

  afterAll(async () => {
    await bench.close()
  })

  const chart = (version: string) => ({ repository: bench.charts.url, name: 'demo', version })
  const statusOf = async (name: string) => ((await bench.get(name))?.status ?? {}) as ReleaseStatus
  const released = async (name: string) => (await statusOf(name)).conditions?.find(({ type }) => type === 'Released')

  const states = async (name: string) =>
    (JSON.parse(await bench.helm('history', name, '-o', 'json')) as { status: string }[]).map(({ status }) => status)

  /** The job runs with another helm upgrade. */
  async function syncWith(name: string, upgrade: typeof bench.deps.helm.upgrade) {
    const { helm } = bench.deps
    bench.deps.helm = { ...helm, upgrade }
    try {
      return await bench.sync(name)
    } finally {
      bench.deps.helm = helm
    }
  }

  describe.each([
    ['a person', 'requested by ann (sync)'],
    ['what was missing', 'arrived: Namespace x'],
  ])('after a request by %s', (_who, reason) => {
    const word = reason.slice(0, 7)

    it('tries an upgrade once, says that it failed and leaves the rest to the back-off', async () => {
      onTestFinished(bench.stopClock())
      const name = `up-${word}`
      await bench.put(name, { releaseName: name, chart: chart('1.0.0') })
      await bench.sync(name)
      await bench.put(name, { releaseName: name, chart: chart('3.0.0') })
      bench.helmRuns()
      for (let ask = 0; ask < 2; ask++) {
        expect(await bench.sync(name, { reason })).toMatchObject({ end: 'again', answered: true })
        expect(bench.helmRuns()).toEqual(['upgrade'])
        expect(await statusOf(name)).toMatchObject({ phase: 'DeployFailed' })
        expect(await released(name)).toMatchObject({ status: 'False', reason: 'DeployFailed' })
      }
      const left = await bench.sync(name, { reason: `again after ${reason}` })
      expect(left).toMatchObject({ end: 'again' })
      expect(left).not.toHaveProperty('answered')
      expect(bench.helmRuns()).toEqual([])
    })

    it('tries a first install once and takes it away', async () => {
      const name = `in-${word}`
      await bench.put(name, { releaseName: name, chart: chart('3.0.0') })
      expect(await bench.sync(name, { reason })).toMatchObject({ end: 'again', answered: true })
      expect(bench.helmRuns()).toEqual(['install', 'uninstall'])
      expect(await statusOf(name)).toMatchObject({ phase: 'DeployFailed' })
    })
  })

  describe('a helm that ends and leaves its revision pending', () => {
    it.each([
      ['is an upgrade that failed, and its back-off begins', {}, ['deployed', 'failed']],
      ['is rolled back where that is asked for', { enable: true }, ['superseded', 'failed', 'deployed']],
    ])('%s', async (_what, rollback, expected) => {
      const name = `killed-${expected.length}`
      const { helm } = bench.deps
      await bench.put(name, { releaseName: name, chart: chart('1.0.0'), wait: false, rollback })
      await bench.sync(name)
      await bench.put(name, { releaseName: name, chart: chart('1.1.0'), wait: false, rollback })
      const outcome = await syncWith(name, async (request, signal) => {
        await helm.upgrade(request, signal)
        await bench.setState(name, 1, 'deployed')
        await bench.setState(name, 2, 'pending-upgrade')
        return { ok: false, reason: 'HelmFailed', message: 'helm was killed' }
      })
      expect(outcome).toMatchObject({ end: 'again', why: 'HelmFailed: helm was killed' })
      expect(await states(name)).toEqual(expected)
      expect(await released(name)).toMatchObject({ status: 'False', message: 'HelmFailed: helm was killed' })
    })

    it('is a rollback that failed where its hook did', async () => {
      const spec = { releaseName: 'hooked', wait: false, rollback: { enable: true, timeout: 1 } }
      await bench.put('hooked', { ...spec, chart: chart('2.0.0') })
      await bench.sync('hooked')
      await bench.put('hooked', { ...spec, chart: chart('3.0.0') })
      await bench.sync('hooked')
      expect(await states('hooked')).toEqual(['deployed', 'failed', 'failed'])
      expect(await statusOf('hooked')).toMatchObject({ phase: 'RollbackFailed' })
      expect(await released('hooked')).toMatchObject({ status: 'False', reason: 'DeployFailed' })
    })

    it('is a rollback that a person wished for', async () => {
      const spec = { releaseName: 'wished', wait: false, rollback: { timeout: 1 } }
      await bench.put('wished', { ...spec, chart: chart('2.0.0') })
      await bench.sync('wished')
      await bench.put('wished', { ...spec, chart: chart('1.0.0') })
      await bench.sync('wished')
      await bench.annotate('wished', { 'capstan.dev/rollback': '1' })
      await bench.sync('wished')
      expect((await states('wished'))[2]).toBe('failed')
    })

    it('is left alone where somebody else began it', async () => {
      const { helm } = bench.deps
      await bench.put('theirs', { releaseName: 'theirs', chart: chart('1.0.0') })
      await bench.sync('theirs')
      await bench.put('theirs', { releaseName: 'theirs', chart: chart('1.1.0') })
      const outcome = await syncWith('theirs', async (request, signal) => {
        await bench.helm('upgrade', 'theirs', 'demo', '--repo', bench.charts.url, '--version', '1.0.0')
        await bench.setState('theirs', 1, 'deployed')
        await bench.setState('theirs', 2, 'pending-upgrade')
        return await helm.upgrade(request, signal)
      })
      expect(outcome).toMatchObject({ why: expect.stringContaining('helm is at work on this release') as string })
      expect(await states('theirs')).toEqual(['deployed', 'pending-upgrade'])
    })
  })

  it('tells of a failure again where other inputs or another generation failed, and not where the same did', async () => {
    onTestFinished(bench.stopClock())
    const told: string[] = []
    const { history } = bench.deps
    bench.deps.history = {
      tell: async (events) => void told.push(...events.map(({ message }) => message)),
      record: async () => {},
    }
    onTestFinished(() => {
      if (history) bench.deps.history = history
      else delete bench.deps.history
    })
    const events = async () =>
      (await bench.cluster.list({ apiVersion: 'v1', kind: 'Event', namespace: bench.namespace })).filter(
        (one) => one.reason === 'FailedReleaseSync' && (one.involvedObject as { name: string }).name === 'twice',
      )
    const failWith = async (message: string) => {
      bench.advance(60_000)
      await syncWith('twice', async () => ({ ok: false, reason: 'HelmFailed', message }))
    }
    const inputs = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'inputs', namespace: bench.namespace } }
    const color = async (value: string) =>
      await bench.cluster.apply({ ...inputs, data: { 'values.yaml': `color: ${value}\n` } }, { force: true })
    const valuesFrom = [{ configMapKeyRef: { name: 'inputs' } }]
    await color('red')
    await bench.put('twice', { releaseName: 'twice', chart: chart('1.0.0'), valuesFrom })
    await bench.sync('twice')
    await bench.put('twice', { releaseName: 'twice', chart: chart('1.1.0'), valuesFrom })
    told.length = 0
    await failWith('timed out')
    await failWith('timed out again')
    expect(await events()).toHaveLength(1)
    await color('blue')
    await failWith('of other values')
    await failWith('of other values')
    expect(await events()).toHaveLength(2)
    await bench.put('twice', { releaseName: 'twice', chart: chart('4.0.0'), valuesFrom })
    await failWith('of another chart')
    await failWith('of another chart')
    expect(await events()).toHaveLength(3)
    expect(told).toEqual(['HelmFailed: timed out', 'HelmFailed: of other values', 'HelmFailed: of another chart'])
    const missing = (version: string) => ({ ...chart(version), name: 'missing' })
    for (const version of ['1.0.0', '1.0.0', '2.0.0', '2.0.0']) {
      bench.advance(60_000)
      await bench.put('twice', { releaseName: 'twice', chart: missing(version), valuesFrom })
      await bench.sync('twice')
    }
    expect(await events()).toHaveLength(5)
  })

  it('begins no upgrade that is guarded by a rollback with values of a wrong type', async () => {
    const put = async (more: object) =>
      await bench.put('typed', { releaseName: 'typed', chart: chart('4.0.0'), rollback: { enable: true }, ...more })
    await put({})
    await bench.sync('typed')
    await put({ values: { port: 'many', color: 'blue' } })
    bench.helmRuns()
    const outcome = await bench.sync('typed')
    expect(outcome).toMatchObject({
      end: 'again',
      why: expect.stringMatching(/ports.*port: expected numeric/) as string,
    })
    expect(bench.helmRuns()).toEqual([])
    expect(await states('typed')).toEqual(['deployed'])
    expect(await statusOf('typed')).not.toHaveProperty('rollbackCount')
    expect(await released('typed')).toMatchObject({ status: 'False', reason: 'DeployFailed' })
    await put({ values: { port: 81, color: 'blue' } })
    expect(await bench.sync('typed')).toMatchObject({ end: 'done' })
    expect(await states('typed')).toEqual(['superseded', 'deployed'])
  })

  describe('a rollback that fails', () => {
    const putBad = async (name: string, more: object = {}) => {
      const spec = { releaseName: name, wait: false, rollback: { enable: true, timeout: 1, ...more } }
      await bench.put(name, { ...spec, chart: chart('2.0.0') })
      await bench.sync(name)
      await bench.put(name, { ...spec, chart: chart('3.0.0') })
      bench.helmRuns()
      await bench.sync(name)
      expect(bench.helmRuns()).toEqual(['upgrade', 'rollback'])
    }

    it.each([
      ['whose budget is spent', {}, []],
      ['with retries left', { retry: true }, ['upgrade']],
    ])('is tried again after its back-off, and what is bad is not: %s', async (_what, more, afterwards) => {
      onTestFinished(bench.stopClock())
      const name = `again-${afterwards.length}`
      await putBad(name, more)
      await bench.sync(name)
      expect(bench.helmRuns()).toEqual([])
      bench.advance(60_000)
      expect(await bench.sync(name)).toMatchObject({ end: 'again' })
      expect(bench.helmRuns()).toEqual(['rollback'])
      expect(await states(name)).toEqual(['deployed', 'failed', 'failed', 'failed'])
      bench.advance(60_000)
      const { helm } = bench.deps
      // the hook that was in the way
      bench.deps.helm = {
        ...helm,
        rollback: async (request, signal) => await helm.rollback({ ...request, disableHooks: true }, signal),
      }
      await bench.sync(name)
      expect(bench.helmRuns()).toEqual(['rollback'])
      expect((await states(name)).at(-1)).toBe('deployed')
      expect(await statusOf(name)).toMatchObject({ phase: 'RolledBack', rollbackCount: 1 })
      bench.advance(60_000)
      await bench.sync(name)
      bench.deps.helm = helm
      expect(bench.helmRuns().slice(0, 1)).toEqual(afterwards)
    })

    it('is tried again where helm did not even begin it', async () => {
      const { helm } = bench.deps
      bench.deps.helm = {
        ...helm,
        rollback: async (request, signal) => await helm.rollback({ ...request, revision: 99 }, signal),
      }
      await putBad('unbegun')
      bench.deps.helm = helm
      expect(await states('unbegun')).toEqual(['deployed', 'failed'])
      expect(await statusOf('unbegun')).toMatchObject({ phase: 'RollbackFailed' })
      bench.advance(60_000)
      await bench.sync('unbegun')
      expect(bench.helmRuns()).toEqual(['rollback'])
    })
  })
})
