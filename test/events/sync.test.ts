import { afterEach, describe, expect, it } from 'vitest'
import type { Deployment } from '../../src/domain/event/deployment.ts'
import type { Event, SyncMetadata } from '../../src/domain/event/event.ts'
import { printNote } from '../../src/domain/image/note.ts'
import { deploymentStream, eventStream } from '../../src/domain/event/stored.ts'
import { createHistory } from '../../src/jobs/history.ts'
import { statusInCluster } from '../../src/jobs/read-status.ts'
import { tellRemoved } from '../../src/jobs/tell-removed.ts'
import { configMap } from '../sync/manifests.ts'
import { createWorkbench, silent, type Workbench } from '../sync/workbench.ts'

let bench: Workbench

afterEach(async () => {
  await bench.close()
})

async function read<T>(stream: string): Promise<T[]> {
  bench.told.comeBack()
  const entries = await bench.told.page(stream, { order: 'oldest', limit: 100 })
  return entries.map(({ entry }) => JSON.parse(entry.json ?? '') as T)
}

const events = async () => await read<Event>(eventStream)
const records = async () => await read<Deployment>(deploymentStream)

const deployment = (image: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 0
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "${image}"}]}
`
const broken = (name: string): string => configMap(name, '1').replace('\ndata:', '\ndata: {x: {y: 1}}\nmore:')

describe('what a sync tells', () => {
  it('is its first sync, each new commit, and nothing when nothing happened', async () => {
    bench = await createWorkbench()
    const first = bench.push({ 'a.yaml': configMap('a', '1'), 'web.yaml': deployment('app:1') })
    await bench.sync({ reason: 'requested by ann (sync)' })
    await bench.sync()
    bench.restart()
    await bench.sync()
    const second = bench.push({ 'a.yaml': configMap('a', '1'), 'web.yaml': deployment('app:2') })
    await bench.sync({ reason: 'push to main' })
    const web = `${bench.target}:deployment/web`
    const a = `${bench.target}:configmap/a`
    expect(
      (await events()).map(({ type, commit, message, serviceIDs }) => ({ type, commit, message, serviceIDs })),
    ).toEqual([
      {
        type: 'sync',
        commit: first,
        message: `Sync: ${first.slice(0, 12)}, ${[a, web].join(', ')}`,
        serviceIDs: expect.arrayContaining([a, web]),
      },
      { type: 'sync', commit: second, message: `Sync: ${second.slice(0, 12)}, ${web}`, serviceIDs: [web] },
    ])
    expect((await events()).map(({ metadata }) => 'initialSync' in metadata)).toEqual([true, false])
    expect(await records()).toMatchObject([
      {
        cause: { by: 'ann', why: 'requested by ann (sync)' },
        job: 'a-job',
        outcome: 'done',
        before: '',
        revision: `main@${first}`,
        images: ['app:1'],
        counts: { created: 2, unchanged: 0 },
      },
      {
        cause: { by: 'webhook' },
        before: `main@${first}`,
        revision: `main@${second}`,
        images: ['app:2'],
        counts: { configured: 1, unchanged: 1 },
        changes: [{ id: web, action: 'configured' }],
      },
    ])
  })

  it('is a failure once, until it fails in another way or is well again', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    bench.push({ 'a.yaml': configMap('a', '1'), 'b.yaml': broken('b') })
    for (let times = 0; times < 3; times++) await bench.sync()
    bench.restart()
    await bench.sync()
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    const told = (await events()).map(({ severity, reason, metadata }) => ({
      severity,
      reason,
      errors: (metadata as SyncMetadata).errors?.map(({ ID, Path }) => [ID, Path]),
    }))
    expect(told).toEqual([
      { severity: 'info', reason: '', errors: undefined },
      { severity: 'error', reason: 'ApplyRefused', errors: [[`${bench.target}:configmap/b`, 'b.yaml']] },
      { severity: 'info', reason: '', errors: undefined },
    ])
    expect((await records()).map(({ outcome, reason }) => [outcome, reason])).toEqual([
      ['done', ''],
      ['failed', 'ApplyRefused'],
    ])
  })

  it('is what keeps it from being synced at all, once', async () => {
    bench = await createWorkbench({ ref: { kind: 'branch', value: 'nowhere' }, branch: 'nowhere' })
    bench.push({ 'a.yaml': configMap('a', '1') })
    for (let times = 0; times < 3; times++) await expect(bench.outcome()).rejects.toThrow('nowhere')
    expect(await events()).toMatchObject([
      { type: 'error', severity: 'error', logLevel: 'error', reason: 'GitRefNotFound', source: { kind: 'source' } },
    ])
    expect(await records()).toEqual([])
  })

  it('is the end of its trouble when the Source is removed, and the same trouble again when it is back', async () => {
    bench = await createWorkbench()
    const { told, spec, cluster } = bench
    const removed = async (reason = '', { namespace, name } = spec) =>
      await tellRemoved(
        { namespace, name, reported: { reason, generation: 1 } },
        {
          store: told,
          readStatus: statusInCluster(cluster),
          history: createHistory({ store: told, redact: (text) => text, log: silent })(''),
          now: () => new Date(),
        },
        AbortSignal.timeout(30_000),
      )
    const severities = async () => (await events()).map(({ type, severity }) => `${type} ${severity}`)
    bench.push({ 'a.yaml': broken('a') })
    await told.set(`told:fetch:${spec.namespace}/${spec.name}`, 'GitUnreachable')
    await bench.sync()
    expect(await severities()).toEqual(['sync error'])
    await removed()
    const ends = (await events()).slice(1)
    expect(ends).toMatchObject([
      { type: 'error', severity: 'info', reason: '', metadata: { step: 'fetch' }, message: 'the Source was removed' },
      { type: 'error', severity: 'info', reason: '', metadata: {}, source: { kind: 'source', name: spec.name } },
    ])
    bench.restart()
    await bench.sync()
    await bench.sync()
    expect((await severities()).slice(3)).toEqual(['sync error'])
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    await removed()
    // where the status went with its namespace, what the object said last counts
    const gone = { ...spec, namespace: 'gone' }
    for (const reason of ['', 'Applied', 'ApplyRefused']) await removed(reason, gone)
    expect((await severities()).slice(4)).toEqual(['sync info', 'error info'])
  })

  it('are the releases that its commits made, as their notes say', async () => {
    bench = await createWorkbench()
    bench.push({ 'web.yaml': deployment('app:1') })
    await bench.sync()
    const id = `${bench.target}:deployment/web`
    const PerContainer = [{ Container: 'web', Current: 'app:1', Target: 'app:2' }]
    const note = printNote({
      jobID: 'x',
      spec: { type: 'auto', cause: { User: '', Message: '' }, spec: { Changes: [] } },
      result: { [id]: { Status: 'success', PerContainer } },
    })
    const commit = bench.push({ 'web.yaml': deployment('app:2') })
    bench.inWork('notes', '--ref', 'flux', 'add', '-m', note, commit)
    bench.inWork('push', '-q', bench.spec.url, 'refs/notes/flux')
    await bench.sync()
    expect((await events()).slice(1)).toMatchObject([
      { type: 'autorelease', serviceIDs: [id], message: 'Automated release of app:2', metadata: { Revision: commit } },
      { type: 'sync', metadata: { includes: { autorelease: true } } },
    ])
  })

  it('tells only of commits that touch its paths', async () => {
    bench = await createWorkbench({ paths: ['deploy'] })
    bench.push({ 'deploy/a.yaml': configMap('a', '1'), 'README.md': 'one' })
    await bench.sync()
    bench.push({ 'deploy/a.yaml': configMap('a', '1'), 'README.md': 'two' })
    await bench.sync()
    expect(await events()).toHaveLength(1)
    expect((await bench.status()).ready).toBe(true)
  })

  it('holds no secret, and holds up no sync while Redis is away', async () => {
    bench = await createWorkbench()
    bench.push({ 'a.yaml': configMap('a', '1') })
    bench.told.goAway()
    await bench.sync()
    expect(await events()).toEqual([])
    bench.push({ 'a.yaml': configMap('a', '2'), 'b.yaml': broken('hunter2') })
    await bench.sync()
    const text = JSON.stringify([await events(), await records()])
    expect(text).toContain('*****')
    expect(text).not.toContain('hunter2')
  })
})
