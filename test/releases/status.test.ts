import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
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
    await bench.put(name, { ...spec, ...change })
    const why = expect.stringContaining(reason) as string
    expect(await bench.sync(name)).toMatchObject({ end: 'again', why })
    expect(await statusOf(name)).toMatchObject({ phase: 'Failed', releaseName: name, releaseStatus: 'deployed' })
  })
})
