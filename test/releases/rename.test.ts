import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createReleaseMemory } from '../../src/jobs/sync-release/memory.ts'
import { createReleaseBench, type ReleaseBench, template } from './workbench.ts'

const claim = `apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: "{{ .Release.Name }}-data"}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}
`

const labels = { 'app.kubernetes.io/name': 'capstan' }
const pod = { metadata: { labels }, spec: { containers: [{ name: 'a', image: 'none' }] } }
/** Capstan's own, as its chart makes it; no pod runs. */
const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: '{{ .Release.Name }}', labels: ${JSON.stringify(labels)}}
spec: ${JSON.stringify({ replicas: 0, selector: { matchLabels: labels }, template: pod })}
`

describe('a HelmRelease that gets another release name or namespace (ruling 21)', () => {
  let bench: ReleaseBench
  let elsewhere: string

  beforeAll(async () => {
    bench = await createReleaseBench()
    elsewhere = `${bench.namespace}-b`
    await bench.cluster.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: elsewhere } })
    await bench.publish('1.0.0', { 'config.yaml': template })
    await bench.publish('1.1.0', { 'config.yaml': template, 'claim.yaml': claim })
    await bench.publish('1.2.0', { 'deployment.yaml': deployment })
  })

  afterAll(async () => {
    await bench.cluster.delete({ apiVersion: 'v1', kind: 'Namespace', name: elsewhere }, {})
    await bench.close()
  })

  const chart = (version: string) => ({ repository: bench.charts.url, name: 'demo', version })
  const releases = async () => (await bench.helm('list', '-a', '-q')).split('\n')
  const messageOf = async (name: string) => JSON.stringify((await bench.get(name))?.status)
  const events = async (name: string, reason: string) =>
    (await bench.cluster.list({ apiVersion: 'v1', kind: 'Event', namespace: bench.namespace })).filter(
      (event) => event.reason === reason && (event.involvedObject as { name: string }).name === name,
    )

  it('leaves the old release, says how to remove it, and says so once', async () => {
    await bench.put('web', { releaseName: 'web-old', chart: chart('1.0.0') })
    await bench.sync('web')
    await bench.put('web', { releaseName: 'web-new', chart: chart('1.0.0') })
    expect(await bench.sync('web')).toMatchObject({ end: 'done' })
    expect(await releases()).toEqual(expect.arrayContaining(['web-old', 'web-new']))
    expect(await messageOf('web')).toContain(`OldReleaseLeft: release web-old in ${bench.namespace}`)
    expect(await messageOf('web')).toContain(`helm uninstall web-old --namespace ${bench.namespace}`)
    await bench.sync('web')
    bench.writes()
    await bench.sync('web')
    expect(bench.writes()).toEqual([])
    expect(await events('web', 'OldReleaseLeft')).toHaveLength(1)
  })

  it('removes it when that one is approved', async () => {
    await bench.annotate('web', { 'capstan.dev/approve': `remove-${bench.namespace}/web-old` })
    bench.helmRuns()
    expect(await bench.sync('web')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual(['uninstall'])
    expect(await releases()).not.toContain('web-old')
    expect(await messageOf('web')).not.toContain('OldReleaseLeft')
    expect(await events('web', 'OldReleaseRemoved')).toHaveLength(1)
    expect(
      await bench.cluster.get({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        namespace: bench.namespace,
        name: 'capstan-release-web-old',
      }),
    ).toBeUndefined()
  })

  it('never removes the one that Capstan itself runs from', async () => {
    const { ownNamespace } = bench.deps
    bench.deps.ownNamespace = bench.namespace
    onTestFinished(() => void (bench.deps.ownNamespace = ownNamespace))
    await bench.put('self', { releaseName: 'self-old', chart: chart('1.2.0') }, { 'capstan.dev/on-rename': 'remove' })
    expect(await bench.sync('self')).toMatchObject({ end: 'done' })
    await bench.put('self', { releaseName: 'self-new', chart: chart('1.0.0') }, { 'capstan.dev/on-rename': 'remove' })
    await bench.sync('self')
    expect(await messageOf('self')).toContain('because Capstan itself runs from it')
    expect(await releases()).toEqual(expect.arrayContaining(['self-old', 'self-new']))
    bench.deps.ownNamespace = ownNamespace
    await bench.sync('self', { reason: 'asked' })
    expect(await releases()).not.toContain('self-old')
  })

  it('removes it by annotation, also from another namespace, only after the new one is deployed', async () => {
    await bench.annotate('web', { 'capstan.dev/on-rename': 'remove' })
    await bench.put('web', {
      releaseName: 'web-new',
      targetNamespace: elsewhere,
      chart: { ...chart('1.0.0'), name: 'absent' },
    })
    expect(await bench.sync('web')).toMatchObject({ end: 'again' })
    expect(await releases()).toContain('web-new')
    await bench.put('web', { releaseName: 'web-new', targetNamespace: elsewhere, chart: chart('1.0.0') })
    expect(await bench.sync('web')).toMatchObject({ end: 'done' })
    expect(await releases()).not.toContain('web-new')
    await bench.put('web', { releaseName: 'web-new', chart: chart('1.0.0') })
    expect(await bench.sync('web')).toMatchObject({ end: 'done' })
    expect(await releases()).toContain('web-new')
    const record = { apiVersion: 'v1', kind: 'ConfigMap', namespace: elsewhere, name: 'capstan-release-web-new' }
    expect(await bench.cluster.get(record)).toBeUndefined()
  })

  it('knows what it leaves when a name comes back', async () => {
    for (const releaseName of ['to', 'fro', 'to']) {
      await bench.put('back', { releaseName, chart: chart('1.0.0') })
      expect(await bench.sync('back')).toMatchObject({ end: 'done' })
    }
    expect(await messageOf('back')).toContain('OldReleaseLeft: release fro ')
    expect(await messageOf('back')).not.toContain('OldReleaseLeft: release to ')
    await bench.helm('uninstall', 'fro')
    await bench.sync('back')
    expect(await messageOf('back')).not.toContain('OldReleaseLeft')
  })

  it('knows what it leaves when another process took it there and this one takes it back', async () => {
    const [here, there] = [createReleaseMemory(), createReleaseMemory()]
    for (const [releaseName, memory] of [
      ['out', here],
      ['home', there],
      ['out', here],
    ] as const) {
      bench.deps.memory = memory
      await bench.put('shared', { releaseName, chart: chart('1.0.0') })
      expect(await bench.sync('shared')).toMatchObject({ end: 'done' })
    }
    expect(await messageOf('shared')).toContain('OldReleaseLeft: release home ')
  })

  it('asks for no records of other names while it stays where it is', async () => {
    const list = vi.spyOn(bench.deps.cluster, 'list')
    onTestFinished(() => list.mockRestore())
    for (const text of ['one', 'two']) {
      await bench.put('still', { releaseName: 'still', chart: chart('1.0.0'), values: { text } })
      expect(await bench.sync('still')).toMatchObject({ end: 'done' })
    }
    expect(list.mock.calls.map(([query]) => query.kind)).not.toContain('ConfigMap')
  })

  it('never removes one that has a volume claim, whoever wants it', async () => {
    await bench.put('data', { releaseName: 'data-old', chart: chart('1.1.0') })
    await bench.sync('data')
    const approve = `remove-${bench.namespace}/data-old`
    await bench.annotate('data', { 'capstan.dev/on-rename': 'remove', 'capstan.dev/approve': approve })
    await bench.put('data', { releaseName: 'data-new', chart: chart('1.1.0') })
    bench.helmRuns()
    expect(await bench.sync('data')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual(['install'])
    expect(await messageOf('data')).toContain('because it has PersistentVolumeClaim data-old-data')
  })

  it('never removes one that Capstan never wrote to, or that another HelmRelease asks for', async () => {
    await bench.annotate('web', { 'capstan.dev/on-rename': 'remove' })
    await bench.put('other', { releaseName: 'web-new', chart: chart('1.0.0') })
    await bench.put('web', { releaseName: 'web-third', chart: chart('1.0.0') })
    bench.helmRuns()
    expect(await bench.sync('web')).toMatchObject({ end: 'done' })
    expect(bench.helmRuns()).toEqual(['install'])
    expect(await messageOf('web')).toContain('because HelmRelease other asks for it')
    expect(await bench.sync('other')).toMatchObject({ end: 'done' })
    await bench.sync('web')
    expect(await messageOf('web')).not.toContain('OldReleaseLeft')
    expect(await releases()).toContain('web-new')
  })
})
