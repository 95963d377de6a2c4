import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Condition, ReleaseStatus } from '../../src/domain/release/phase.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

describe('what the status says of a release, with the real helm on the real API server', () => {
  let bench: ReleaseBench

  beforeAll(async () => {
    bench = await createReleaseBench()
    await bench.publish('1.0.0', { 'config.yaml': template })
  })

  afterAll(async () => {
    await bench.close()
  })

  const chart = () => ({ repository: bench.charts.url, name: 'demo', version: '1.0.0' })
  const statusOf = async (name: string) => ((await bench.get(name))?.status ?? {}) as ReleaseStatus

  it.each<[string, string, Record<string, unknown>]>([
    ['waiting', 'DependencyNotReady', { dependsOn: [{ name: 'absent' }] }],
    ['circling', 'DependencyCycle', { dependsOn: [{ name: 'circling' }] }],
    ['older', 'HelmV2Release', { helmVersion: 'v2' }],
    ['misnamed', 'InvalidValues', { releaseName: 'No Name' }],
  ])('%s: leaves the state of what it did not look at (%s)', async (name, reason, change) => {
    const spec = { releaseName: name, chart: chart() }
    await bench.put(name, spec)
    await bench.sync(name)
    await bench.put(name, { ...spec, ...change, values: { color: 'blue' } })
    const why = expect.stringContaining(reason) as string
    expect(await bench.sync(name)).toMatchObject({ end: 'again', why })
    expect(await statusOf(name)).toMatchObject({ phase: 'Failed', releaseName: name, releaseStatus: 'deployed' })
  })

  it.each<[string, string, Record<string, unknown>]>([
    ['unvalued', 'InvalidValues', { valuesFrom: [{ secretKeyRef: { name: 'absent' } }] }],
    ['troubled', 'AdoptionHold', {}],
  ])('%s: says that the chart is there once it is, though something else is wrong (%s)', async (name, reason, more) => {
    const fetched = async () =>
      (await statusOf(name)).conditions?.find(({ type }: Condition) => type === 'ChartFetched')?.status
    await bench.put(name, { releaseName: name, chart: { ...chart(), name: 'absent' }, ...more })
    expect(await bench.sync(name)).toMatchObject({ why: expect.stringContaining('ChartNotFound') as string })
    expect(await fetched()).toBe('False')
    if (reason === 'AdoptionHold') {
      await bench.helm('install', name, 'demo', '--repo', bench.charts.url, '--version', '1.0.0')
      await bench.setState(name, 1, 'failed')
    }
    await bench.put(name, { releaseName: name, chart: chart(), ...more })
    expect(await bench.sync(name)).toMatchObject({ why: expect.stringContaining(reason) as string })
    expect(await statusOf(name)).toMatchObject({ phase: 'Failed' })
    expect(await fetched()).toBe('True')
    bench.writes()
    await bench.sync(name)
    expect(bench.writes()).toEqual([])
  })
})
