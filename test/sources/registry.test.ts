import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Cluster } from '../../src/adapters/cluster/index.ts'
import { sourceDefaults, sourceKind } from '../../src/domain/source/resource.ts'
import { fluxdSource, type SourceSpec } from '../../src/domain/source/spec.ts'
import {
  createSourceRegistry,
  type SourceChange,
  type SourceRegistry,
  type SourceRegistryOptions,
} from '../../src/jobs/source-registry.ts'
import { makeNamespace, quiet, realCluster, removeNamespace, uniqueName, until } from '../cluster/world.ts'
import { installSources, readDefinition, sourceObject } from './definition.ts'

const cluster = realCluster()
let [one, two] = ['', '']

beforeAll(async () => {
  await installSources(cluster)
  one = await makeNamespace(cluster)
  two = await makeNamespace(cluster)
})

afterAll(async () => {
  for (const namespace of [one, two]) await removeNamespace(cluster, namespace)
  await cluster.close()
})

function flagSource(namespace: string, name: string): SourceSpec {
  return {
    ...fluxdSource,
    namespace,
    name,
    url: 'https://git.example.com/flags.git',
    ref: { kind: 'branch', value: 'main' },
    branch: 'main',
    paths: [],
    pollIntervalMs: 1,
    syncIntervalMs: 1,
    syncTimeoutMs: 1,
    defaultNamespace: 'default',
  }
}

function open(options: Partial<SourceRegistryOptions>): {
  registry: SourceRegistry
  seen: string[]
  changes: SourceChange[]
} {
  const registry = createSourceRegistry({
    cluster,
    flagSource: undefined,
    defaults: sourceDefaults,
    namespaces: [one],
    log: quiet,
    // the ten seconds never pass, however slow the machine is
    pause: async (ms, signal) => await sleep(ms < 10_000 ? ms : 3_600_000, undefined, { signal }),
    ...options,
  })
  const [seen, changes]: [string[], SourceChange[]] = [[], []]
  registry.onChange((change) => {
    changes.push(change)
    seen.push(`${change.kind} ${change.name}`)
  })
  onTestFinished(() => registry.stop())
  return { registry, seen, changes }
}

const put = async (namespace: string, name: string, spec: Record<string, unknown> = {}) =>
  await cluster.apply(sourceObject(namespace, name, spec), { force: true })
const remove = async (namespace: string, name: string) => await cluster.delete({ ...sourceKind, namespace, name }, {})
const namesOf = (registry: SourceRegistry) => registry.list().map(({ name }) => name)

describe('the registry of sources', () => {
  it('holds what is there at the start, follows changes of the spec and forgets what was deleted', async () => {
    await put(one, 'early')
    const { registry, seen, changes } = open({})
    await registry.synced
    expect(registry.get(one, 'early')).toMatchObject({ origin: 'resource', pollIntervalMs: 60_000 })
    await put(one, 'late')
    await until('it is seen', () => registry.get(one, 'late'))
    await put(one, 'late', { interval: '2m' })
    await until('the change is seen', () => registry.get(one, 'late')?.pollIntervalMs === 120_000)
    await remove(one, 'late')
    await until('it is forgotten', () => !registry.get(one, 'late'))
    expect(seen).toEqual(['added early', 'added late', 'changed late', 'removed late'])
    expect(changes.map(({ object }) => object.generation)).toEqual([1, 1, 2, 2])
    expect(changes[2]?.before?.generation).toBe(1)
    await remove(one, 'early')
  })

  it('takes a change of the status for none, but knows what was reported', async () => {
    await put(one, 'quiet')
    const { registry, seen } = open({})
    await until('it is there', () => registry.get(one, 'quiet'))
    const lastTransitionTime = new Date().toISOString()
    const ready = { type: 'Ready', status: 'False', reason: 'GitUnreachable', message: '', lastTransitionTime }
    const status = { observedGeneration: 1, conditions: [ready] }
    await cluster.patch({ ...sourceKind, namespace: one, name: 'quiet' }, { status }, { subresource: 'status' })
    await until('it is known', () => registry.find(one, 'quiet')?.reported.reason === 'GitUnreachable')
    expect(seen).toEqual(['added quiet'])
    await remove(one, 'quiet')
  })

  it('looks only into the namespaces that it is given', async () => {
    const { registry } = open({ namespaces: [two] })
    await registry.synced
    await put(one, 'elsewhere')
    await put(two, 'here')
    await until('it is there', () => registry.get(two, 'here'))
    expect(namesOf(registry)).toEqual(['here'])
    const none = open({ namespaces: undefined })
    await none.registry.synced
    expect(namesOf(none.registry)).toEqual([])
    await remove(one, 'elsewhere')
    await remove(two, 'here')
  })

  it('keeps out what cannot be used and says why', async () => {
    await put(one, 'runs-commands', { generate: true })
    const { registry } = open({})
    await registry.synced
    expect(namesOf(registry)).toEqual([])
    expect(registry.known()).toMatchObject([{ name: 'runs-commands', problem: { reason: 'InvalidSource' } }])
    await put(one, 'runs-commands', { generate: false })
    await until('it was mended', () => registry.get(one, 'runs-commands'))
    await remove(one, 'runs-commands')
  })

  it('puts the source of the flags first; it wins over an object of its name', async () => {
    await put(one, 'default')
    await put(one, 'other')
    const { registry } = open({ flagSource: flagSource(one, 'default') })
    await registry.synced
    expect(namesOf(registry)).toEqual(['default', 'other'])
    expect(registry.get(one, 'default')).toMatchObject({ origin: 'flags', url: 'https://git.example.com/flags.git' })
    expect(registry.find(one, 'default')?.problem?.message).toMatch(/flags of capstan run/)
    await remove(one, 'default')
    await remove(one, 'other')
  })

  it('starts without the definition, and finds it when it is installed', async () => {
    const group = `${uniqueName()}.example.com`
    const mapped = <T extends { apiVersion: string }>(query: T): T => ({ ...query, apiVersion: `${group}/v1alpha1` })
    const elsewhere: Pick<Cluster, 'watch' | 'resource'> = {
      resource: async (_version, kind, signal) => await cluster.resource(`${group}/v1alpha1`, kind, signal),
      watch: (query, onEvent) => cluster.watch(mapped(query), onEvent),
    }
    const { registry } = open({ cluster: elsewhere })
    await registry.synced
    expect(namesOf(registry)).toEqual([])

    const definition = readDefinition()
    const { metadata, spec } = definition
    const own = {
      ...definition,
      metadata: { ...metadata, name: `sources.${group}` },
      spec: { ...(spec as object), group },
    }
    onTestFinished(async () => {
      const { apiVersion, kind } = definition
      await cluster.delete({ apiVersion, kind, name: `sources.${group}` }, {})
    })
    await cluster.apply(own, { force: true })
    await until('an object of it can be made', async () => {
      cluster.forgetDiscovery()
      return await cluster.apply(mapped(sourceObject(one, 'new')), { force: true }).catch(() => undefined)
    })
    await until('it is seen', () => registry.get(one, 'new'))
  })

  it('does not wait for ever where Sources must not be listed', async () => {
    const waited: number[] = []
    const { registry } = open({
      cluster: cluster.as({ namespace: one, serviceAccount: 'nobody' }),
      flagSource: flagSource(one, 'default'),
      pause: async (ms) => void waited.push(ms),
    })
    await registry.synced
    expect(namesOf(registry)).toEqual(['default'])
    expect(waited).toEqual([10_000])
  })
})
