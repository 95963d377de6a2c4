import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Cluster, createFence, createLeadership, type FenceOptions } from '../../src/adapters/cluster/index.ts'
import { AppError } from '../../src/domain/error.ts'
import { createFakeCluster } from '../fakes/cluster.ts'
import { makeNamespace, quiet, realCluster, removeNamespace, uniqueName, until as untilWithin } from './world.ts'

// most tests wait for a Lease to expire, so all of them wait at the same time
vi.setConfig({ maxConcurrency: 20 })

/** The same rules, with time for a machine that stands still for seconds. */
const fenceTiming = {
  renewMs: 2500,
  retryMs: 100,
  fenceMs: 20_000,
  expireMs: 30_000,
  sweepMs: 3_600_000,
  stopMs: 60_000,
}
const leadTiming = { expireMs: 30_000, deadlineMs: 20_000, retryMs: 200, stopMs: 60_000 }

/** Asks now and then: the tests wait long and all at once. */
async function until(what: string, look: () => unknown): Promise<void> {
  await untilWithin(what, look, 200_000, 200)
}

/** The cluster as one process sees it, behind a cable that can be pulled. */
function behindCable(cluster: Cluster): { cluster: Cluster; pull(): void; plug(): void } {
  let pulled = false
  async function pass<T>(work: () => Promise<T>): Promise<T> {
    if (pulled) throw new AppError('ClusterUnavailable', 'The cable is pulled.')
    return await work()
  }
  return {
    cluster: {
      ...cluster,
      get: (...args) => pass(() => cluster.get(...args)),
      list: (...args) => pass(() => cluster.list(...args)),
      create: (...args) => pass(() => cluster.create(...args)),
      replace: (...args) => pass(() => cluster.replace(...args)),
      delete: (...args) => pass(() => cluster.delete(...args)),
    },
    pull() {
      pulled = true
    },
    plug() {
      pulled = false
    },
  }
}

function isFenced(fence: { check(): void }): boolean {
  try {
    fence.check()
    return false
  } catch (error) {
    return (error as AppError).reason === 'FenceLost'
  }
}

describe.each([
  ['the fake', createFakeCluster],
  ['a real API server', realCluster],
] as const)('Leases on %s', { concurrent: true }, (_name, make) => {
  let cluster: Cluster
  let namespace: string

  beforeAll(async () => {
    cluster = make()
    namespace = await makeNamespace(cluster)
  })
  afterAll(async () => {
    await removeNamespace(cluster, namespace)
    await cluster.close()
  })

  async function fenceOn(seen: Cluster, more: Partial<FenceOptions> = {}): ReturnType<typeof createFence> {
    const identity = uniqueName()
    return await createFence({ cluster: seen, namespace, identity, log: quiet, timing: fenceTiming, ...more })
  }

  it('lets a process write for as long as its Lease is renewed, and thinks nobody dead who renews', async () => {
    const [a, b] = [await fenceOn(cluster), await fenceOn(cluster)]
    const end = performance.now() + 2 * fenceTiming.expireMs
    await until('twice the expiry has passed', async () => {
      a.check()
      b.check()
      expect(await a.isDead(b.epoch)).toBe(false)
      return performance.now() > end
    })
    await a.stop()
    await b.stop()
  })

  it('gives the Lease up at the end', async () => {
    const [a, b] = [await fenceOn(cluster), await fenceOn(cluster)]
    await a.stop()
    expect(isFenced(a)).toBe(true)
    expect(await b.isDead(a.epoch)).toBe(true)
    await b.stop()
  })

  it('refuses an identity that is in use', async () => {
    const identity = uniqueName()
    const a = await fenceOn(cluster, { identity })
    await expect(fenceOn(cluster, { identity })).rejects.toMatchObject({ reason: 'OtherWriter' })
    await a.stop()
  })

  it('tells apart two lives of one identity', async () => {
    const identity = uniqueName()
    const [a, b] = [await fenceOn(cluster, { identity }), await fenceOn(cluster)]
    await a.stop()
    const again = await fenceOn(cluster, { identity })
    expect(await b.isDead(a.epoch)).toBe(true)
    expect(await b.isDead(again.epoch)).toBe(false)
    await again.stop()
    await b.stop()
  })

  it('stops a process that is cut off before others think it dead, for good once they do', async () => {
    const cable = behindCable(cluster)
    let lost = ''
    const [a, b] = [await fenceOn(cable.cluster, { onLost: (why) => (lost = why) }), await fenceOn(cluster)]
    expect(await b.isDead(a.epoch)).toBe(false)
    cable.pull()
    await until('a counts as dead', async () => {
      const fencedBefore = isFenced(a)
      const dead = await b.isDead(a.epoch)
      if (dead) expect(fencedBefore).toBe(true)
      return dead
    })
    cable.plug()
    await until('a learns of it', () => lost !== '')
    expect(isFenced(a)).toBe(true)
    expect(await b.isDead(a.epoch)).toBe(true)
    await a.stop()
    await b.stop()
  })

  it('goes on after an outage that all shared: nobody is thought dead', async () => {
    const cable = behindCable(cluster)
    const [a, b] = [await fenceOn(cable.cluster), await fenceOn(cable.cluster)]
    expect(await a.isDead(b.epoch)).toBe(false)
    cable.pull()
    const end = performance.now() + 2 * fenceTiming.expireMs
    await until('the outage is longer than the expiry', () => performance.now() > end)
    expect([isFenced(a), isFenced(b)]).toEqual([true, true])
    cable.plug()
    await until('both may write again', async () => {
      expect(await a.isDead(b.epoch)).toBe(false)
      expect(await b.isDead(a.epoch)).toBe(false)
      return !isFenced(a) && !isFenced(b)
    })
    await a.stop()
    await b.stop()
  })

  it('sweeps the Leases that dead processes left', async () => {
    // the Leases of the other tests are not to be swept
    const own = await makeNamespace(cluster)
    const cable = behindCable(cluster)
    const a = await fenceOn(cable.cluster, { namespace: own })
    cable.pull()
    const [name = ''] = a.epoch.split('/')
    const b = await fenceOn(cluster, { namespace: own, timing: { ...fenceTiming, sweepMs: 100 } })
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', namespace: own, name }
    await until('the Lease is gone', async () => !(await cluster.get(lease)))
    await b.stop()
    await a.stop()
    await removeNamespace(cluster, own)
  })

  it('has one leader at a time, handed over at once when it stops', async () => {
    const leads: string[] = []
    const [a, b] = ['a', 'b'].map((identity) =>
      createLeadership({
        cluster,
        namespace,
        name: 'handed',
        identity,
        log: quiet,
        // whoever waited for the Lease to expire would not lead before the test is over
        timing: { ...leadTiming, expireMs: 600_000 },
        onLead: () => leads.push(identity),
      }),
    )
    await until('one leads', () => leads.length === 1)
    expect(a?.isLeader()).not.toBe(b?.isLeader())
    const [leader, other] = a?.isLeader() ? [a, b] : [b, a]
    await leader?.stop()
    await until('the other leads', () => other?.isLeader())
    await other?.stop()
  })

  it('never has two leaders while one is cut off', async () => {
    const cable = behindCable(cluster)
    const events: string[] = []
    const common = { namespace, name: 'cut', log: quiet, timing: leadTiming }
    const a = createLeadership({
      ...common,
      cluster: cable.cluster,
      identity: 'a',
      onLead: (signal) => signal.addEventListener('abort', () => events.push('aborted')),
      onLost: () => events.push('lost'),
    })
    await until('a leads', () => a.isLeader())
    const b = createLeadership({ ...common, cluster, identity: 'b', onLead: () => events.push('b leads') })
    cable.pull()
    await until('b leads', () => {
      expect(a.isLeader() && b.isLeader()).toBe(false)
      return b.isLeader()
    })
    expect(events).toEqual(['aborted', 'lost', 'b leads'])
    cable.plug()
    const end = performance.now() + leadTiming.expireMs
    await until('a stays a candidate', () => {
      expect(a.isLeader()).toBe(false)
      return performance.now() > end
    })
    await b.stop()
    await until('a leads again', () => a.isLeader())
    await a.stop()
  })
})
