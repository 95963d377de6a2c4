import { describe, expect, it } from 'vitest'
import type { QueueFacts } from './facts.ts'
import { createMetrics, type Metrics } from './index.ts'

/** Lines of the text that begin with this. */
async function linesOf(metrics: Metrics, start: string): Promise<string[]> {
  const { text } = await metrics.text()
  return text.split('\n').filter((line) => line.startsWith(start))
}

const changes = ['created', 'unchanged', 'failed', 'failed'].map((action) => ({ action }))
const sync = { namespace: 'flux', name: 'default', success: true, seconds: 7, changes, objects: 12, isFlux: true }
const release = { targetNamespace: 'live', release: 'apps-web', success: true }
const facts: QueueFacts = {
  counts: { 'update-images': { waiting: 3, active: 1 }, 'sync-release': { waiting: 2, active: 0 } },
  oldestWaitMs: { 'update-images': 1500, 'sync-release': 0 },
  fluxWaiting: 2,
  lanes: {
    person: { waiting: 4, active: 1, oldestWaitMs: 2500 },
    periodic: { waiting: 0, active: 0, oldestWaitMs: 0 },
  },
}

describe('the text', () => {
  const rows: [string, (metrics: Metrics) => void, string[]][] = [
    [
      'a sync by success, in fluxd’s buckets',
      (metrics) => metrics.syncEnded(sync),
      [
        'flux_daemon_sync_duration_seconds_bucket{le="5",success="true"} 0',
        'flux_daemon_sync_duration_seconds_bucket{le="10",success="true"} 1',
        'flux_daemon_sync_duration_seconds_sum{success="true"} 7',
        'flux_daemon_sync_manifests{success="true"} 10',
        'flux_daemon_sync_manifests{success="false"} 2',
        'capstan_source_objects{namespace="flux",name="default"} 12',
        'capstan_changes_total{action="created"} 1',
        'capstan_changes_total{action="failed"} 2',
        'capstan_changes_total{action="deleted"} 0',
      ],
    ],
    [
      'a job that writes to git, also under fluxd’s names',
      (metrics) =>
        metrics.jobEnded({ kind: 'update-images', outcome: 'failed', seconds: 0.3, waitedSeconds: 4, isFlux: true }),
      [
        'capstan_job_duration_seconds_bucket{le="0.1",kind="update-images",outcome="failed"} 0',
        'capstan_job_duration_seconds_bucket{le="0.5",kind="update-images",outcome="failed"} 1',
        'flux_daemon_job_duration_seconds_count{success="false"} 1',
        'flux_daemon_queue_duration_seconds_sum 4',
      ],
    ],
    [
      'a release by action and as a whole',
      (metrics) => {
        metrics.releaseEnded({ ...release, action: 'upgrade', seconds: 15 })
        metrics.releaseEnded({ ...release, action: 'sync', seconds: 20 })
      },
      [
        'flux_helm_operator_release_action_duration_seconds_count{success="true",release_name="apps-web",action="upgrade",target_namespace="live"} 1',
        'flux_helm_operator_release_action_duration_seconds_count{success="true",release_name="apps-web",action="sync",target_namespace="live"} 1',
        'flux_helm_operator_release_duration_seconds_count{success="true",release_name="apps-web",namespace="live"} 1',
        'flux_helm_operator_release_duration_seconds_sum{success="true",release_name="apps-web",namespace="live"} 20',
        'flux_helm_operator_release_phase_duration_seconds_count{success="true",release_name="apps-web",action="upgrade",namespace="live"} 1',
      ],
    ],
    [
      'an answer by route',
      (metrics) => metrics.answered({ method: 'GET', route: '/api/v1/status', status: 200, seconds: 0.02 }),
      ['flux_request_duration_seconds_count{method="GET",route="/api/v1/status",status_code="200",ws="false"} 1'],
    ],
    [
      'an answer where no route matched',
      (metrics) => metrics.answered({ method: 'GET', route: '', status: 404, seconds: 0 }),
      ['flux_request_duration_seconds_count{method="GET",route="unmatched",status_code="404",ws="false"} 1'],
    ],
    [
      'an answer, also under our own name',
      (metrics) => metrics.answered({ method: 'GET', route: '/api/v1/status', status: 200, seconds: 0.02 }),
      [
        'capstan_api_request_duration_seconds_bucket{le="0.01",method="GET",route="/api/v1/status",status="200"} 0',
        'capstan_api_request_duration_seconds_bucket{le="0.025",method="GET",route="/api/v1/status",status="200"} 1',
      ],
    ],
    [
      'requests to registries and to what is known of images',
      (metrics) => {
        metrics.registryAsked({ kind: 'tags', success: false, seconds: 2 })
        metrics.cacheAsked({ method: 'GetKey', success: true, seconds: 0.1, isRepository: true })
        metrics.cacheAsked({ method: 'SetKey', success: true, seconds: 0.1, isRepository: false })
      },
      [
        'flux_client_fetch_duration_seconds_sum{kind="tags",success="false"} 2',
        'flux_cache_request_duration_seconds_count{method="GetKey",success="true"} 1',
        'flux_cache_request_duration_seconds_count{method="SetKey",success="true"} 1',
        'flux_registry_fetch_duration_seconds_count{success="true"} 1',
      ],
    ],
    [
      'a release of images',
      (metrics) => metrics.released({ type: 'specific_image', kind: 'execute', success: true, seconds: 3 }),
      [
        'flux_fluxsvc_release_duration_seconds_sum{release_type="specific_image",release_kind="execute",success="true"} 3',
      ],
    ],
    [
      'sources and releases by how they stand',
      (metrics) =>
        metrics.watchStanding(async () => ({
          sources: [{ ready: true }],
          releases: [
            { state: 'deployed', ready: true },
            { state: 'deployed', ready: true },
            { state: 'absent', ready: false },
          ],
        })),
      [
        'capstan_sources{ready="true"} 1',
        'capstan_sources{ready="false"} 0',
        'capstan_releases{state="deployed",ready="true"} 2',
        'capstan_releases{state="absent",ready="false"} 1',
      ],
    ],
    ['git that can be read', (metrics) => metrics.gitReady(true), ['flux_git_ready 1']],
    ['git that cannot be read', (metrics) => metrics.gitReady(false), ['flux_git_ready 0']],
    [
      'the queue',
      (metrics) => metrics.watchQueue(async () => facts),
      [
        'capstan_queue_jobs{kind="update-images",state="waiting"} 3',
        'capstan_queue_jobs{kind="update-images",state="active"} 1',
        'capstan_queue_oldest_wait_seconds{kind="update-images"} 1.5',
        'capstan_queue_oldest_wait_seconds{kind="sync-release"} 0',
        'flux_daemon_queue_length_count 2',
        'capstan_queue_lane_jobs{lane="person",state="waiting"} 4',
        'capstan_queue_lane_jobs{lane="person",state="active"} 1',
        'capstan_queue_lane_oldest_wait_seconds{lane="person"} 2.5',
        'capstan_queue_lane_oldest_wait_seconds{lane="periodic"} 0',
        'flux_helm_operator_release_queue_length_count 2',
      ],
    ],
    [
      'the releases and their conditions',
      (metrics) =>
        metrics.watchReleases(async () => [
          {
            targetNamespace: 'live',
            release: 'web',
            conditions: [
              { type: 'Released', status: 'False' },
              { type: 'Deployed', status: 'True' },
              { type: 'Tested', status: 'Unknown' },
            ],
          },
        ]),
      [
        'flux_helm_operator_release_count 1',
        'flux_helm_operator_release_condition_info{target_namespace="live",release_name="web",condition="Released"} -1',
        'flux_helm_operator_release_condition_info{target_namespace="live",release_name="web",condition="Deployed"} 1',
        'flux_helm_operator_release_condition_info{target_namespace="live",release_name="web",condition="Tested"} 0',
      ],
    ],
    ['the process', () => {}, ['process_start_time_seconds ', 'nodejs_eventloop_lag_seconds ']],
  ]

  it.each(rows)('shows %s', async (_what, act, expected) => {
    const metrics = createMetrics()
    act(metrics)
    const { text, contentType } = await metrics.text()
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    for (const line of expected) expect(text).toContain(`\n${line}`)
  })

  it('keeps jobs of other kinds out of what fluxd called jobs', async () => {
    const metrics = createMetrics()
    metrics.jobEnded({ kind: 'sync-source', outcome: 'done', seconds: 1, isFlux: true })
    expect(await linesOf(metrics, 'flux_daemon_job_duration_seconds_count{')).toEqual([])
    expect(await linesOf(metrics, 'capstan_job_duration_seconds_count{')).toHaveLength(1)
  })

  it('says nothing under fluxd’s names of a source that fluxd would not have had', async () => {
    const metrics = createMetrics()
    metrics.syncEnded({ ...sync, name: 'tenant', isFlux: false })
    metrics.jobEnded({ kind: 'update-images', outcome: 'done', seconds: 1, waitedSeconds: 1, isFlux: false })
    expect(await linesOf(metrics, 'flux_daemon_job_duration_seconds_count{')).toEqual([])
    expect(await linesOf(metrics, 'flux_daemon_queue_duration_seconds_count')).toEqual([
      'flux_daemon_queue_duration_seconds_count 0',
    ])
    expect(await linesOf(metrics, 'capstan_job_duration_seconds_count{')).toHaveLength(1)
    expect(await linesOf(metrics, 'flux_daemon_sync_duration_seconds_count')).toEqual([])
    expect(await linesOf(metrics, 'flux_daemon_sync_manifests{')).toEqual([])
    expect(await linesOf(metrics, 'capstan_source_objects')).toEqual([
      'capstan_source_objects{namespace="flux",name="tenant"} 12',
    ])
  })

  it('of two processes in one has nothing in common', async () => {
    const [one, other] = [createMetrics(), createMetrics()]
    one.gitReady(true)
    expect(await linesOf(other, 'flux_git_ready')).toEqual(['flux_git_ready 0'])
  })
})

describe('what is read when somebody asks', () => {
  it('is read at most every five seconds, once for all who ask at the same time', async () => {
    let at = 0
    let reads = 0
    const metrics = createMetrics({ now: () => at })
    metrics.watchQueue(async () => {
      reads++
      return facts
    })
    await Promise.all([metrics.text(), metrics.text()])
    at = 4_999
    await metrics.text()
    expect(reads).toBe(1)
    at = 5_000
    await metrics.text()
    expect(reads).toBe(2)
  })

  it('is left out, not zero, when it cannot be read', async () => {
    let at = 0
    let up = true
    const metrics = createMetrics({ now: () => at })
    metrics.watchQueue(async () => {
      if (!up) throw new Error('Redis does not answer')
      return facts
    })
    expect(await linesOf(metrics, 'capstan_queue_jobs{')).toHaveLength(4)
    up = false
    at = 10_000
    expect(await linesOf(metrics, 'capstan_queue_')).toEqual([])
    expect(await linesOf(metrics, 'flux_daemon_queue_length_count')).toEqual([])
    up = true
    at = 20_000
    expect(await linesOf(metrics, 'capstan_queue_jobs{')).toHaveLength(4)
  })

  it('forgets a release that is gone', async () => {
    let at = 0
    let releases = [{ targetNamespace: 'a', release: 'b', conditions: [{ type: 'Released', status: 'True' }] }]
    const metrics = createMetrics({ now: () => at })
    metrics.watchReleases(async () => releases)
    expect(await linesOf(metrics, 'flux_helm_operator_release_condition_info{')).toHaveLength(1)
    releases = []
    at = 5_000
    expect(await linesOf(metrics, 'flux_helm_operator_release_condition_info{')).toEqual([])
    expect(await linesOf(metrics, 'flux_helm_operator_release_count ')).toEqual(['flux_helm_operator_release_count 0'])
  })
})
