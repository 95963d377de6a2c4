import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { describe, expect, it } from 'vitest'
import { createMetrics } from '../../src/adapters/metrics/index.ts'
import {
  columnRows,
  conditionRows,
  type FieldRow,
  metricRows,
  phaseRows,
  specRows,
  statusRows,
} from '../../src/config/operator-surface.ts'
import { readSpec } from '../../src/domain/release/spec.ts'
import { ownFields } from './own-group.ts'

type Schema = {
  type?: string
  enum?: string[]
  properties?: Record<string, Schema>
  items?: Schema
  'x-kubernetes-preserve-unknown-fields'?: boolean
}
type Version = {
  schema: { openAPIV3Schema: { properties: { spec: Schema; status: Schema } } }
  additionalPrinterColumns: { name: string }[]
}

const file = new URL('../../charts/capstan/crds/helmrelease.yaml', import.meta.url)
const [version] = (parse(readFileSync(file, 'utf8')) as { spec: { versions: [Version] } }).spec.versions
const { spec, status } = version.schema.openAPIV3Schema.properties

/** Phases and conditions that the Operator did not have; docs/helmreleases.md tells of them. */
const ownPhases = ['Suspended']
const ownConditions = ['Ready', 'Suspended']

/** Path and type of everything below a schema, as the tables write it. */
function fieldsOf(schema: Schema, path = ''): [string, string][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, below]) => {
    const here = path === '' ? name : `${path}.${name}`
    const type = below['x-kubernetes-preserve-unknown-fields'] ? 'any' : (below.type ?? '')
    const item = below.items ? fieldsOf(below.items, `${here}[]`) : []
    return [[here, type] as [string, string], ...fieldsOf(below, here), ...item]
  })
}

function isOwn([name]: [string, string]): boolean {
  return ownFields.some((own) => name === own || name.startsWith(`${own}.`) || name.startsWith(`${own}[`))
}

function byName<T>(list: readonly (readonly [string, T])[]): [string, T][] {
  return list.map(([name, rest]): [string, T] => [name, rest]).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

describe('the definition of HelmReleases has what the Operator had, as docs/helm-operator.md says', () => {
  it.each<[string, Schema, readonly FieldRow[]]>([
    ['spec', spec, specRows],
    ['status', status, statusRows],
  ])('each field of the %s, and no field that no table names', (_name, schema, rows) => {
    const declared = fieldsOf(schema).filter((one) => !isOwn(one))
    expect(byName(declared)).toEqual(byName(rows.map(({ name, type }) => [name, type] as const)))
  })

  it('each phase', () => {
    expect(status.properties?.phase?.enum).toEqual([...phaseRows.map(({ name }) => name), ...ownPhases])
  })

  it('each condition', () => {
    const types = status.properties?.conditions?.items?.properties?.type?.enum
    expect(types).toEqual([...conditionRows.map(({ name }) => name), ...ownConditions])
  })

  it('each column, in order', () => {
    expect(version.additionalPrinterColumns.map(({ name }) => name)).toEqual(columnRows.map(({ name }) => name))
  })
})

const repository = { repository: 'https://charts.example', name: 'web', version: '1.0.0' }
const git = { git: 'https://git.example/charts', path: 'web' }
const one = { name: 'a', key: 'b' }

/** Two specs that differ in this field alone. */
const pairs: Record<string, [object, object]> = {
  helmVersion: [{}, { helmVersion: 'v2' }],
  chart: [{}, { chart: repository }],
  'chart.git': [{ chart: git }, { chart: { ...git, git: 'https://other.example' } }],
  'chart.ref': [{ chart: git }, { chart: { ...git, ref: 'v1' } }],
  'chart.path': [{ chart: git }, { chart: { ...git, path: 'x' } }],
  'chart.secretRef': [{ chart: git }, { chart: { ...git, secretRef: { name: 's' } } }],
  'chart.secretRef.name': pairOf((name) => ({ chart: { ...git, secretRef: { name } } })),
  'chart.secretRef.namespace': pairOf((namespace) => ({ chart: { ...git, secretRef: { name: 's', namespace } } })),
  'chart.skipDepUpdate': [{ chart: git }, { chart: { ...git, skipDepUpdate: true } }],
  'chart.repository': pairOf((text) => ({ chart: { ...repository, repository: text } })),
  'chart.name': pairOf((name) => ({ chart: { ...repository, name } })),
  'chart.version': pairOf((text) => ({ chart: { ...repository, version: text } })),
  'chart.chartPullSecret': [{ chart: repository }, { chart: { ...repository, chartPullSecret: { name: 's' } } }],
  'chart.chartPullSecret.name': pairOf((name) => ({ chart: { ...repository, chartPullSecret: { name } } })),
  releaseName: pairOf((releaseName) => ({ releaseName })),
  targetNamespace: pairOf((targetNamespace) => ({ targetNamespace })),
  maxHistory: [{}, { maxHistory: 3 }],
  valueFileSecrets: [{}, { valueFileSecrets: [{ name: 's' }] }],
  'valueFileSecrets[].name': pairOf((name) => ({ valueFileSecrets: [{ name }] })),
  valuesFrom: [{}, { valuesFrom: [{ secretKeyRef: one }] }],
  ...refPairs('configMapKeyRef'),
  ...refPairs('secretKeyRef'),
  'valuesFrom[].externalSourceRef': [{}, { valuesFrom: [{ externalSourceRef: { url: 'https://x' } }] }],
  'valuesFrom[].externalSourceRef.url': pairOf((url) => ({ valuesFrom: [{ externalSourceRef: { url } }] })),
  'valuesFrom[].externalSourceRef.optional': optionalPair('externalSourceRef', { url: 'https://x' }),
  'valuesFrom[].chartFileRef': [{}, { valuesFrom: [{ chartFileRef: { path: 'x' } }] }],
  'valuesFrom[].chartFileRef.path': pairOf((path) => ({ valuesFrom: [{ chartFileRef: { path } }] })),
  'valuesFrom[].chartFileRef.optional': optionalPair('chartFileRef', { path: 'x' }),
  values: [{}, { values: { a: 1 } }],
  timeout: [{}, { timeout: 5 }],
  resetValues: [{}, { resetValues: false }],
  ...Object.fromEntries(
    ['skipCRDs', 'wait', 'forceUpgrade', 'disableOpenAPIValidation'].map((name) => [name, [{}, { [name]: true }]]),
  ),
  rollback: [{}, { rollback: { enable: true } }],
  ...below('rollback', { enable: true, retry: true, maxRetries: 1, force: true, recreate: true, disableHooks: true }),
  ...below('rollback', { timeout: 5, wait: true }),
  test: [{}, { test: { enable: true } }],
  ...below('test', { enable: true, ignoreFailures: true, timeout: 5, cleanup: true }),
}

function pairOf(make: (text: string) => object): [object, object] {
  return [make('a'), make('b')]
}

function refPairs(ref: string): Record<string, [object, object]> {
  const of = (change: object) => ({ valuesFrom: [{ [ref]: { ...one, ...change } }] })
  const path = `valuesFrom[].${ref}`
  return {
    [path]: [{}, of({})],
    ...Object.fromEntries(
      ['name', 'namespace', 'key'].map((name) => [`${path}.${name}`, [of({}), of({ [name]: 'c' })]]),
    ),
    [`${path}.optional`]: optionalPair(ref, one),
  }
}

function optionalPair(ref: string, entry: object): [object, object] {
  return [{ valuesFrom: [{ [ref]: entry }] }, { valuesFrom: [{ [ref]: { ...entry, optional: true } }] }]
}

function below(name: string, fields: Record<string, unknown>): Record<string, [object, object]> {
  const pairs = Object.entries(fields).map(([key, value]) => [`${name}.${key}`, [{}, { [name]: { [key]: value } }]])
  return Object.fromEntries(pairs) as Record<string, [object, object]>
}

function read(part: object) {
  const head = { apiVersion: 'helm.fluxcd.io/v1', kind: 'HelmRelease', metadata: { name: 'web', namespace: 'demo' } }
  return readSpec({ ...head, spec: part }, { gitRef: 'master', updateDependencies: true })
}

describe('the code takes each field as docs/helm-operator.md says', () => {
  it.each(specRows)('$name: $became', ({ name, became }) => {
    const pair = pairs[name]
    if (!pair) throw new Error('no example')
    const isTaken = JSON.stringify(read(pair[0])) !== JSON.stringify(read(pair[1]))
    expect(isTaken).toBe(became === 'same' || became === 'differs')
  })
})

describe('the metrics of the Operator', () => {
  it.each(metricRows)('$name', async ({ name, labels }) => {
    const metrics = createMetrics()
    metrics.gitReady(true)
    metrics.releaseEnded({ targetNamespace: 'a', release: 'c', success: true, seconds: 1, action: 'sync' })
    const conditions = [{ type: 'Released', status: 'True' }]
    metrics.watchReleases(async () => [{ targetNamespace: 'a', release: 'c', conditions }])
    metrics.watchQueue(async () => ({
      counts: { 'sync-release': { waiting: 1 } },
      oldestWaitMs: {},
      lanes: {},
      fluxWaiting: 0,
    }))
    const { text } = await metrics.text()
    const line = text.split('\n').find((one) => new RegExp(`^${name}(_count)?[ {]`).test(one)) ?? ''
    const found = [...line.matchAll(/(\w+)="/g)].map(([, label]) => label)
    expect(line).not.toBe('')
    expect(new Set(found)).toEqual(new Set(labels))
  })
})
