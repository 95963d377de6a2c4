import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { encodeInventory } from '../../src/domain/plan/inventory.ts'
import { inventoryKey, partName } from '../../src/domain/plan/inventory-parts.ts'
import { authorized, createWorkbench, goodStatus } from './workbench.ts'

type Bench = ReturnType<typeof createWorkbench>

async function get(app: Bench['app'], url: string) {
  const answer = await app.inject({ url: `/api/v1/${url}`, headers: authorized })
  return { status: answer.statusCode, body: answer.json() }
}

function deployment(namespace: string, name: string, image = 'registry.example/web:1.0.0') {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace, name, generation: 1 },
    spec: { replicas: 1, template: { spec: { containers: [{ name: 'main', image }] } } },
    status: { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1, availableReplicas: 1 },
  }
}

describe('workloads', () => {
  it('are listed in pages, filtered and sorted', async () => {
    const { app, objects } = createWorkbench()
    for (const name of ['c', 'a', 'b']) objects.push(deployment('shop', name))
    objects.push(deployment('web', 'd'))
    const first = await get(app, 'workloads?limit=3')
    expect(first.body.workloads.map(({ id }: { id: string }) => id)).toEqual(
      ['a', 'b', 'c'].map((name) => `shop:deployment/${name}`),
    )
    const { body } = await get(app, `workloads?limit=3&cursor=${first.body.next}`)
    expect(body).toMatchObject({
      next: '',
      workloads: [
        {
          id: 'web:deployment/d',
          namespace: 'web',
          containers: [{ name: 'main', image: 'registry.example/web:1.0.0' }],
          status: 'ready',
          rollout: { desired: 1, ready: 1, messages: [] },
          automated: false,
          locked: false,
        },
      ],
    })
    expect((await get(app, 'workloads?namespace=web')).body.workloads).toHaveLength(1)
    expect((await get(app, 'workloads?name=shop:deployment/a')).body.workloads).toHaveLength(1)
    expect((await get(app, 'workloads?locked=true')).body.workloads).toEqual([])
    expect((await get(app, 'workloads?cursor=nonsense')).status).toBe(400)
  })

  it('are told with what is known of their images', async () => {
    const { app, objects } = createWorkbench()
    objects.push(deployment('shop', 'a'))
    expect((await get(app, 'images')).body).toEqual({
      next: '',
      images: [
        {
          id: 'shop:deployment/a',
          containers: [
            {
              name: 'main',
              image: 'registry.example/web:1.0.0',
              wanted: '',
              newer: 0,
              newerWanted: 0,
              tags: [],
              problem: expect.any(String),
            },
          ],
        },
      ],
    })
  })

  it('are exported as YAML behind their namespaces', async () => {
    const { app, objects } = createWorkbench()
    objects.push(deployment('shop', 'a'), deployment('web', 'd'))
    for (const name of ['shop', 'web']) objects.push({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
    const answer = await app.inject({ url: '/api/v1/export?namespace=web', headers: authorized })
    expect(answer.headers['content-type']).toContain('application/yaml')
    const kinds = parseAllDocuments(answer.body).map((document) => (document.toJS() as { kind: string }).kind)
    expect(kinds).toEqual(['Namespace', 'Deployment'])
  })
})

describe('objects of sources', () => {
  function withInventory(bench: Bench, text?: string): void {
    const ref = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', namespace: 'shop', name })
    const entry = { applied: 'x', owned: 'y', tried: '', triedAt: '' }
    const inventory = new Map(
      ['b', 'a'].map((name) => [name, { ...entry, ref: ref(name), file: `deploy/${name}.yaml` }]),
    )
    const { content, digest } = encodeInventory(inventory)
    bench.objects.push({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'capstan-system', name: partName('default', digest, 0) },
      binaryData: { [inventoryKey]: Buffer.from(text ?? content).toString('base64') },
    })
    const failed = [
      {
        id: 'shop:configmap/a',
        file: 'deploy/a.yaml',
        line: 1,
        reason: 'ApplyRefused' as const,
        message: 'no',
        since: '',
      },
    ]
    bench.putStatus({ ...goodStatus, failed, inventory: { parts: [partName('default', digest, 0)], digest, count: 2 } })
  }

  it('are listed with their file and what stands in their way', async () => {
    const bench = createWorkbench()
    withInventory(bench)
    const { body } = await get(bench.app, 'objects')
    expect(body).toMatchObject({
      next: '',
      notes: [],
      objects: [
        {
          id: 'shop:configmap/a',
          source: 'capstan-system/default',
          file: 'deploy/a.yaml',
          applied: false,
          reason: 'ApplyRefused',
        },
        { id: 'shop:configmap/b', file: 'deploy/b.yaml', applied: true, reason: '' },
      ],
    })
    expect((await get(bench.app, 'objects?applied=true')).body.objects).toHaveLength(1)
    expect((await get(bench.app, 'objects?in=web')).body.objects).toEqual([])
    expect((await get(bench.app, 'objects?namespace=elsewhere')).body.objects).toEqual([])
    expect((await get(bench.app, 'objects?sort=-file&limit=1')).body.objects).toMatchObject([{ name: 'b' }])
  })

  it('are not taken for none where they cannot be read', async () => {
    const bench = createWorkbench()
    withInventory(bench, 'damaged')
    expect((await get(bench.app, 'objects')).body).toEqual({
      objects: [],
      next: '',
      notes: ['What source capstan-system/default owns could not be read.'],
    })
  })
})

describe('jobs', () => {
  it('come in pages that go on where they were when jobs come and go', async () => {
    const { app, queue, endJob } = createWorkbench()
    const work = (name: string, namespace: string) =>
      queue.enqueue({ kind: 'sync-source', namespace, name, reason: 'x', lane: 'person' })
    const made: string[] = []
    for (const name of ['a', 'b', 'c', 'd']) made.push((await work(name, 'shop')).jobId)
    await work('e', 'web')
    const names = async (query: string) => {
      const { body } = await get(app, `jobs?${query}`)
      return {
        names: body.jobs.map(({ name }: { name: string }) => name).join(''),
        next: encodeURIComponent(body.next),
      }
    }
    const first = await names('limit=2')
    expect(first.names).toBe('ab')
    expect((await names(`limit=2&cursor=${first.next}`)).names).toBe('cd')
    endJob(made[1] ?? '', { result: 'done' })
    expect((await names('limit=9&namespace=web')).names).toBe('e')
    expect((await names('limit=9&name=c')).names).toBe('c')
    expect((await get(app, 'jobs?cursor=x')).status).toBe(400)
  })
})
