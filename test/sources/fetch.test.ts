import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Outcome } from '../../src/domain/work/job.ts'
import { fetchSource } from '../../src/jobs/fetch-source.ts'
import { statusInCluster } from '../../src/jobs/read-status.ts'
import { createFakeStore } from '../fakes/store.ts'
import { configMap } from '../sync/manifests.ts'
import { createWorkbench, silent, type Workbench } from '../sync/workbench.ts'

describe('a source whose repository was away', () => {
  let bench: Workbench
  beforeEach(async () => {
    // no poll takes the fetch before for its own
    bench = await createWorkbench({ pollIntervalMs: 1 })
  })
  afterEach(async () => {
    await bench.close()
  })

  async function fetch(url = bench.spec.url): Promise<Outcome> {
    const { spec, git, memory, cluster, enqueued } = bench
    return await fetchSource(
      { kind: 'fetch-source', namespace: spec.namespace, name: spec.name, reason: 'periodic', requestedAt: '' },
      {
        sources: { list: () => [spec], get: () => spec, remote: async () => ({ url }) },
        git,
        readStatus: statusInCluster(cluster),
        store: createFakeStore(),
        enqueue: async (request) => (enqueued.push(request), { jobId: 'sync-source.1' }),
        memory,
        log: silent,
        now: () => new Date(),
      },
      new AbortController().signal,
    )
  }

  function deleteBranch(): void {
    bench.inWork('--git-dir', bench.spec.url, 'update-ref', '-d', 'refs/heads/main')
  }

  it('is fetched and synced again within its intervals, however long it was away', async () => {
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    await expect(fetch(`${bench.spec.url}-away`)).rejects.toMatchObject({
      reason: expect.stringMatching(/^Git/),
      retry: { atMostMs: bench.spec.pollIntervalMs },
    })
    deleteBranch()
    await expect(bench.outcome()).rejects.toMatchObject({
      reason: 'GitRefNotFound',
      retry: { atMostMs: bench.spec.syncIntervalMs },
    })
  })

  it('is synced at once when its branch is back at the commit that was applied before', async () => {
    bench.push({ 'a.yaml': configMap('a', '1') })
    await bench.sync()
    await fetch()
    expect(bench.enqueued).toEqual([])
    deleteBranch()
    await expect(fetch()).rejects.toMatchObject({ reason: 'GitRefNotFound' })
    await expect(bench.outcome()).rejects.toMatchObject({ reason: 'GitRefNotFound' })
    expect(await bench.status()).toMatchObject({ ready: false, reason: 'GitRefNotFound' })

    bench.inWork('push', '-q', bench.spec.url, 'HEAD:main')
    await fetch()
    expect(bench.enqueued).toMatchObject([{ kind: 'sync-source', reason: 'the repository is back', lane: 'change' }])
    await bench.sync()
    expect(await bench.status()).toMatchObject({ ready: true })
    await fetch()
    expect(bench.enqueued).toHaveLength(1)
  })
})
