import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChartRepository, startChartRepository } from '../../playground/stack/chart-repository.ts'
import { pushImage } from '../../playground/stack/push-image.ts'
import { until } from '../../playground/stack/until.ts'
import { stack } from '../stack/stack.ts'
import { type Capstan, startCapstan } from './capstan.ts'
import { kubectl, read } from './kubectl.ts'
import { deployment, namespace } from './manifests.ts'
import { createRepository, type Repository } from './repository.ts'

type Release = { namespace: string; name: string; chart: string; revision: number; state: string; ready: boolean }
type Status = { ready: boolean; releases: Release[] }

const greeter = fileURLToPath(new URL('../../playground/sample/charts/greeter', import.meta.url))

describe('releases and images through the whole system', () => {
  const id = randomBytes(3).toString('hex')
  const space = `whole-${id}`
  const host = stack().registry
  const path = `whole-${id}/web`
  const image = `${host}/${path}`
  const folder = mkdtempSync(join(tmpdir(), 'capstan-charts-'))
  let repository: Repository
  let charts: ChartRepository
  let capstan: Capstan

  const release = (name: string, chart: string) => `apiVersion: helm.fluxcd.io/v1
kind: HelmRelease
metadata:
  name: ${name}
  namespace: ${space}
spec:
  releaseName: ${name}
  chart:
${chart}`

  const status = async () => await capstan.api<Status>('/api/v1/status')
  const ofSpace = async () => (await status()).releases.filter((one) => one.namespace === space)

  beforeAll(async () => {
    cpSync(greeter, join(folder, 'greeter'), { recursive: true })
    charts = await startChartRepository({
      root: join(folder, 'served'),
      helm: stack().helm,
      charts: [join(folder, 'greeter')],
    })
    await pushImage({ registry: host, repository: path, tag: '1.0.0' })
    repository = await createRepository()
    await repository.push({ 'README.md': 'the whole system' })
    cpSync(greeter, join(repository.clone, 'charts/greeter'), { recursive: true })
    const version = /^version: (.*)$/m.exec(readFileSync(join(greeter, 'Chart.yaml'), 'utf8'))?.[1] ?? ''
    const annotations = '    fluxcd.io/automated: "true"\n    fluxcd.io/tag.web: semver:~1.0\n'
    await repository.change({
      'deploy/namespace.yaml': namespace(space),
      'deploy/web.yaml': deployment('web', space, { replicas: 0, image: `${image}:1.0.0`, annotations }),
      'deploy/one.yaml': release('one', `    repository: ${charts.url}\n    name: greeter\n    version: ${version}\n`),
      'deploy/two.yaml': release('two', `    git: ${repository.url}\n    ref: main\n    path: charts/greeter\n`),
    })
    capstan = await startCapstan([
      `--git-url=${repository.url}`,
      '--git-branch=main',
      '--git-path=deploy',
      '--git-poll-interval=1s',
      '--sync-interval=1h',
      '--charts-sync-interval=1h',
      '--automation-interval=1h',
      '--sync-garbage-collection',
      '--sync-state=cluster',
      `--allow-namespace=${space}`,
      `--registry-insecure-host=${stack().registry}`,
    ])
  })

  afterAll(async () => {
    await kubectl('delete', 'helmreleases.helm.fluxcd.io', '--all', '-n', space, '--timeout=120s').catch(
      () => undefined,
    )
    await capstan?.stop()
    await charts?.stop()
    await repository?.stop()
    await kubectl('delete', 'namespace', space, '--ignore-not-found', '--wait=false')
    rmSync(folder, { recursive: true, force: true })
  })

  it('installs a chart from a repository and one from a git path', async () => {
    await until('both are deployed', async () => (await ofSpace()).filter((one) => one.ready).length === 2, {
      logFile: capstan.logFile,
    })
    const releases = await ofSpace()
    expect(releases.map(({ name, state, revision }) => [name, state, revision])).toEqual([
      ['one', 'deployed', 1],
      ['two', 'deployed', 1],
    ])
    expect(releases[1]?.chart).toMatch(/^git:charts\/greeter@[0-9a-f]{7,40}$/)
  })

  it('commits a new tag that the policy chooses, with the comments in place, and rolls it out', async () => {
    await pushImage({ registry: host, repository: path, tag: '1.0.1' })
    await pushImage({ registry: host, repository: path, tag: '2.0.0' })
    const event = { action: 'push', target: { repository: path, tag: '1.0.1' }, request: { host } }
    const response = await fetch(`${capstan.url}/api/v1/images/notify`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${capstan.token}`,
        'content-type': 'application/vnd.docker.distribution.events.v1+json',
      },
      body: JSON.stringify({ events: [event] }),
    })
    expect(response.status).toBe(202)
    await until(
      'the new image is on the cluster',
      async () => JSON.stringify((await read('deployment', space, 'web'))?.spec).includes(`${image}:1.0.1`),
      {
        logFile: capstan.logFile,
      },
    )
    await repository.git('pull', '-q', '--rebase', 'origin', 'main')
    const text = readFileSync(join(repository.clone, 'deploy/web.yaml'), 'utf8')
    expect(text).toContain(`image: ${image}:1.0.1 # kept by Capstan`)
    expect(text).toContain('# changed by hand')
    expect(execFileSync('git', ['log', '-1', '--format=%s'], { cwd: repository.clone, encoding: 'utf8' }).trim()).toBe(
      `Auto-release ${image}:1.0.1`,
    )
  })

  it('upgrades within seconds when a ConfigMap that a release names changes', async () => {
    const values = (greeting: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: values\n  namespace: ${space}\ndata:\n  values.yaml: |\n    greeting: ${greeting}\n`
    const chart = `    git: ${repository.url}\n    ref: main\n    path: charts/greeter\n`
    await repository.change({
      'deploy/values.yaml': values('hello'),
      'deploy/two.yaml': `${release('two', chart)}  valuesFrom:\n    - configMapKeyRef:\n        name: values\n`,
    })
    const isAt = async (greeting: string) =>
      JSON.stringify((await read('configmap', space, 'two'))?.data).includes(greeting)
    await until('the first values are there', async () => await isAt('hello'), { logFile: capstan.logFile })
    await repository.change({ 'deploy/values.yaml': values('servus') })
    await until('the changed values are there', async () => await isAt('servus'), { logFile: capstan.logFile })
  })

  it('goes on at once when the namespace that a release waited for is made', async () => {
    const target = `${space}-later`
    const chart = `    git: ${repository.url}\n    ref: main\n    path: charts/greeter\n`
    await repository.change({ 'deploy/three.yaml': `${release('three', chart)}  targetNamespace: ${target}\n` })
    await until('it waits', async () => (await ofSpace()).some(({ name, ready }) => name === 'three' && !ready), {
      logFile: capstan.logFile,
    })
    await kubectl('create', 'namespace', target)
    await until('it is deployed', async () => (await ofSpace()).some(({ name, ready }) => name === 'three' && ready), {
      logFile: capstan.logFile,
    })
    await repository.change({ 'deploy/three.yaml': undefined })
    await until('it is gone', async () => (await ofSpace()).every(({ name }) => name !== 'three'), {
      logFile: capstan.logFile,
    })
    await kubectl('delete', 'namespace', target, '--wait=false')
  })

  it('uninstalls a release when its file leaves git', async () => {
    await repository.change({ 'deploy/two.yaml': undefined })
    await until('the HelmRelease is gone', async () => (await ofSpace()).length === 1, { logFile: capstan.logFile })
    await until(
      'its release is gone',
      async () => (await kubectl('get', 'secrets', '-n', space, '-l', 'owner=helm,name=two', '-o', 'name')) === '',
    )
    expect((await ofSpace())[0]).toMatchObject({ name: 'one', ready: true })
  })
})
