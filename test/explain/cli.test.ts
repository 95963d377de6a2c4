import { afterEach, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { AppError } from '../../src/domain/error.ts'
import { historyKey, printHistory } from '../../src/domain/explain/history.ts'
import { tagsKey } from '../../src/domain/image/facts.ts'
import { gcMarkLabel } from '../../src/domain/manifest/annotations.ts'
import { gcMark } from '../../src/domain/manifest/gc-mark.ts'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { syncSetOf } from '../../src/domain/source/sync-set.ts'
import { createCliBench } from '../api/cli-bench.ts'
import { authorized, commit, createWorkbench, goodStatus, spec } from '../api/workbench.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

function deployment(
  name: string,
  { namespace = 'demo', available = 1, image = 'reg.example/web:1.0.0' } = {},
): KubeObject {
  const mark = gcMark(syncSetOf(spec), { kind: 'Deployment', namespace, name })
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { [gcMarkLabel]: mark } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: name } },
      template: { spec: { containers: [{ name: 'app', image }] } },
    },
    status: { replicas: 1, updatedReplicas: 1, availableReplicas: available },
  }
}

function helmRelease(name: string, status: object): KubeObject {
  return {
    apiVersion: 'helm.fluxcd.io/v1',
    kind: 'HelmRelease',
    metadata: { name, namespace: 'demo', generation: 1 },
    spec: { chart: { repository: 'http://charts', name, version: '1.0.0' } },
    status,
  }
}

async function start({ isTTY = false, onOut }: { isTTY?: boolean; onOut?: (text: string) => void } = {}) {
  const bench = createWorkbench()
  bench.putStatus(goodStatus)
  await bench.putFetch(commit)
  bench.objects.push(deployment('web'))
  const url = await bench.app.listen({ host: '127.0.0.1', port: 0 })
  cleanUps.push(() => bench.app.close())
  const get = async (query: string) => await bench.app.inject({ url: `/api/v1/explain?${query}`, headers: authorized })
  return { ...bench, cli: createCliBench({ url, isTTY, ...(onOut ? { onOut } : {}) }), get }
}

const refused = {
  ...goodStatus,
  ready: false,
  reason: 'ApplyRefused' as const,
  message: '1 of 3 objects failed: no',
  failedCount: 1,
}
const failure = {
  id: 'demo:deployment/web',
  file: 'web.yaml',
  line: 3,
  reason: 'ApplyRefused' as const,
  message: 'no \u001b[2J\nway',
  since: commit,
}

describe('capstan explain', () => {
  it('exits 0 where all is done, and shows each step', async () => {
    const { cli } = await start()
    const { code, stdout, stderr } = await cli('explain', 'deployment/web')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.split('\n')
    expect(lines.slice(0, 2)).toEqual(['workload demo:deployment/web: all is done', ''])
    expect(lines.slice(2, -1).map((line) => line.split(/ {2,}/).filter((_, at) => at !== 2))).toEqual([
      ['STEP', 'STATE', 'NEXT TRY', 'OF', 'WHY'],
      ['tag', 'skipped', '-', 'reg.example/web:1.0.0', 'its registry has not been asked'],
      ['policy', 'skipped', '-', 'reg.example/web:1.0.0', 'not automated: git alone says the tag'],
      ['commit', 'skipped', '-', 'demo:deployment/web', 'the cluster runs reg.example/web:1.0.0'],
      ['revision', 'done', '-', 'capstan-system/default', 'branch main is at 0123456'],
      ['queue', 'done', '-', 'capstan-system/default', 'nothing waits to be applied'],
      ['hold', 'done', '-', 'capstan-system/default', 'nothing holds it'],
      ['apply', 'done', '-', 'demo:deployment/web', 'applied with main@0123456'],
      ['rollout', 'done', '-', 'demo:deployment/web', 'it is healthy'],
    ])
  })

  it('exits 1 with the first cause, what unblocks it and the next try; foreign words move no cursor', async () => {
    const { cli, putStatus, queue } = await start()
    putStatus({ ...refused, failed: [failure] })
    const { jobId } = await queue.enqueue({
      kind: 'sync-source',
      ...spec,
      reason: 'x',
      lane: 'periodic',
      delayMs: 60_000,
    })
    const job = queue.jobs.find(({ id }) => id === jobId)
    if (job) job.nextRunAt = new Date(Date.now() + 24 * 3_600_000).toISOString()
    const { code, stdout } = await cli('explain', 'demo:deployment/web')
    expect(code).toBe(1)
    expect(stdout.split('\n').slice(0, 7)).toEqual([
      'workload demo:deployment/web: stopped at apply',
      '',
      '  why       ApplyRefused web.yaml:3: no �[2J way',
      '  of        demo:deployment/web',
      expect.stringMatching(/^ {2}since {5}2026-11-21T10:00:00Z \(.* ago\)$/),
      '  unblock   Mend the object as the message says.',
      expect.stringMatching(/^ {2}next try {2}in 24h \(/),
    ])
    expect(stdout).not.toContain('\u001b')
  })

  it('has colours on a terminal only', async () => {
    const { cli } = await start({ isTTY: true })
    expect((await cli('explain', 'web')).stdout).toContain('\u001b[32mall is done\u001b[39m')
  })

  it('is JSON for scripts, the same as the API says', async () => {
    const { cli, get, putStatus } = await start()
    putStatus({
      ...goodStatus,
      ready: false,
      reason: 'Suspended',
      suspended: { by: 'ana', why: 'audit', since: '2026-11-21T08:00:00Z' },
    })
    const { code, stdout } = await cli('explain', 'source/default', '-o', 'json')
    const printed = JSON.parse(stdout) as Record<string, unknown>
    expect(code).toBe(1)
    expect(printed).toMatchObject({
      subject: { kind: 'source', id: 'capstan-system/default' },
      state: 'stopped',
      cause: {
        step: 'hold',
        reason: 'Suspended',
        at: '2026-11-21T08:00:00Z',
        command: 'capstan resume capstan-system/default',
      },
    })
    const { observedAt: _, ...answer } = (await get('subject=source/default')).json() as Record<string, unknown>
    expect(Object.keys(printed).toSorted()).toEqual([...Object.keys(answer), 'observedAt'].toSorted())
  })

  it.each([
    ['deployment/webb', 'There is no deployment/webb. Did you mean demo:deployment/web?'],
    ['source/web', 'There is no source/web. Did you mean demo:deployment/web?'],
    [
      'demo:configmap/any',
      'No source says that demo:configmap/any failed or is held, and more is known of workloads alone. Ask about its source.',
    ],
    ['fedcba9', 'There is no fedcba9. See capstan status for what there is.'],
    ['reg.example/other:1', 'There is no reg.example/other:1. See capstan status for what there is.'],
    ['../etc/passwd', '../etc/passwd is no workload, release, source, image or commit.'],
  ])('exits 4 for %s', async (subject, message) => {
    const { cli } = await start()
    const { code, stderr } = await cli('explain', subject)
    expect({ code, stderr: stderr.trim() }).toEqual({ code: 4, stderr: `error ${message}` })
  })

  it('exits 64 where several have that name, and takes a namespace', async () => {
    const { cli, objects } = await start()
    objects.push(deployment('web', { namespace: 'shop' }))
    const { code, stderr } = await cli('explain', 'deployment/web')
    expect([code, stderr]).toEqual([64, expect.stringContaining('Which one? demo:deployment/web, shop:deployment/web')])
    expect((await cli('explain', 'deployment/web', '-n', 'shop')).stdout).toContain('shop:deployment/web: all is done')
    expect((await cli('explain')).code).toBe(64)
  })
})

describe('what can be asked about', () => {
  it('a release, by each of its names', async () => {
    const { get, objects } = await start()
    const conditions = [
      { type: 'Released', status: 'False', reason: 'DeployFailed', message: 'HookFailed: pre-install hooks failed' },
    ]
    objects.push(helmRelease('pod', { observedGeneration: 1, phase: 'DeployFailed', conditions }))
    for (const subject of ['release/demo/pod', 'release/pod', 'demo:helmrelease/pod', 'pod', 'demo-pod']) {
      const answer = (await get(`subject=${encodeURIComponent(subject)}`)).json() as Record<string, unknown>
      expect([subject, answer]).toEqual([
        subject,
        expect.objectContaining({
          subject: { kind: 'release', id: 'demo/pod' },
          cause: expect.objectContaining({ step: 'apply', reason: 'HookFailed', message: 'pre-install hooks failed' }),
        }),
      ])
    }
  })

  it('a workload that helm made, which goes the way of its HelmRelease', async () => {
    const { get, objects } = await start()
    const conditions = [
      { type: 'Released', status: 'False', reason: 'Failed', message: 'DependencyNotReady: it waits' },
    ]
    objects.push(helmRelease('pod', { observedGeneration: 1, phase: 'Failed', conditions }))
    const { metadata, ...made } = deployment('pod', { available: 0 })
    const annotations = {
      'helm.fluxcd.io/antecedent': 'demo:helmrelease/pod',
      'meta.helm.sh/release-name': 'demo-pod',
      'meta.helm.sh/release-namespace': 'demo',
    }
    const labels = { 'app.kubernetes.io/managed-by': 'Helm' }
    objects.push({ ...made, metadata: { name: 'pod', namespace: metadata.namespace ?? '', annotations, labels } })
    type Answer = { cause: object; steps: { step: string; of: string; state: string }[] }
    const { cause, steps } = (await get('subject=deployment/pod')).json() as Answer
    expect(cause).toMatchObject({ step: 'hold', of: 'demo/pod', reason: 'DependencyNotReady', message: 'it waits' })
    expect(steps.map(({ step, of, state }) => `${step} ${state} ${of}`)).toEqual([
      'tag skipped reg.example/web:1.0.0',
      'queue done demo/pod',
      'hold stopped demo/pod',
      'apply waiting demo/pod',
      'rollout waiting demo:deployment/pod',
    ])
    expect((await get('subject=release/pod')).json()).toMatchObject({
      steps: expect.arrayContaining([expect.objectContaining({ step: 'rollout', of: 'demo:deployment/pod' })]),
    })
  })

  it('an image, with the workloads that use it', async () => {
    const { get, store, objects } = await start()
    await store.set(
      tagsKey('reg.example/web'),
      JSON.stringify({ at: '2026-11-21T10:00:00Z', tags: ['1.0.0', '1.0.1'] }),
    )
    const ask = async (image: string) =>
      (await get(`subject=${encodeURIComponent(image)}`)).json() as {
        steps: { step: string }[]
        cause: object | null
      }
    expect(await ask('reg.example/web:1.0.0')).toMatchObject({
      state: 'done',
      subject: { kind: 'image', id: 'reg.example/web:1.0.0' },
    })
    expect((await ask('reg.example/web:1.0.1')).cause).toMatchObject({
      step: 'policy',
      reason: 'NotAutomated',
      of: 'demo:deployment/web app',
    })
    expect((await ask('reg.example/web:7')).cause).toMatchObject({ step: 'tag', reason: 'TagNotFound' })
    expect((await ask('reg.example/web')).cause).toBeNull()
    objects.push(deployment('other', { image: 'reg.example/web:1.0.1' }))
    const both = await until('the other is listed', async () => {
      const found = await ask('reg.example/web:1.0.1')
      return found.cause === null && found
    })
    expect(both.steps.filter(({ step }) => step === 'policy')).toMatchObject([
      { of: 'demo:deployment/other app', state: 'done' },
      { of: 'demo:deployment/web app', state: 'skipped', reason: 'NotAutomated' },
    ])
  })

  it('an image that git may name already, and that does not get through', async () => {
    const { get, putStatus } = await start()
    putStatus({ ...refused, failed: [failure] })
    const answer = (await get(`subject=${encodeURIComponent('reg.example/web:1.0.1')}`)).json() as object
    expect(answer).toMatchObject({
      state: 'stopped',
      cause: { step: 'apply', reason: 'ApplyRefused', of: 'demo:deployment/web' },
      steps: expect.arrayContaining([
        expect.objectContaining({ step: 'policy', state: 'unknown', of: 'demo:deployment/web app' }),
        expect.objectContaining({ step: 'revision', state: 'done' }),
      ]),
    })
  })

  it('a commit, by its first digits', async () => {
    const { get, store } = await start()
    const old = 'f'.repeat(40)
    await store.set(
      historyKey(spec.namespace, spec.name),
      printHistory(commit, [
        { commit, parents: [old] },
        { commit: old, parents: [] },
      ]),
    )
    const answer = (await get('subject=fffffff')).json() as object
    expect(answer).toMatchObject({ subject: { kind: 'commit', id: old }, state: 'done' })
  })

  it('a commit that cannot be fetched is stopped by that', async () => {
    const { get, putFetch } = await start()
    await putFetch('', { reason: 'GitAuthFailed', message: 'denied' })
    const answer = (await get('subject=fffffff')).json() as object
    expect(answer).toMatchObject({ state: 'stopped', cause: { step: 'revision', reason: 'GitAuthFailed' } })
  })

  it('a workload that is not there yet comes with a source that is not applied yet', async () => {
    const { get, putFetch } = await start()
    await putFetch('', { reason: 'GitAuthFailed', message: 'denied' })
    const answer = (await get('subject=demo:deployment/next')).json() as object
    expect(answer).toMatchObject({
      cause: { step: 'revision', reason: 'GitAuthFailed' },
      notes: [expect.stringMatching(/^It is not in the cluster; if source capstan-system.default defines it/)],
    })
  })

  it('Redis being away is the cause, and the cluster being away is a problem', async () => {
    const { get, queue, store, clusterState } = await start()
    queue.goAway()
    store.goAway()
    for (const subject of ['demo:deployment/web', 'source/default', 'fffffff']) {
      expect((await get(`subject=${subject}`)).json()).toMatchObject({
        cause: { step: 'queue', reason: 'RedisUnavailable' },
      })
    }
    clusterState.failure = new AppError('ClusterUnavailable', 'gone')
    const answer = await get('subject=demo:deployment/web')
    expect([answer.statusCode, answer.json()]).toEqual([503, expect.objectContaining({ reason: 'ClusterUnavailable' })])
    expect((await get('subject=source/default')).json()).toMatchObject({ cause: { reason: 'RedisUnavailable' } })
  })

  it('needs the token, and a subject', async () => {
    const { app, get } = await start()
    expect((await app.inject({ url: '/api/v1/explain?subject=web' })).statusCode).toBe(401)
    expect((await get('')).statusCode).toBe(400)
    expect((await get(`subject=${'x'.repeat(401)}`)).statusCode).toBe(400)
  })

  it('is in the OpenAPI document', async () => {
    const { app } = await start()
    const { paths, components } = app.swagger() as {
      paths: Record<string, { get?: { operationId: string } }>
      components: { schemas: object }
    }
    expect(paths['/api/v1/explain']?.get?.operationId).toBe('explain')
    expect(Object.keys(components.schemas)).toEqual(
      expect.arrayContaining(['Explanation', 'ExplainStep', 'FirstCause']),
    )
  })
})

describe('capstan wait', () => {
  it('ends with 0 when all is done', async () => {
    const { cli } = await start()
    const done = { code: 0, stderr: '', stdout: 'workload demo:deployment/web: all is done\n' }
    expect(await cli('wait', 'deployment/web')).toMatchObject(done)
  })

  it('waits for a commit that was not fetched yet', async () => {
    const fetched = printHistory(commit, [{ commit, parents: [] }])
    const { cli, store } = await start({
      onOut: (text) => {
        if (text.includes('not known')) void store.set(historyKey(spec.namespace, spec.name), fetched)
      },
    })
    const { code, stdout } = await cli('wait', '--commit', commit, '--timeout', '120s')
    expect({ code, stdout }).toEqual({ code: 0, stdout: `it is not known yet\ncommit ${commit}: all is done\n` })
  })

  it('ends with 1 at what does not pass by itself', async () => {
    const { cli, putStatus } = await start()
    putStatus({ ...refused, failed: [failure] })
    const { code, stdout } = await cli('wait', 'deployment/web', '--timeout', '60s')
    expect(stdout).toMatch(/stopped at apply: ApplyRefused /)
    expect(code).toBe(1)
  })

  it('waits for an image until git was fetched again', async () => {
    const stopped = /stopped at policy: NotAutomated the cluster runs reg\.example\/web:1\.0\.0\n$/
    const pushed = await start({
      onOut: (text) => {
        if (!stopped.test(text)) return
        pushed.objects.splice(0, Infinity, deployment('web', { image: 'reg.example/web:1.0.1' }))
        pushed.putStatus(goodStatus)
      },
    })
    const tags = JSON.stringify({ at: '2026-11-21T10:00:00Z', tags: ['1.0.0', '1.0.1'] })
    await pushed.store.set(tagsKey('reg.example/web'), tags)
    const there = await pushed.cli('wait', 'reg.example/web:1.0.1', '--timeout', '120s')
    expect([there.code, there.stdout]).toEqual([0, expect.stringMatching(/NotAutomated .*\nimage .*: all is done\n$/)])

    const forgotten = await start({ onOut: (text) => void (stopped.test(text) && forgotten.putFetch(commit)) })
    await forgotten.store.set(tagsKey('reg.example/web'), tags)
    const gone = await forgotten.cli('wait', 'reg.example/web:1.0.1', '--timeout', '120s')
    expect([gone.code, gone.stdout]).toEqual([1, expect.stringMatching(stopped)])
  })

  it('ends with 3 when the time is over, and says how far it came', async () => {
    const { cli } = await start()
    const { code, stdout } = await cli('wait', '--commit', 'f'.repeat(40), '--timeout', '5s')
    expect({ code, stdout }).toEqual({ code: 3, stdout: 'it is not known yet\n' })
  })

  it('wants one thing to wait for', async () => {
    const { cli } = await start()
    expect(await cli('wait')).toMatchObject({ code: 64 })
    expect(await cli('wait', 'deployment/web', '--commit', commit)).toMatchObject({ code: 64 })
  })
})
