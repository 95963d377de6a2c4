import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import { labelForFluxctl, withoutFluxctlLabel } from '../../src/jobs/fluxctl-label.ts'
import { makeNamespace, quiet, realCluster, removeNamespace, until } from '../cluster/world.ts'
import { createFluxctl } from './fluxctl.ts'

let cluster: Cluster
let namespace: string
const stops: (() => Promise<void>)[] = []

beforeAll(() => {
  cluster = realCluster()
})
afterAll(async () => await cluster.close())

beforeEach(async () => {
  namespace = await makeNamespace(cluster)
  return async () => {
    for (const stop of stops.splice(0)) await stop()
    await removeNamespace(cluster, namespace)
  }
})

async function run(name: string, labels: Record<string, string>, phase = 'Running'): Promise<void> {
  const spec = { containers: [{ name: 'main', image: 'none.example/none' }], nodeName: noNode() }
  // a namespace gets its service account a moment after it was made
  await until(`pod ${name}`, async () => {
    const made = cluster.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels }, spec })
    return await made.then(
      () => true,
      () => false,
    )
  })
  await cluster.patch(podOf(name), { status: { phase } }, { subresource: 'status' })
}

/** One for each test: the pods of a node that is not there are deleted 40 s after it was missed first. */
function noNode(): string {
  return `no-such-node-${namespace}`
}

function podOf(name: string) {
  return { apiVersion: 'v1', kind: 'Pod', namespace, name }
}

/** Leads with this pod until it is stopped. */
function lead(name: string): () => Promise<void> {
  const controller = new AbortController()
  const pause = (_ms: number, signal: AbortSignal) => sleep(100, undefined, { signal })
  const done = labelForFluxctl({ cluster, pod: { namespace, name }, log: quiet, pause }, controller.signal)
  const stop = async () => {
    controller.abort()
    await done
  }
  stops.push(stop)
  return stop
}

async function labelled(): Promise<string[]> {
  const pods = await cluster.list({ apiVersion: 'v1', kind: 'Pod', namespace, labelSelector: 'name=fluxd' })
  return pods.map(({ metadata }) => metadata.name)
}

/** What the real fluxctl says when it looks for its server by itself; no kubelet is behind these pods. */
async function looksUp(): Promise<string> {
  const fluxctl = createFluxctl({})
  try {
    return (await fluxctl.run('list-workloads', '--k8s-fwd-ns', namespace)).stderr
  } finally {
    fluxctl.stop()
  }
}

describe('the pod that fluxctl finds by itself (ruling 5)', () => {
  it.each([1, 2, 3])('is the leader, with %i of our pods', async (count) => {
    const names = Array.from({ length: count }, (_, index) => `capstan-${index}`)
    for (const name of names) await run(name, { 'app.kubernetes.io/name': 'capstan' })
    expect(await looksUp()).toContain('No pod found')
    lead('capstan-0')
    await until('the label', async () => (await labelled()).length === 1)
    const said = await looksUp()
    expect(said).not.toMatch(/No pod found|[Aa]mbiguous/)
    expect(said).toContain(noNode())
  })

  it('is the next leader, once the last has gone', async () => {
    await run('one', {})
    await run('two', {})
    const stop = lead('one')
    await until('the label', async () => (await labelled()).includes('one'))
    lead('two')
    await stop()
    await until('the label', async () => (await labelled()).join() === 'two')
  })

  it.each([
    ['of its chart', { app: 'flux' }],
    ['of fluxctl install', { name: 'flux' }],
  ])('is an old fluxd %s for as long as it runs', async (_whose, labels) => {
    await run('old', labels)
    await run('capstan', {})
    lead('capstan')
    expect(await looksUp()).not.toMatch(/No pod found|[Aa]mbiguous/)
    await cluster.patch(podOf('old'), { status: { phase: 'Succeeded' } }, { subresource: 'status' })
    await until('the label', async () => (await labelled()).includes('capstan'))
    await cluster.patch(podOf('old'), { status: { phase: 'Running' } }, { subresource: 'status' })
    await until('no label', async () => !(await labelled()).includes('capstan'))
  })

  it('is not one that does not lead any more', async () => {
    await run('capstan', { name: 'fluxd' })
    await withoutFluxctlLabel({ cluster, pod: { namespace, name: 'capstan' }, log: quiet })
    expect(await labelled()).toEqual([])
    await withoutFluxctlLabel({ cluster, pod: { namespace, name: 'gone' }, log: quiet })
  })
})
