import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChartRepository, startChartRepository } from '../../playground/stack/chart-repository.ts'
import { until } from '../../playground/stack/until.ts'
import { makeNamespace } from '../cluster/world.ts'
import { helm } from '../packaging/chart.ts'
import { stack } from '../stack/stack.ts'
import { type OwnChartWorld, startOwnChartWorld } from './own-chart-world.ts'
import { template } from './workbench.ts'
import { kind } from './world.ts'

const promisedMs = 5_000

describe('after helm uninstall of Capstan, with its hook really run (ruling 12)', () => {
  let world: OwnChartWorld
  let folder: string
  let charts: ChartRepository
  /** Where the HelmReleases are, and where the release of one of them goes. */
  let apps: string
  let target: string

  beforeAll(async () => {
    world = await startOwnChartWorld()
    apps = await makeNamespace(world.cluster)
    target = await makeNamespace(world.cluster)
    folder = mkdtempSync(join(tmpdir(), 'capstan-uninstall-'))
    charts = await startChartRepository({ root: join(folder, 'served'), helm: stack().helm })
    mkdirSync(join(folder, 'demo/templates'), { recursive: true })
    writeFileSync(join(folder, 'demo/Chart.yaml'), 'apiVersion: v2\nname: demo\nversion: 1.0.0\n')
    writeFileSync(join(folder, 'demo/templates/config.yaml'), template)
    await charts.publish(join(folder, 'demo'))
    await world.publish('0.9.1')
    const values = { ...world.values, allowNamespace: apps, enable: ['releases'] }
    await world.install('0.9.1', values)
    const chart = { repository: charts.url, name: 'demo', version: '1.0.0' }
    const releases = {
      web: { targetNamespace: apps, chart },
      far: { targetNamespace: target, chart },
      capstan: { targetNamespace: world.namespace, chart: world.chart('0.9.1'), values },
    }
    for (const [name, spec] of Object.entries(releases)) {
      await world.put(name, { releaseName: name, ...spec }, apps)
      await world.released(name, apps)
      expect(await finalizersOf(name)).toEqual(['capstan.dev/release'])
    }
    await world.helm('uninstall', 'capstan', '--wait', '--timeout=600s')
  })

  afterAll(async () => {
    await world.stop(apps, target)
    await charts.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const find = async (name: string) => await world.cluster.get({ ...kind, namespace: apps, name })
  const finalizersOf = async (name: string) => (await find(name))?.metadata.finalizers
  /** Milliseconds from the request on until it is not there any more. */
  const deleted = async (ref: { apiVersion: string; kind: string; namespace?: string; name: string }) => {
    const began = performance.now()
    await world.cluster.delete(ref, {})
    await until(`${ref.name} is gone`, async () => (await world.cluster.get(ref)) === undefined)
    return performance.now() - began
  }
  const stays = async (name: string, namespace: string) => {
    const config = { apiVersion: 'v1', kind: 'ConfigMap', namespace, name: `${name}-config` }
    expect(await world.cluster.get(config)).toMatchObject({ data: { secret: 'none' } })
    const listed = await helm('list', '--all', '--namespace', namespace, '--output', 'json')
    expect(JSON.parse(listed)).toMatchObject([{ name, status: 'deployed', revision: '1' }])
  }

  it('no Capstan runs, its finalizers are off, and no release was touched', async () => {
    expect(world.pods.ejected()).toEqual([
      expect.stringContaining(`HelmRelease ${apps}/web is free; its release stays`),
    ])
    expect(world.pods.processes().map(({ child }) => child.exitCode)).toEqual([0])
    for (const name of ['web', 'far', 'capstan']) expect(await finalizersOf(name)).toBeUndefined()
    await stays('web', apps)
    await stays('far', target)
    expect(await world.revisions('capstan')).toEqual([])
  })

  it('a HelmRelease that is deleted is gone within five seconds, and its release is still there', async () => {
    for (const name of ['web', 'capstan'])
      expect(await deleted({ ...kind, namespace: apps, name })).toBeLessThan(promisedMs)
    await stays('web', apps)
  })

  it('its namespace goes as an empty one does, and the release in another is still there', async () => {
    const empty = await makeNamespace(world.cluster)
    const ref = (name: string) => ({ apiVersion: 'v1', kind: 'Namespace', name })
    const [usual, took] = await Promise.all([deleted(ref(empty)), deleted(ref(apps))])
    expect(took - usual).toBeLessThan(promisedMs)
    await stays('far', target)
  })
})
