import { describe, expect, it } from 'vitest'
import { AppError } from '../../src/domain/error.ts'
import { gcMark, syncSetName } from '../../src/domain/manifest/gc-mark.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { authorized, commit, createWorkbench, goodStatus, spec } from './workbench.ts'

function helmRelease(name: string): KubeObject {
  return {
    apiVersion: 'helm.fluxcd.io/v1',
    kind: 'HelmRelease',
    metadata: { name, namespace: 'demo', generation: 1 },
    spec: { chart: { repository: 'http://charts', name, version: '1.0.0' } },
    status: {
      observedGeneration: 1,
      phase: 'Succeeded',
      revision: '1.0.0',
      conditions: [{ type: 'Released', status: 'True', reason: 'Succeeded' }],
    },
  }
}

function helmSecret(release: string, version: number, status: string): KubeObject {
  const labels = { owner: 'helm', name: release, version: String(version), status }
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: `sh.helm.release.v1.${release}.v${version}`, namespace: 'demo', labels },
  }
}

function deployment(
  name: string,
  metadata: { labels?: Record<string, string>; annotations?: Record<string, string> },
  available: number,
): KubeObject {
  const status = { replicas: 1, updatedReplicas: 1, availableReplicas: available }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'demo', ...metadata },
    spec: { replicas: 1 },
    status,
  }
}

const mark = (name: string) =>
  gcMark(syncSetName({ safeUrl: 'https://me@git.example/a.git', branch: 'main', paths: ['deploy'] }), {
    kind: 'Deployment',
    namespace: 'demo',
    name,
  })

describe('status', () => {
  it('is green when source and releases are, by the newest revision that helm stored', async () => {
    const { views, objects, putStatus, putFetch } = createWorkbench()
    putStatus(goodStatus)
    await putFetch(commit)
    objects.push(helmRelease('web'), helmSecret('demo-web', 9, 'superseded'), helmSecret('demo-web', 10, 'deployed'))
    objects.push(deployment('plain', { labels: { 'fluxcd.io/sync-gc-mark': mark('plain') } }, 1))
    const status = await views.status()
    expect(status).toMatchObject({
      ready: true,
      healthy: true,
      sources: [
        {
          namespace: 'capstan-system',
          name: 'default',
          revision: `main@${commit}`,
          attempted: `main@${commit}`,
          ready: true,
          objects: 3,
          failed: [],
        },
      ],
      releases: [{ namespace: 'demo', name: 'web', chart: 'web@1.0.0', revision: 10, state: 'deployed', ready: true }],
      notes: [],
    })
    expect(JSON.stringify(status)).not.toContain('hunter2')
  })

  it('tells the health of workloads apart', async () => {
    const { views, objects, putStatus, putFetch } = createWorkbench()
    putStatus(goodStatus)
    await putFetch(commit)
    const helm = {
      labels: { 'app.kubernetes.io/managed-by': 'Helm' },
      annotations: { 'meta.helm.sh/release-name': 'demo-web', 'meta.helm.sh/release-namespace': 'demo' },
    }
    objects.push(helmRelease('web'), helmSecret('demo-web', 1, 'deployed'), deployment('chart', helm, 0))
    objects.push(deployment('plain', { labels: { 'fluxcd.io/sync-gc-mark': mark('plain') } }, 0))
    objects.push(
      deployment('copied', { labels: { 'fluxcd.io/sync-gc-mark': mark('plain') } }, 0),
      deployment('other', {}, 0),
    )
    expect(await views.status()).toMatchObject({
      ready: true,
      healthy: false,
      sources: [
        {
          ready: true,
          healthy: false,
          unhealthy: [{ id: 'demo:deployment/plain', state: 'progressing', message: '0 of 1 pods available' }],
        },
      ],
      releases: [{ ready: true, healthy: false, unhealthy: [{ id: 'demo:deployment/chart' }] }],
    })
  })

  it('goes on without Redis, and is not ready', async () => {
    const { views, queue, store, putStatus } = createWorkbench()
    putStatus(goodStatus)
    queue.goAway()
    store.goAway()
    expect(await views.status()).toMatchObject({
      ready: false,
      sources: [{ ready: false, reason: 'RedisUnavailable', objects: 3 }],
    })
    expect(await views.readiness()).toMatchObject({ ready: true, redis: { up: false } })
  })

  it('goes on without the cluster, says so of every row, and forgets nothing', async () => {
    const bench = createWorkbench()
    bench.putStatus(goodStatus)
    await bench.putFetch(commit)
    expect((await bench.views.status()).sources[0]?.ready).toBe(true)
    bench.clusterState.failure = new AppError('ClusterUnavailable', 'The API server is gone.')
    expect(await bench.views.source(spec.namespace, spec.name)).toMatchObject({
      ready: false,
      reason: 'ClusterUnavailable',
      revision: `main@${commit}`,
    })
    const fresh = createWorkbench()
    fresh.clusterState.failure = bench.clusterState.failure
    const status = await fresh.views.status()
    expect(status).toMatchObject({
      ready: false,
      healthy: false,
      sources: [{ reason: 'ClusterUnavailable' }],
      releases: [],
    })
    expect(status.notes).toEqual([
      'Releases could not be read: The API server is gone.',
      'The health of workloads is not known: The API server is gone.',
    ])
    await expect(fresh.views.releases()).rejects.toMatchObject({ reason: 'ClusterUnavailable' })
    expect(await fresh.views.readiness()).toMatchObject({
      ready: false,
      cluster: { reachable: false, message: 'The API server is gone.' },
    })
  })

  describe('where a Source object cannot be read', () => {
    const problem = { reason: 'InvalidSource', message: 'spec.ref must have exactly one of branch, tag' } as const
    const brokenSources = [{ namespace: 'team', name: 'shop', problem }]
    const row = { namespace: 'team', name: 'shop', ready: false, ...problem }

    it('shows it as a row with the reason, what was applied before, and the others as they are', async () => {
      const { views, putStatus, putFetch } = createWorkbench({ brokenSources })
      putStatus(goodStatus)
      putStatus({ ...goodStatus, objects: 7 }, { ...spec, namespace: 'team', name: 'shop' })
      await putFetch(commit)
      const status = await views.status()
      expect(status.ready).toBe(false)
      expect(status.sources).toMatchObject([
        { name: 'default', ready: true },
        { ...row, objects: 7, revision: `main@${commit}` },
      ])
      expect(await views.source('team', 'shop')).toMatchObject({ ...row, objects: 7 })
      expect(await views.source('team', 'other')).toBeUndefined()
    })

    it('gives that row by HTTP, says so to who asks for a sync, and explains it', async () => {
      const { app, views } = createWorkbench({ brokenSources, sources: [] })
      const ask = async (method: 'GET' | 'POST', url: string) => await app.inject({ method, url, headers: authorized })
      expect((await ask('GET', '/api/v1/sources')).json()).toMatchObject({ sources: [row] })
      expect((await ask('GET', '/api/v1/status')).json()).toMatchObject({ sources: [row] })
      const why = `The source team/shop cannot be used: ${problem.message}.`
      for (const path of ['sync', 'plans']) {
        const answer = await ask('POST', `/api/v1/sources/team/shop/${path}`)
        expect([answer.statusCode, answer.json<{ detail: string }>().detail]).toEqual([404, why])
      }
      for (const asked of ['source/team/shop', 'shop'])
        expect(await views.explain(asked, '', async () => true)).toEqual({ none: why })
      expect((await views.status()).notes.join()).not.toContain('No git repository')
      await app.close()
    })
  })

  it('says what is not configured', async () => {
    const { views } = createWorkbench({ sources: [] })
    expect(await views.status()).toMatchObject({
      ready: true,
      sources: [],
      notes: [
        'No git repository is configured; give --git-url.',
        'The cluster has no HelmRelease definition; releases run once it is there.',
      ],
    })
  })

  it('leaves out what is not done here', async () => {
    const { views, objects } = createWorkbench({ enable: ['releases'] })
    objects.push(helmRelease('web'))
    expect(await views.status()).toMatchObject({ sources: [], releases: [{ name: 'web', state: 'absent' }], notes: [] })
    const { views: other } = createWorkbench({ enable: ['sync'] })
    expect(await other.status()).toMatchObject({ sources: [{ name: 'default' }], releases: [], notes: [] })
  })

  it('takes odd facts in Redis for none', async () => {
    const { views, store, putStatus } = createWorkbench()
    putStatus(goodStatus)
    for (const odd of ['{', 'null', '[]', '{"at":1}', '"x"']) {
      await store.set('fetch:capstan-system/default', odd)
      expect((await views.source(spec.namespace, spec.name))?.message).toBe('The branch has not been fetched yet.')
    }
  })
})
