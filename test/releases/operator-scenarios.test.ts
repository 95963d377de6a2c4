import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { kubectl } from '../e2e/kubectl.ts'
import { type ChartFiles, condition, type OperatorWorld, startOperatorWorld, webChart } from './operator-world.ts'

const released = condition('Released')
const revisions = '{.status.observedGeneration}'
const replace = (path: string, value: unknown) => ({ op: 'replace', path, value })
const add = (path: string, value: unknown) => ({ op: 'add', path, value })

/** A chart whose only object is a HelmRelease of the chart `web`. */
const parent = (repository: string): ChartFiles => ({
  'Chart.yaml': 'apiVersion: v1\nname: parent\nversion: 0.1.0\n',
  'values.yaml': 'nested: {deep: {image: {tag: 1.0.1}}}\n',
  'templates/child.yaml': `apiVersion: helm.fluxcd.io/v1
kind: HelmRelease
metadata: {name: "{{ .Release.Name }}-child", namespace: {{ .Release.Namespace }}}
spec:
  releaseName: {{ .Release.Name }}-child
  chart: {repository: "${repository}", name: web, version: 1.0.0}
  values: {{- toYaml .Values.nested.deep | nindent 4 }}
`,
})

/** A chart that brings a definition. */
const defines = (group: string): ChartFiles => ({
  'Chart.yaml': 'apiVersion: v2\nname: defines\nversion: 1.1.1\n',
  'crds/thing.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.${group}}
spec:
  group: ${group}
  scope: Namespaced
  names: {kind: Thing, plural: things, singular: thing, listKind: ThingList}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`,
})

// they wait most of their time
vi.setConfig({ maxConcurrency: 12 })

/** What the end-to-end suite of the Helm Operator 1.4 looked at, seen with kubectl, helm and the log as it did. */
describe.concurrent('what people saw of the Helm Operator', () => {
  let world: OperatorWorld
  const says: OperatorWorld['says'] = async (...asked) => await world.says(...asked)
  const logs: OperatorWorld['logs'] = async (...asked) => await world.logs(...asked)
  const patch: OperatorWorld['patch'] = async (...asked) => await world.patch(...asked)

  beforeAll(async () => {
    world = await startOperatorWorld((repository, demo) => [parent(repository), defines(`${demo}.example`)])
  })

  afterAll(async () => {
    await world.stop()
  })

  const base = (name: string) => ({
    releaseName: name,
    timeout: 120,
    chart: world.chart,
    values: { replicaCount: 2, faults: { unready: false } },
  })
  const guarded = (name: string) => ({ ...base(name), rollback: { enable: true, wait: true, timeout: 120 } })
  const tested = (name: string, test: object = {}, faults: object = {}) => ({
    ...guarded(name),
    test: { enable: true, timeout: 120, ...test },
    values: { replicaCount: 2, faults },
  })
  /** An upgrade that never is ready, and soon is not in time. */
  const neverReady = [replace('/spec/values/faults/unready', true), replace('/spec/timeout', 4)]
  const history = async (name: string) =>
    JSON.parse(await world.helm('history', name, '-o', 'json')) as { revision: number; status: string }[]
  const replicas = async (name: string) =>
    await kubectl('get', 'deployment', name, '-n', world.demo, '-o', 'jsonpath={.spec.replicas}')

  it('a chart from a repository and one from git are deployed', async () => {
    await world.put('repo', guarded('repo'))
    await world.put('git', { ...guarded('git'), chart: world.gitChart })
    for (const name of ['repo', 'git']) {
      // at once: another test commits, which upgrades what is from git
      const status = '{.status.releaseStatus} {.status.phase} {.status.releaseName}'
      const wanted = `deployed Succeeded ${name} True True`
      await says(name, `${status} ${released} ${condition('Deployed')}`, wanted)
    }
    expect(await world.status('repo', '{.status.revision} {.status.lastAttemptedRevision}')).toBe('1.0.0 1.0.0')
    const columns = (await kubectl('get', 'hr', 'repo', '-n', world.demo)).split('\n')
    expect(columns[0]?.split(/\s+/)).toEqual(['NAME', 'RELEASE', 'PHASE', 'RELEASESTATUS', 'MESSAGE', 'AGE'])
    expect(columns[1]).toMatch(/^repo +repo +Succeeded +deployed +\S.* (?:\d+m)?\d+[ms] *$/)
  })

  it('a commit upgrades, whether it changes a template or values', async () => {
    await world.put('moved', { ...guarded('moved'), chart: world.gitChart, values: {} })
    await says('moved', released, 'True')
    for (const [file, text] of [
      ['templates/NOTES.txt', 'It still runs.\n'],
      ['values.yaml', (webChart('')['values.yaml'] ?? '').replace('replicaCount: 1', 'replicaCount: 2')],
    ] as const) {
      const node = await world.git.git('show', 'HEAD:charts/web/values.yaml')
      const name = /^node: (.*)$/m.exec(node)?.[1] ?? ''
      const head = await world.git.change({ [`charts/web/${file}`]: text.replace('node: ', `node: ${name}`) })
      const attempted = '{.status.revision} {.status.lastAttemptedRevision}'
      await says('moved', `${attempted} ${condition('Deployed')}`, `${head} ${head} True`)
    }
    expect(await replicas('moved')).toBe('2')
  })

  it('resetValues: false keeps the values of a release made by hand, and their end resets them', async () => {
    const { repository, name, version } = world.chart
    const chart = [name, '--repo', repository, '--version', version]
    await world.helm('upgrade', '-i', 'hand', ...chart, '--set', 'replicaCount=2')
    await world.put('hand', { releaseName: 'hand', timeout: 30, resetValues: false, chart: world.chart, values: {} })
    await says('hand', released, 'True')
    expect(await replicas('hand')).toBe('2')
    await patch('hand', { op: 'remove', path: '/spec/resetValues' })
    await until('the values are those of the chart', async () => (await replicas('hand')) === '1')
  })

  it('a HelmRelease in the chart of another one is upgraded with it', async () => {
    const { repository } = world.chart
    const values = { nested: { deep: { image: { tag: '1.0.1' } } } }
    await world.put('nest', { releaseName: 'nest', chart: { repository, name: 'parent', version: '0.1.0' }, values })
    await says('nest', released, 'True')
    await until('the child is there', async () => (await world.status('nest-child', '{.metadata.name}')) !== '')
    await says('nest-child', released, 'True')
    const generation = Number(await world.status('nest-child', revisions))
    await patch('nest', replace('/spec/values/nested/deep/image/tag', '1.1.0'))
    await says('nest-child', revisions, `${generation + 1}`)
    await says('nest-child', released, 'True')
  })

  it('an upgrade that is not ready in time is failed, and Deployed and Released are False', async () => {
    await world.put('stuck', { ...base('stuck'), wait: true })
    await says('stuck', released, 'True')
    await patch('stuck', ...neverReady)
    await logs('stuck', 'upgrade failed')
    // it is tried again, ever more seldom: in between it is as it was left
    await says('stuck', `${released} ${condition('Deployed')}`, 'False False')
    await until('helm says so too', async () => (await history('stuck')).at(-1)?.status === 'failed')
  })

  it('an upgrade that is not ready in time is rolled back, and what mends it is released', async () => {
    await world.put('back', guarded('back'))
    await says('back', released, 'True')
    await patch('back', ...neverReady)
    await logs('back', 'upgrade failed')
    await says('back', condition('RolledBack'), 'True')
    expect(await world.status('back', released)).toBe('False')
    expect(await world.status('back', '{.status.rollbackCount}')).toBe('1')
    await world.put('back', guarded('back'))
    await says('back', released, 'True')
    await says('back', condition('RolledBack'), '')
    expect(await world.status('back', '{.status.rollbackCount}')).toBe('')
    // what is wanted again is what the rollback deployed: no other revision
    expect((await history('back')).map(({ status }) => status)).toEqual(['superseded', 'failed', 'deployed'])
  })

  it('rollback.retry tries again after rollbacks, and the count begins anew when it is mended', async () => {
    await world.put('retried', guarded('retried'))
    await says('retried', released, 'True')
    await patch('retried', ...neverReady, add('/spec/rollback/retry', true))
    await logs('retried', 'upgrade failed')
    await says('retried', '{.status.rollbackCount}', '3')
    await world.put('retried', guarded('retried'))
    await says('retried', '{.status.rollbackCount}', '')
    await says('retried', released, 'True')
  })

  it('rollback.maxRetries: 1 tries once again, and then compares', async () => {
    await world.put('once', guarded('once'))
    await says('once', released, 'True')
    const retry = [add('/spec/rollback/retry', true), add('/spec/rollback/maxRetries', 1)]
    await patch('once', ...neverReady, ...retry)
    await logs('once', 'upgrade failed')
    await says('once', '{.status.rollbackCount}', '2')
    await logs('once', 'running dry-run upgrade to compare with release')
    expect(await history('once')).toHaveLength(5)
  })

  it('values that the API server refuses make no revision and no rollback', async () => {
    await world.put('faulty', guarded('faulty'))
    await says('faulty', released, 'True')
    const { version } = JSON.parse(await world.helm('status', 'faulty', '-o', 'json')) as { version: number }
    await patch('faulty', replace('/spec/values/replicaCount', 'faulty'))
    await says('faulty', released, 'False')
    expect(JSON.parse(await world.helm('status', 'faulty', '-o', 'json'))).toMatchObject({ version })
    expect(await world.status('faulty', '{.status.rollbackCount}')).toBe('')
  })

  it.each([
    ['10 revisions are kept', undefined, 11],
    ['maxHistory: 5 keeps 5', 5, 6],
  ])('%s', { timeout: 900_000 }, async (_what, maxHistory, upgrades) => {
    const name = `kept-${maxHistory ?? 'all'}`
    const count = maxHistory ?? 10
    await world.put(name, { ...base(name), ...(maxHistory ? { maxHistory } : {}) })
    await says(name, '{.status.releaseStatus}', 'deployed')
    for (let n = 1; n <= upgrades; n++) {
      await patch(name, add('/spec/values/someField', `${n}`))
      await says(name, revisions, `${n + 1}`)
    }
    const kept = await history(name)
    expect(kept).toHaveLength(count)
    expect(kept.at(-1)).toMatchObject({ revision: upgrades + 1, status: 'deployed' })
  })

  it.each(['ConfigMap', 'Secret'])('values from a %s that comes later, also in another namespace', async (source) => {
    const name = `from-${source.toLowerCase()}`
    const ref = source === 'Secret' ? 'secretKeyRef' : 'configMapKeyRef'
    const make = async (namespace: string, count: number) => {
      const data = { 'values.yaml': `replicaCount: ${count}` }
      const filled = source === 'Secret' ? { stringData: data } : { data }
      await world.cluster.create({ apiVersion: 'v1', kind: source, metadata: { name, namespace }, ...filled })
    }
    await world.put(name, { releaseName: name, chart: world.chart, valuesFrom: [{ [ref]: { name } }], values: {} })
    await says(name, released, 'False')
    await make(world.demo, 2)
    await says(name, released, 'True')
    expect(await replicas(name)).toBe('2')
    await patch(name, add(`/spec/valuesFrom/0/${ref}/namespace`, world.beside))
    await says(name, released, 'False')
    await make(world.beside, 3)
    await says(name, released, 'True')
    expect(await replicas(name)).toBe('3')
  })

  it.each([
    {
      what: 'a URL',
      ref: 'externalSourceRef',
      field: 'url',
      good: () => `${world.chart.repository}/index.yaml`,
      bad: (good: string) => `${good}.not`,
    },
    {
      what: 'a file of the chart',
      ref: 'chartFileRef',
      field: 'path',
      good: () => 'values.yaml',
      bad: () => 'invalid.yaml',
    },
  ])('values from $what: what is not there fails, unless it is optional', async ({ ref, field, good, bad }) => {
    const name = `from-${field}`
    const entry = { [ref]: { [field]: good() } }
    await world.put(name, { releaseName: name, chart: world.gitChart, valuesFrom: [entry], values: {} })
    await says(name, released, 'True')
    await patch(name, replace(`/spec/valuesFrom/0/${ref}/${field}`, bad(good())))
    await says(name, released, 'False')
    await patch(name, add(`/spec/valuesFrom/0/${ref}/optional`, true))
    await says(name, released, 'True')
  })

  it('skipCRDs installs no definition', async () => {
    const group = `${world.demo}.example`
    const chart = { ...world.chart, name: 'defines', version: '1.1.1' }
    await world.put('skips', { releaseName: 'skips', skipCRDs: true, chart, values: {} })
    await says('skips', '{.status.releaseStatus}', 'deployed')
    expect(await kubectl('get', 'crd', `things.${group}`, '--ignore-not-found')).toBe('')
  })

  it('tests run and are told in what helm stores', async () => {
    await world.put('passes', tested('passes'))
    await says('passes', released, 'True')
    await says('passes', condition('Tested'), 'True')
    expect(await world.helm('status', 'passes', '-o', 'json')).toContain('"passes-test"')
    await logs('passes', 'installation succeeded')
  })

  it('a first install whose tests fail is uninstalled', async () => {
    await world.put('fails', tested('fails', { ignoreFailures: false }, { testFail: true }))
    await logs('fails', 'test failed')
    await logs('fails', 'running uninstall')
    await says('fails', released, 'False')
  })

  it.each([
    ['fail', {}, { testFail: true }],
    ['take too long', { timeout: 1 }, { testHangs: true }],
  ])('an upgrade whose tests %s is rolled back, and what mends it is released', async (_what, test, faults) => {
    const name = `untested-${Object.keys(faults)[0]?.toLowerCase()}`
    await world.put(name, tested(name))
    await says(name, released, 'True')
    await world.put(name, tested(name, { ignoreFailures: false, ...test }, faults))
    await logs(name, 'test failed')
    await says(name, released, 'False')
    expect(await world.status(name, condition('Tested'))).toBe('False')
    await says(name, condition('RolledBack'), 'True')
    await world.put(name, tested(name))
    await says(name, released, 'True')
    await says(name, condition('Tested'), 'True')
  })

  it('test.ignoreFailures releases what fails its tests, and says so, at each upgrade', async () => {
    await world.put('ignores', tested('ignores', { ignoreFailures: true }, { testFail: true }))
    await logs('ignores', 'test failed - ignoring failures')
    await says('ignores', released, 'True')
    expect(await world.status('ignores', condition('Tested'))).toBe('False')
    await patch('ignores', replace('/spec/values/replicaCount', 1))
    await logs('ignores', 'upgrade succeeded')
    await says('ignores', revisions, '2')
    expect(await world.status('ignores', condition('Tested'))).toBe('False')
    expect(await world.status('ignores', released)).toBe('True')
  })

  it('the annotation for a migration from helm 2 installs where there is nothing to migrate', async () => {
    const metadata = { name: 'converted', namespace: world.demo, annotations: { 'helm.fluxcd.io/migrate': 'true' } }
    const spec = { ...base('converted'), helmVersion: 'v3' }
    await world.cluster.create({ apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', metadata, spec })
    await says('converted', released, 'True')
    expect(await world.helm('list', '-q', '-f', '^converted$')).toBe('converted\n')
  })

  it('a HelmRelease that is deleted takes its release with it', async () => {
    await world.put('leaves', guarded('leaves'))
    await says('leaves', released, 'True')
    await kubectl('delete', 'helmrelease', 'leaves', '-n', world.demo, '--timeout=120s')
    await until('the Deployment is gone', async () => {
      const left = await kubectl('get', 'deployment', 'leaves', '-n', world.demo, '--ignore-not-found', '-o', 'name')
      return left === ''
    })
    expect(await world.helm('list', '-a', '-q', '-f', '^leaves$')).toBe('')
    await logs('leaves', 'running uninstall')
  })
})
