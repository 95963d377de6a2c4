import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AppError } from '../../src/domain/error.ts'
import type { MirroredStatus } from '../../src/domain/source/condition.ts'
import { sourceDefaults, sourceKind } from '../../src/domain/source/resource.ts'
import type { Reason } from '../../src/domain/status/reason.ts'
import type { JobKind, Outcome } from '../../src/domain/work/job.ts'
import { createSourceRegistry, type SourceRegistry } from '../../src/jobs/source-registry.ts'
import { reported } from '../../src/main/source-work.ts'
import { makeNamespace, quiet, realCluster, removeNamespace, until } from '../cluster/world.ts'
import { installSources, sourceObject } from './definition.ts'

const cluster = realCluster()
let namespace = ''
let registry: SourceRegistry

beforeAll(async () => {
  await installSources(cluster)
  namespace = await makeNamespace(cluster)
  registry = createSourceRegistry({
    cluster,
    flagSource: undefined,
    defaults: sourceDefaults,
    namespaces: [namespace],
    log: quiet,
    pause: async (ms, signal) => await sleep(ms, undefined, { signal }),
  })
})

afterAll(async () => {
  registry.stop()
  await removeNamespace(cluster, namespace)
  await cluster.close()
})

/** A Source and its two jobs, which end as they are told. */
async function make(name: string) {
  await cluster.apply(sourceObject(namespace, name), { force: true })
  await until('it is known', () => registry.get(namespace, name))
  let end: Reason | '' = ''
  const stub = async (): Promise<Outcome> => {
    if (end) throw new AppError(end, 'a failure of the test')
    return { end: 'done', summary: '' }
  }
  const sources = { ...registry, remote: async () => ({ url: '' }) }
  const parts = { cluster, sources, log: quiet, store: { get: async () => undefined } }
  const jobs = { 'fetch-source': reported(stub, parts), 'sync-source': reported(stub, parts) }

  async function run(kind: keyof typeof jobs & JobKind, how: Reason | '' = ''): Promise<string> {
    end = how
    const payload = { kind, namespace, name, reason: '', requestedAt: '' }
    const context = { signal: new AbortController().signal, jobId: '', attempt: 1 }
    await jobs[kind](payload, context as unknown as Parameters<(typeof jobs)[typeof kind]>[1]).catch(() => undefined)
    const { conditions = [] } = ((await cluster.get({ ...sourceKind, namespace, name }))?.status ??
      {}) as Partial<MirroredStatus>
    const reason = conditions.find(({ type }) => type === 'Ready')?.reason ?? ''
    await until('the registry has seen it', () => (registry.find(namespace, name)?.reported.reason ?? '') === reason)
    return reason
  }
  return run
}

describe('the status of a Source after its jobs', () => {
  it('says why a fetch failed, until one succeeds', async () => {
    const run = await make('away')
    expect(await run('fetch-source', 'GitUnreachable')).toBe('GitUnreachable')
    expect(await run('fetch-source', 'GitAuthFailed')).toBe('GitAuthFailed')
    expect(await run('fetch-source')).toBe('NotReady')
    expect(await run('fetch-source', 'SignatureInvalid')).toBe('SignatureInvalid')
    expect(await run('fetch-source')).toBe('NotReady')
  })

  it('says why a sync failed, until a sync says something else', async () => {
    const run = await make('forbidden')
    expect(await run('sync-source', 'Forbidden')).toBe('Forbidden')
    expect(await run('fetch-source')).toBe('Forbidden')
    expect(await run('sync-source')).toBe('NotReady')
  })

  it('says nothing about trouble that is not its own', async () => {
    const run = await make('innocent')
    expect(await run('sync-source')).toBe('NotReady')
    for (const reason of ['ClusterUnavailable', 'RedisUnavailable', 'FenceLost', 'InternalError'] as const)
      expect(await run('fetch-source', reason)).toBe('NotReady')
  })
})
