import { afterEach, describe, expect, it } from 'vitest'
import { configMap, deployment } from './manifests.ts'
import { createWorkbench, type Workbench } from './workbench.ts'

describe('a repository that runs fluxd itself', () => {
  let bench: Workbench

  afterEach(async () => {
    await bench.close()
  })

  const flux = (more = '') => deployment('flux', 1, more).replace(/image: .*/, 'image: docker.io/fluxcd/flux:1.25.4')
  const ref = () => ({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: bench.target, name: 'flux' })

  it('is applied without it, and it is neither made again nor deleted while git has it', async () => {
    bench = await createWorkbench()
    bench.push({ 'flux.yaml': flux('  annotations: {capstan.dev/ancestor: allow}\n'), 'a.yaml': configMap('a', '1') })
    await bench.sync()
    bench.push({ 'flux.yaml': flux(), 'a.yaml': configMap('a', '2') })
    const { changes } = await bench.sync()
    expect(changes).toMatchObject([
      { action: 'skipped', reason: 'AncestorInSource', message: expect.stringContaining('runs fluxd') },
      { action: 'configured' },
    ])
    expect(await bench.status()).toMatchObject({
      ready: true,
      message: expect.stringMatching(/^1 objects applied; .*runs fluxd/),
      held: [{ reason: 'AncestorInSource', file: 'flux.yaml' }],
    })
    expect(await bench.cluster.get(ref())).toBeDefined()
    bench.writes()
    await bench.sync()
    expect(bench.writes()).toEqual([])
  })

  it('loses it when git does', async () => {
    bench = await createWorkbench()
    bench.push({ 'flux.yaml': flux('  annotations: {capstan.dev/ancestor: allow}\n'), 'a.yaml': configMap('a', '1') })
    await bench.sync()
    bench.push({ 'flux.yaml': flux(), 'a.yaml': configMap('a', '1') })
    await bench.sync()
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    expect(await bench.cluster.get(ref())).toBeUndefined()
    expect(await bench.status()).toMatchObject({ ready: true, held: [] })
  })
})
