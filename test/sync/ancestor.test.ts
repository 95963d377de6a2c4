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

describe('a repository with the definition of HelmReleases as the Helm Operator shipped it', () => {
  let bench: Workbench

  afterEach(async () => {
    await bench.close()
  })

  const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: helmreleases.helm.fluxcd.io}
spec:
  group: helm.fluxcd.io
  scope: Namespaced
  names: {kind: HelmRelease, listKind: HelmReleaseList, plural: helmreleases, singular: helmrelease}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object}}}}
`

  it('is applied without it, so that ours is not taken back', async () => {
    bench = await createWorkbench()
    bench.push({ 'crd.yaml': definition, 'a.yaml': configMap('a', '1') })
    bench.writes()
    const { changes } = await bench.sync()
    expect(changes).toMatchObject([
      { action: 'skipped', reason: 'OlderDefinition', message: expect.stringContaining('--install-crds=false') },
      { action: 'created' },
    ])
    expect(bench.writes().join('\n')).not.toContain('CustomResourceDefinition')
    expect(await bench.status()).toMatchObject({
      ready: true,
      held: [{ reason: 'OlderDefinition', file: 'crd.yaml' }],
    })
  })
})
