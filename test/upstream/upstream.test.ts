import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { which } from '../../playground/tools/on-path.ts'
import { createFluxWorld, type FluxWorld } from '../api/flux-world.ts'
import { type Service, startService } from './service.ts'

const deployment = (space: string, image: string): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: ${space}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "${image}:1.0.0"}]}
`

describe.runIf(which('go'))('the service of --connect, made of fluxd’s own packages', () => {
  let service: Service
  let world: FluxWorld
  beforeAll(async () => {
    service = await startService()
    world = await createFluxWorld(
      ({ space, image }) => ({ 'web.yaml': deployment(space, image) }),
      [
        '--enable=sync,images',
        `--connect=${service.url.replace('http', 'ws')}`,
        '--token=of-the-service',
        '--rpc-timeout=30s',
      ],
    )
    expect(await service.call('accept')).toEqual({ result: 'accepted' })
  }, 600_000)
  afterAll(async () => {
    service?.stop()
    await world?.stop()
  })

  it('is called at its register route with the token, as fluxd did', () => {
    expect(service.connections[0]).toEqual({
      path: '/v11/daemon',
      authorization: 'Scope-Probe token=of-the-service',
      agent: expect.stringMatching(/^fluxd\/\d/),
    })
  })

  it('pings, and asks for the version', async () => {
    expect(await service.call('Ping')).toEqual({ result: null })
    expect((await service.call('Version')).result).toMatch(/^\d+\.\d+\.\d+/)
  })

  it('lists workloads and images', async () => {
    const { result } = await service.call('ListServices', world.space)
    expect(result).toMatchObject([
      {
        ID: `${world.space}:deployment/web`,
        ReadOnly: '',
        Containers: [{ Name: 'web', Current: { ID: `${world.image}:1.0.0` } }],
      },
    ])
    const spec = { Spec: `${world.space}:deployment/web`, OverrideContainerFields: ['Name', 'AvailableImagesCount'] }
    const images = async () => (await service.call('ListImagesWithOptions', spec)).result
    await until('the tags are known', async () => JSON.stringify(await images()).includes('"AvailableImagesCount":3'), {
      timeoutMs: 240_000,
    })
    expect(await images()).toMatchObject([{ Containers: [{ Name: 'web', AvailableImagesCount: 3 }] }])
  })

  it('exports, and asks for repository and state of the sync', async () => {
    expect((await service.call('Export')).result).toContain(`name: ${world.space}`)
    expect((await service.call('GitRepoConfig', false)).result).toMatchObject({
      remote: { url: world.repository.url, branch: 'main', path: 'deploy' },
      status: 'ready',
    })
    expect((await service.call('SyncStatus', world.commit)).result).toEqual([])
  })

  it('releases an image by a commit, and follows the job', async () => {
    const { result: job, error } = await service.call('UpdateManifests', {
      type: 'image',
      cause: { Message: 'please', User: 'somebody' },
      spec: {
        ServiceSpecs: [`${world.space}:deployment/web`],
        ImageSpec: `${world.image}:1.0.1`,
        Kind: 'execute',
        Excludes: null,
        Force: false,
      },
    })
    expect([error, job]).toEqual([undefined, expect.any(String)])
    const status = async () => (await service.call('JobStatus', job)).result as { StatusString: string; Result: object }
    await until('it is done', async () => (await status()).StatusString === 'succeeded')
    expect(await status()).toMatchObject({ Result: { revision: expect.stringMatching(/^[0-9a-f]{40}$/) } })
    await until('it runs', async () =>
      JSON.stringify((await service.call('ListServices', world.space)).result).includes(`${world.image}:1.0.1`),
    )
  })

  it('is told what was wrong with what it asked, beside the result', async () => {
    expect(await service.call('JobStatus', 'no-such-job')).toMatchObject({
      type: 'missing',
      error: 'unknown job "no-such-job"',
      help: expect.stringContaining('ask again'),
    })
    // its own client knows no method without a kind of error for it: this one comes as plain words
    expect(await service.call('NotifyChange', { Kind: 'git', Source: { URL: 'x', Branch: 'y' } })).toEqual({
      result: null,
    })
  })

  it('is called again when the connection is lost, and its time is a metric', async () => {
    const metrics = async () => await (await fetch(`${world.capstan.url}/metrics`)).text()
    const seconds = async () =>
      Number(/^flux_fluxd_connection_duration_seconds\{target="[^"]+"\} (\S+)$/m.exec(await metrics())?.[1])
    expect(await seconds()).toBeGreaterThan(0)
    await service.call('drop')
    await until('it is noticed', async () => (await seconds()) === 0)
    expect(await service.call('accept')).toEqual({ result: 'accepted' })
    expect(await service.call('Ping')).toEqual({ result: null })
    await until('it counts again', async () => (await seconds()) > 0)
  })

  it('has left what it did in the metrics, with the labels of fluxd and of our own', async () => {
    const text = await (await fetch(`${world.capstan.url}/metrics`)).text()
    const labels = (name: string): string[] => {
      const found = new RegExp(`^${name}(?:_count)?\\{([^}]*)\\} [1-9]`, 'm').exec(text)?.[1] ?? ''
      return [...found.matchAll(/(\w+)="/g)].map(([, label = '']) => label).toSorted()
    }
    const wanted = {
      flux_daemon_sync_duration_seconds: ['success'],
      flux_daemon_sync_manifests: ['success'],
      flux_daemon_job_duration_seconds: ['success'],
      flux_cache_request_duration_seconds: ['method', 'success'],
      flux_client_fetch_duration_seconds: ['kind', 'success'],
      flux_registry_fetch_duration_seconds: ['success'],
      flux_request_duration_seconds: ['method', 'route', 'status_code', 'ws'],
      flux_fluxsvc_release_duration_seconds: ['release_kind', 'release_type', 'success'],
      capstan_job_duration_seconds: ['kind', 'outcome'],
      capstan_api_request_duration_seconds: ['method', 'route', 'status'],
      capstan_sources: ['ready'],
    }
    expect(Object.fromEntries(Object.keys(wanted).map((name) => [name, labels(name)]))).toEqual(wanted)
    for (const name of ['flux_daemon_queue_duration_seconds_count', 'flux_daemon_queue_length_count', 'flux_git_ready'])
      expect(text).toMatch(new RegExp(`^${name} \\d`, 'm'))
    expect(text).toMatch(/^capstan_queue_lane_jobs\{lane="person",state="waiting"\} \d+$/m)
    expect(text).toMatch(/^capstan_queue_lane_oldest_wait_seconds\{lane="periodic"\} [\d.]+$/m)
  })

  it('ends the process when it says that it is gone (HTTP 410)', async () => {
    const pid = world.capstan.pid()
    await service.call('gone')
    await until('it has ended', async () => !isAlive(pid))
    expect(await world.capstan.kill('SIGTERM')).toBe(1)
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
