import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStore, type Store } from '../../src/adapters/store/index.ts'
import { helmReleaseKind } from '../../src/domain/release/spec.ts'
import { findResting } from '../../src/jobs/resting-releases.ts'
import { silent } from '../sync/workbench.ts'
import { stack } from '../stack/stack.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

let bench: ReleaseBench
let store: Store
let prefix: string

beforeAll(async () => {
  bench = await createReleaseBench()
  prefix = `{test-${randomBytes(4).toString('hex')}}`
  store = createStore({ redisUrl: stack().redisUrl, prefix, log: silent })
  bench.deps.rests = { store, settings: 'one' }
  await bench.publish('1.0.0', { 'config.yaml': template })
})

afterAll(async () => {
  await bench.close()
  await store.close()
})

const chart = (version = '1.0.0') => ({ repository: bench.charts.url, name: 'demo', version })
const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace: bench.namespace, name })

async function putValues(name: string, color: string): Promise<void> {
  const metadata = { name, namespace: bench.namespace }
  await bench.cluster.apply(
    { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'values.yaml': `color: ${color}` } },
    { force: true },
  )
}

/** Deploys, and runs until nothing is left to do. */
async function settle(name: string, spec: Record<string, unknown> = {}): Promise<void> {
  const valuesFrom = [
    { configMapKeyRef: { name: `${name}-values`, optional: true } },
    { secretKeyRef: { name: `${name}-absent`, optional: true } },
  ]
  await bench.put(name, { releaseName: name, chart: chart(), valuesFrom, ...spec })
  for (let run = 0; run < 2; run++) expect(await bench.sync(name)).toMatchObject({ end: 'done' })
}

async function isResting(name: string, deps = bench.deps): Promise<boolean> {
  const all = await bench.cluster.list({ ...helmReleaseKind, namespace: bench.namespace })
  const resting = await findResting(Promise.resolve(all), deps, new AbortController().signal)
  return resting.some(({ metadata }) => metadata.name === name)
}

describe('a release that is in sync', () => {
  it.each<[string, string, (name: string) => Promise<unknown>]>([
    ['its HelmRelease', 'spec', (name) => bench.put(name, { releaseName: name, chart: chart(), timeout: 100 })],
    ['its values in a ConfigMap', 'values', (name) => putValues(`${name}-values`, 'green')],
    ['a revision by hand', 'revision', (name) => bench.helm('rollback', name, '1')],
    ['our record', 'record', (name) => bench.cluster.delete(configMap(`capstan-release-${name}`), {})],
    ['a Secret that was absent', 'secret', (name) => makeSecret(`${name}-absent`)],
  ])('rests until somebody changes %s', async (_what, name, change) => {
    await putValues(`${name}-values`, 'blue')
    await settle(name)
    expect(await isResting(name)).toBe(true)
    await change(name)
    expect(await isResting(name)).toBe(false)
    for (let run = 0; run < 2; run++) await bench.sync(name)
    expect(await isResting(name)).toBe(true)
  })

  it('rests until its range of versions means another chart', async () => {
    await settle('range', { chart: chart('1.x') })
    expect(await isResting('range')).toBe(true)
    await bench.publish('1.1.0', { 'config.yaml': template })
    // past the time for which an index is believed
    bench.advance(60_000)
    expect(await isResting('range')).toBe(false)
  })

  it('does not rest for another build of Capstan, and not while Redis is away', async () => {
    await settle('away')
    expect(await isResting('away')).toBe(true)
    expect(await isResting('away', { ...bench.deps, rests: { store, settings: 'two' } })).toBe(false)
    const gone = createStore({ redisUrl: 'redis://127.0.0.1:1', prefix, log: silent })
    expect(await isResting('away', { ...bench.deps, rests: { store: gone, settings: 'one' } })).toBe(false)
    await gone.close()
  })

  it('never rests where its values come from a URL', async () => {
    await settle('url', {
      valuesFrom: [{ externalSourceRef: { url: 'http://127.0.0.1:1/values.yaml', optional: true } }],
    })
    expect(await isResting('url')).toBe(false)
  })
})

describe('a release in trouble', () => {
  it('never rests', async () => {
    await bench.put('trouble', { releaseName: 'trouble', chart: chart('9.9.9') })
    for (let run = 0; run < 3; run++) expect(await bench.sync('trouble')).toMatchObject({ end: 'again' })
    expect(await isResting('trouble')).toBe(false)
  })
})

async function makeSecret(name: string): Promise<void> {
  const metadata = { name, namespace: bench.namespace }
  const stringData = { 'values.yaml': 'color: green' }
  await bench.cluster.create({ apiVersion: 'v1', kind: 'Secret', metadata, stringData })
}
