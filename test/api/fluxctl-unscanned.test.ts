import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deployment } from '../e2e/manifests.ts'
import { rowsOf } from './fluxctl.ts'
import { createFluxWorld, type FluxWorld } from './flux-world.ts'

describe('fluxctl where registries are not scanned', () => {
  let world: FluxWorld
  let web = ''

  beforeAll(async () => {
    world = await createFluxWorld(
      ({ space, image }) => ({ 'web.yaml': deployment('web', space, { replicas: 0, image: `${image}:1.0.0` }) }),
      // HelmReleases of others are left alone
      ['--registry-disable-scanning', '--allow-namespace=no-such-namespace'],
    )
    web = `${world.space}:deployment/web`
  })
  afterAll(async () => await world?.stop())

  it('sets policies, of which automation does nothing, and releases an image that is named', async () => {
    expect((await world.fluxctl.run('automate', '-w', web)).code).toBe(0)
    expect((await world.fluxctl.run('list-images', '-w', web)).stdout).toContain('image data not available')
    const newest = await world.fluxctl.run('release', '--workload', web, '--update-all-images', '-v')
    expect([newest.code, rowsOf(newest.stdout)[1]?.slice(0, 2)]).toEqual([0, [web, 'skipped']])
    const named = await world.fluxctl.run('release', '--workload', web, '-i', `${world.image}:1.0.1`)
    expect([named.code, rowsOf(named.stdout)[1]]).toEqual([0, [web, 'success', `web: ${world.image}:1.0.0 -> 1.0.1`]])
    await world.repository.git('pull', '-q', '--ff-only', 'origin', 'main')
    expect(readFileSync(join(world.repository.clone, 'deploy/web.yaml'), 'utf8')).toMatch(
      /automated: 'true'[^]*:1\.0\.1/,
    )
    const { jobs } = await world.capstan.api<{ jobs: { kind: string }[] }>('/api/v1/jobs?kind=scan-image')
    expect(jobs).toEqual([])
  })
})
