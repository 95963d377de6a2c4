import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ReleaseStatus } from '../../src/domain/release/phase.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

describe('what fails, with the real helm on the real API server', () => {
  let bench: ReleaseBench

  beforeAll(async () => {
    bench = await createReleaseBench()
    await bench.publish('1.0.0', { 'config.yaml': template })
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

  describe.each([
    ['a person', 'requested by ann (sync)'],
    ['what was missing', 'arrived: Namespace x'],
  ])('after a request by %s', (_who, reason) => {
    const word = reason.slice(0, 7)

    it('tries an upgrade once, says that it failed and leaves the rest to the back-off', async () => {
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
})
