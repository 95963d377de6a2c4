import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAccount } from './account.ts'
import { createReleaseBench, hook, type ReleaseBench, template } from './workbench.ts'

const roles = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' }

/** Release states that the Helm Operator leaves behind, as its binary of 1.4.4 writes them. */
describe('releases that the Helm Operator made, with the real helm on the real API server', () => {
  let bench: ReleaseBench

  beforeAll(async () => {
    bench = await createReleaseBench()
    await bench.publish('1.0.0', { 'config.yaml': template, 'hook.yaml': hook('post-install', 'ConfigMap') })
    await bench.publish('1.1.0', { 'config.yaml': `${template}  extra: "1"\n` })
    const role = `apiVersion: ${roles.apiVersion}\nkind: ${roles.kind}\nmetadata: {name: ${bench.namespace}}\n`
    await bench.publish('1.2.0', { 'config.yaml': template, 'role.yaml': role })
  })

  afterAll(async () => {
    await bench.cluster.delete({ ...roles, name: bench.namespace }, {})
    await bench.close()
  })

  const chart = (version: string) => ({ repository: bench.charts.url, name: 'demo', version })
  const states = async (name: string) =>
    (JSON.parse(await bench.helm('history', name, '-o', 'json')) as { status: string }[]).map(({ status }) => status)
  const config = (name: string) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    namespace: bench.namespace,
    name: `${name}-config`,
  })
  const byOperator = async (verb: 'install' | 'upgrade', name: string, version: string, color: string) => {
    await bench.byHand(verb, name, color, version)
    const annotations = { 'helm.fluxcd.io/antecedent': `${bench.namespace}:helmrelease/${name}` }
    await bench.cluster.patch(config(name), { metadata: { annotations } })
  }

  const time = '2020-01-01T00:00:00Z'
  const condition = (type: string, status: string, reason: string, message: string) => ({
    type,
    status,
    reason,
    message,
    lastUpdateTime: time,
    lastTransitionTime: time,
  })
  /** `phase`: where the Operator stood last; its generation is the one that is there now. */
  async function leaveStatus(name: string, phase: string, more: object, conditions: object[]) {
    const { generation } = (await bench.get(name))?.metadata ?? {}
    const base = {
      observedGeneration: generation,
      phase,
      releaseName: name,
      revision: '1.0.0',
      lastAttemptedRevision: '1.0.0',
    }
    await bench.setStatus(name, { ...base, ...more, conditions })
  }
  const fetched = condition('ChartFetched', 'True', 'ChartFetched', 'Chart fetch was successful.')

  it('takes over what is deployed as wanted, after several revisions, with no new one', async () => {
    await byOperator('install', 'good', '1.0.0', 'blue')
    await byOperator('upgrade', 'good', '1.0.0', 'green')
    await bench.put('good', { releaseName: 'good', chart: chart('1.0.0'), values: { color: 'green' } })
    await leaveStatus('good', 'Succeeded', { releaseStatus: 'deployed' }, [
      fetched,
      condition('Deployed', 'True', 'Deployed', 'Installation or upgrade succeeded.'),
      condition('Released', 'True', 'Succeeded', 'Release was successful.'),
    ])
    bench.helmRuns()
    const before = (await bench.cluster.get(config('good')))?.metadata.uid
    expect(await bench.sync('good')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual([])
    expect(await states('good')).toEqual(['superseded', 'deployed'])
    expect((await bench.cluster.get(config('good')))?.metadata.uid).toBe(before)
    bench.writes()
    expect(await bench.sync('good')).toMatchObject({ end: 'done' })
    expect(bench.writes()).toEqual([])
  })

  it('upgrades once where the spec changed while nobody looked', async () => {
    await byOperator('install', 'changed', '1.0.0', 'blue')
    await bench.put('changed', { releaseName: 'changed', chart: chart('1.0.0'), values: { color: 'blue' } })
    await leaveStatus('changed', 'Succeeded', {}, [fetched])
    await bench.put('changed', { releaseName: 'changed', chart: chart('1.1.0'), values: { color: 'white' } })
    bench.helmRuns()
    for (let look = 0; look < 3; look++) expect(await bench.sync('changed')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual(['upgrade'])
    expect(await states('changed')).toEqual(['superseded', 'deployed'])
  })

  it.each([
    ['a failed upgrade that it stood still on', ['deployed', 'failed'], 'Failed', undefined],
    [
      'a failed upgrade while the spec asks for a retry',
      ['deployed', 'failed'],
      'DeployFailed',
      { enable: true, retry: true },
    ],
    ['an upgrade that was cut off', ['deployed', 'pending-upgrade'], 'Upgrading', undefined],
    ['a rollback that was cut off', ['superseded', 'pending-rollback'], 'RollingBack', { enable: true }],
    ['a rollback whose budget is spent', ['superseded', 'deployed'], 'RolledBack', { enable: true }],
    ['a rollback with retries left', ['superseded', 'deployed'], 'RolledBack', { enable: true, retry: true }],
    ['a failed rollback', ['superseded', 'failed'], 'RollbackFailed', { enable: true }],
  ] as const)('changes nothing after %s, until an input changes', async (...[, found, phase, rollback]) => {
    const name = `left-${phase.toLowerCase()}-${rollback && 'retry' in rollback ? 'retry' : 'none'}`
    await byOperator('install', name, '1.0.0', 'blue')
    await byOperator('upgrade', name, '1.0.0', 'old')
    for (const [index, state] of found.entries()) await bench.setState(name, index + 1, state, { minutesAgo: 60 })
    const spec = { releaseName: name, chart: chart('1.1.0'), ...(rollback ? { rollback } : {}) }
    await bench.put(name, { ...spec, values: { color: 'bad' } })
    await leaveStatus(name, phase, { rollbackCount: 1 }, [
      fetched,
      condition('Released', 'False', 'DeployFailed', 'Installation or upgrade failed.'),
      ...(phase === 'RolledBack' ? [condition('RolledBack', 'True', 'RolledBack', 'Rollback succeeded.')] : []),
    ])
    bench.helmRuns()
    for (let look = 0; look < 3; look++)
      expect(await bench.sync(name)).toMatchObject({ why: expect.stringContaining('AdoptionHold') as string })
    expect(bench.helmRuns()).toEqual([])
    expect(await states(name)).toEqual(found)
    await bench.put(name, { ...spec, wait: false, values: { color: 'mended' } })
    expect(await bench.sync(name)).toMatchObject({ end: 'done' })
    expect((await states(name)).at(-1)).toBe('deployed')
    expect((await bench.cluster.get(config(name)))?.data).toMatchObject({ color: 'mended' })
    expect((await states(name)).length).toBeLessThanOrEqual(3)
  })

  it('clears an old ChartFetched=False and the rollbacks of the past with the first success', async () => {
    await byOperator('install', 'stale', '1.0.0', 'blue')
    await bench.put('stale', { releaseName: 'stale', chart: chart('1.0.0'), values: { color: 'blue' } })
    await leaveStatus('stale', 'ChartFetchFailed', { rollbackCount: 3 }, [
      condition('ChartFetched', 'False', 'ChartFetchFailed', 'Chart fetch failed.'),
      condition('Released', 'False', 'ChartFetchFailed', 'Chart fetch failed.'),
    ])
    expect(await bench.sync('stale')).toMatchObject({ end: 'done' })
    const status = (await bench.get('stale'))?.status
    expect(status).toMatchObject({ phase: 'Succeeded' })
    expect(status).not.toHaveProperty('rollbackCount')
    expect(JSON.stringify(status)).not.toContain('"False"')
  })

  it('takes over what has objects that its account must not read, unless those that it may read are taken', async () => {
    await createAccount(bench.cluster, 'narrow', [bench.namespace])
    const spec = { releaseName: 'narrow', chart: chart('1.2.0'), values: { color: 'blue' } }
    await byOperator('install', 'narrow', '1.2.0', 'blue')
    const mark = async (id: string) =>
      bench.cluster.patch(config('narrow'), { metadata: { annotations: { 'helm.fluxcd.io/antecedent': id } } })
    await bench.put('owner', { ...spec, chart: chart('0.0.0') })
    await bench.put('narrow', { ...spec, serviceAccountName: 'narrow' })
    await mark(`${bench.namespace}:helmrelease/owner`)
    expect(await bench.sync('narrow')).toMatchObject({
      end: 'again',
      why: expect.stringMatching(/^OtherWriter/) as string,
    })
    await mark(`${bench.namespace}:helmrelease/narrow`)
    expect(await bench.sync('narrow')).toEqual({ end: 'done', summary: 'narrow revision 1, chart demo 1.2.0' })
    expect(await states('narrow')).toEqual(['deployed'])
  })

  it('takes over objects that name a HelmRelease which is gone, and not those of one that is there', async () => {
    await byOperator('install', 'heir', '1.0.0', 'blue')
    const from = (id: string) =>
      bench.cluster.patch(config('heir'), { metadata: { annotations: { 'helm.fluxcd.io/antecedent': id } } })
    await bench.put('living', { releaseName: 'heir', chart: chart('1.0.0') })
    await from(`${bench.namespace}:helmrelease/living`)
    await bench.put('heir', { releaseName: 'heir', chart: chart('1.0.0'), values: { color: 'blue' } })
    bench.helmRuns()
    expect(await bench.sync('heir')).toMatchObject({ why: expect.stringContaining('helmrelease/living') as string })
    await bench.cluster.delete(
      { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', namespace: bench.namespace, name: 'living' },
      {},
    )
    expect(await bench.sync('heir')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual([])
    const annotations = (await bench.cluster.get(config('heir')))?.metadata.annotations
    expect(annotations).toMatchObject({ 'helm.fluxcd.io/antecedent': `${bench.namespace}:helmrelease/heir` })
  })
})

describe('every field that goes to helm', () => {
  let bench: ReleaseBench

  beforeAll(async () => {
    bench = await createReleaseBench()
    await bench.publish('1.0.0', { 'config.yaml': template })
  })

  afterAll(async () => {
    await bench.close()
  })

  it('reaches helm: history limit, force, reuse of values, validation and CRDs off', async () => {
    const spec = {
      releaseName: 'fields',
      chart: { repository: bench.charts.url, name: 'demo', version: '1.0.0' },
      maxHistory: 2,
      forceUpgrade: true,
      resetValues: false,
      skipCRDs: true,
      disableOpenAPIValidation: true,
    }
    await bench.put('fields', { ...spec, values: { secret: 'kept', color: 'c0' } })
    await bench.sync('fields')
    for (const color of ['c1', 'c2', 'c3']) {
      await bench.put('fields', { ...spec, values: { color } })
      expect(await bench.sync('fields')).toMatchObject({ end: 'done' })
    }
    const history = JSON.parse(await bench.helm('history', 'fields', '-o', 'json')) as { revision: number }[]
    expect(history.map(({ revision }) => revision)).toEqual([3, 4])
    const config = { apiVersion: 'v1', kind: 'ConfigMap', namespace: bench.namespace, name: 'fields-config' }
    expect((await bench.cluster.get(config))?.data).toEqual({ color: 'c3', secret: 'kept' })
    const given = bench.arguments()
    const flags = ['--skip-crds', '--disable-openapi-validation', '--force', '--reuse-values', '--history-max=2']
    expect(flags.filter((flag) => !given.includes(flag))).toEqual([])
    expect(given).not.toContain('--reset-values')
    bench.helmRuns()
    expect(await bench.sync('fields')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual([])
  })
})
