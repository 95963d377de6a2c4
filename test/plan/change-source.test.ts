import { afterEach, describe, expect, it } from 'vitest'
import { sourceKind } from '../../src/domain/source/resource.ts'
import { statusRef } from '../../src/domain/source/status.ts'
import { requestJobName, requestKey, sealRequest } from '../../src/domain/work/request.ts'
import { installSources, sourceObject } from '../sources/definition.ts'
import { createWorkbench, type Workbench } from './workbench.ts'

const cleanUps: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

async function start(): Promise<Workbench> {
  const bench = await createWorkbench()
  cleanUps.push(() => bench.close())
  return bench
}

const web = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: "1"}\n'
const suspend = { kind: 'change-source', change: 'suspend', why: 'it rains' } as const
const resume = { kind: 'change-source', change: 'resume' } as const

async function annotations({ cluster, spec }: Workbench): Promise<Record<string, string>> {
  return (await cluster.get(statusRef(spec)))?.metadata.annotations ?? {}
}

describe('a change of a source', () => {
  it('suspends it with who and why, and resumes it', async () => {
    const bench = await start()
    bench.push({ 'a.yaml': web })
    await bench.sync()
    expect(await bench.change(suspend, 'bob')).toEqual({ end: 'done', summary: 'suspended → sync-source.1' })
    expect(JSON.parse((await annotations(bench))['capstan.dev/suspend'] ?? '{}')).toMatchObject({
      by: 'bob',
      why: 'it rains',
    })
    bench.push({ 'a.yaml': web.replace('"1"', '"2"') })
    await bench.outcome()
    expect(await bench.status()).toMatchObject({ ready: false, reason: 'Suspended' })
    expect((await bench.plan()).warnings).toEqual([expect.stringContaining('suspended by bob')])
    await bench.change(resume)
    expect(await annotations(bench)).not.toHaveProperty(['capstan.dev/suspend'])
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true })
  })

  it('may come before the first sync', async () => {
    const bench = await start()
    bench.push({ 'a.yaml': web })
    await bench.change(suspend)
    await bench.outcome()
    expect(await bench.status()).toMatchObject({ reason: 'Suspended' })
  })

  it('that was asked for later wins, whichever is run first', async () => {
    const bench = await start()
    const { namespace, name } = bench.spec
    const first = await bench.requests.put({ namespace, name, by: 'a', ask: suspend })
    await new Promise((resolve) => setTimeout(resolve, 2))
    const second = await bench.requests.put({ namespace, name, by: 'b', ask: resume })
    await bench.runChange(requestJobName(second))
    const summary = 'a later request was answered before; nothing to do'
    expect(await bench.runChange(requestJobName(first))).toEqual({ end: 'done', summary })
    expect(await annotations(bench)).not.toHaveProperty(['capstan.dev/suspend'])
  })

  it('is done once: a copy of its record put back by somebody does nothing', async () => {
    const bench = await start()
    const { namespace, name } = bench.spec
    const request = await bench.requests.put({ namespace, name, by: 'a', ask: suspend })
    const key = `request:${request.id}`
    const copy = (await bench.store.get(key)) ?? ''
    await bench.runChange(requestJobName(request))
    expect(await bench.runChange(requestJobName(request))).toMatchObject({
      summary: expect.stringContaining('already'),
    })
    await new Promise((resolve) => setTimeout(resolve, 2))
    await bench.change(resume)
    await bench.store.set(key, copy)
    await bench.runChange(requestJobName(request))
    expect(await annotations(bench)).not.toHaveProperty(['capstan.dev/suspend'])
  })

  it('is written on the Source object where there is one', async () => {
    const bench = await start()
    await installSources(bench.cluster)
    const { namespace, name } = bench.spec
    const ref = { ...sourceKind, namespace, name }
    await bench.cluster.create(sourceObject(namespace, name))
    bench.spec.origin = 'resource'
    await bench.change(suspend, 'bob')
    expect((await bench.cluster.get(ref))?.spec).toMatchObject({ suspend: { by: 'bob', why: 'it rains' } })
    await bench.change(resume)
    expect((await bench.cluster.get(ref))?.spec).not.toHaveProperty('suspend')
  })
})

describe('a forged request', () => {
  const id = 'b'.repeat(32)
  const forged = { id, name: 'default', by: 'eve', at: '2099-01-01T00:00:00.000Z', endedAt: '', ask: suspend }

  it.each<[what: string, key: string]>([
    ['that is signed with another token', 'another-token'],
    ['that is signed with an empty one', ''],
  ])('%s does nothing', async (_what, token) => {
    const bench = await start()
    const { namespace } = bench.spec
    const text = sealRequest({ ...forged, namespace }, requestKey(token)) ?? ''
    await bench.store.set(`request:${id}`, text)
    bench.writes()
    expect(await bench.runChange(`default@${id}`)).toMatchObject({
      summary: expect.stringContaining('not signed by us'),
    })
    expect(await annotations(bench)).toEqual({})
    expect(bench.writes()).toEqual([])
  })

  it('for a plan cannot change anything, and one of another source neither', async () => {
    const bench = await start()
    const { namespace } = bench.spec
    const plan = await bench.requests.put({
      namespace,
      name: 'default',
      by: 'a',
      ask: { kind: 'plan-source', ref: '', files: false, full: false },
    })
    expect(await bench.runChange(requestJobName(plan))).toMatchObject({ summary: expect.stringContaining('no such') })
    const other = await bench.requests.put({ namespace: 'elsewhere', name: 'default', by: 'a', ask: suspend })
    expect(await bench.runChange(requestJobName(other))).toMatchObject({ summary: expect.stringContaining('no such') })
    const named = await bench.requests.put({ namespace, name: 'other', by: 'a', ask: suspend })
    expect(await bench.runChange(`default@${named.id}`)).toMatchObject({ summary: expect.stringContaining('no such') })
    expect(await annotations(bench)).toEqual({})
  })
})
