import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { KubeObject } from '../../src/domain/manifest/object.ts'
import { type Capstan, startCapstan } from './capstan.ts'
import { readFixture } from './fixture.ts'
import { syncTag } from './fluxd.ts'
import { kubectl, read } from './kubectl.ts'
import { lastWrites } from './last-writes.ts'
import { createRepository, type Repository } from './repository.ts'

type Failure = { id: string; file: string; line: number; reason: string }
type Source = { ready: boolean; attempted: string; objects: number; failed: Failure[] }

const id = randomBytes(3).toString('hex')

/** One such repository and the Capstan that follows it. */
type Site = {
  repository: Repository
  capstan: Capstan
  /** `capstan sync`, to its end; then what the status says. */
  sync(): Promise<Source | undefined>
}

async function open(repository: Repository, flags: readonly string[]): Promise<Site> {
  const capstan = await startCapstan([
    `--git-url=${repository.url}`,
    '--git-branch=main',
    '--git-poll-interval=1h',
    '--sync-interval=1h',
    '--sync-garbage-collection',
    '--enable=sync',
    ...flags,
  ])
  const source = async () => (await capstan.api<{ sources: Source[] }>('/api/v1/status')).sources[0]
  async function sync(): Promise<Source | undefined> {
    const { code, stderr } = await capstan.cli('sync')
    if (code > 1) throw new Error(`capstan sync: ${code} ${stderr}, see ${capstan.logFile}`)
    return await source()
  }
  return { repository, capstan, sync }
}

async function expectIdle(site: Site, ...spaces: string[]): Promise<void> {
  const writes = async () => (await Promise.all(spaces.map(lastWrites))).flat()
  const before = await writes()
  expect(before.length).toBeGreaterThan(2)
  await site.sync()
  expect(await writes()).toEqual(before)
}

/** The two examples still ask for an API that Kubernetes took away with 1.25. */
function withTodaysAutoscaler(text: string): string {
  return text
    .replaceAll('autoscaling/v2beta1', 'autoscaling/v2')
    .replaceAll(/targetAverageUtilization: (\d+)/g, 'target: {type: Utilization, averageUtilization: $1}')
}

async function spec<T>(kind: string, space: string, name: string): Promise<T | undefined> {
  return (await read(kind, space, name))?.spec as T | undefined
}

type Workload = { template: { spec: { containers: { image: string }[] } } }

async function image(space: string): Promise<string | undefined> {
  return (await spec<Workload>('deployment', space, 'podinfo'))?.template.spec.containers[0]?.image
}

describe('fluxcd/flux-get-started', () => {
  const space = `started-${id}`
  const files = readFixture('flux-get-started', { demo: space })
  let site: Site

  beforeAll(async () => {
    // releases are not run here, so nobody installs their definition
    const definition = fileURLToPath(new URL('../../charts/capstan/crds/helmrelease.yaml', import.meta.url))
    await kubectl('apply', '--server-side', '--force-conflicts', '--field-manager=capstan', '-f', definition)
    await kubectl('wait', '--for=condition=Established', 'crd/helmreleases.helm.fluxcd.io', '--timeout=120s')
    const repository = await createRepository()
    await repository.push(files)
    const paths = ['--git-path=namespaces', '--git-path=releases', '--git-path=workloads']
    site = await open(repository, paths)
  })
  afterAll(async () => {
    await site?.capstan.stop()
    await site?.repository.stop()
    await kubectl('delete', 'namespace', space, '--ignore-not-found', '--wait=false')
  })

  it('is applied as it is, but for what the cluster no longer serves', async () => {
    const source = await site.sync()
    expect(source).toMatchObject({ ready: false, objects: 7 })
    expect(source?.failed).toMatchObject([
      { id: `${space}:horizontalpodautoscaler/podinfo`, file: 'workloads/podinfo-hpa.yaml', reason: 'UnknownKind' },
    ])
    const commit = await site.repository.git('rev-parse', 'HEAD')
    expect(await syncTag(site.repository)).toEqual({ commit, message: 'Sync pointer' })
    expect(await image(space)).toBe('stefanprodan/podinfo:3.1.0')
    expect(await read('service', space, 'podinfo')).toBeDefined()
    expect((await read('secret', space, 'redis-auth'))?.data).toEqual({ 'values.yaml': 'cGFzc3dvcmQ6IGFkbWlu' })
  })

  it('has its HelmReleases in the cluster, field by field', async () => {
    for (const name of ['ghost', 'redis', 'mongodb']) {
      const wanted = parse(files[`releases/${name}.yaml`] ?? '') as KubeObject
      const live = await read('helmreleases.helm.fluxcd.io', space, name)
      expect(live?.spec).toEqual(wanted.spec)
      expect(live?.metadata.annotations).toMatchObject(wanted.metadata.annotations ?? {})
    }
  })

  it('is ready with the autoscaler of today, and then writes nothing', async () => {
    const text = files['workloads/podinfo-hpa.yaml'] ?? ''
    const commit = await site.repository.change({ 'workloads/podinfo-hpa.yaml': withTodaysAutoscaler(text) })
    expect(await site.sync()).toMatchObject({ ready: true, attempted: `main@${commit}`, failed: [], objects: 8 })
    expect(await syncTag(site.repository)).toEqual({ commit, message: 'Sync pointer' })
    expect(await spec('hpa', space, 'podinfo')).toMatchObject({ minReplicas: 2, maxReplicas: 4 })
    await expectIdle(site, space)
  })
})

describe('fluxcd/flux-kustomize-example', () => {
  const space = `kustomize-${id}`
  const original = readFixture('flux-kustomize-example', { demo: space })
  const files = Object.fromEntries(Object.entries(original).map(([path, text]) => [path, withTodaysAutoscaler(text)]))
  let repository: Repository
  let site: Site | undefined

  const start = async (path: string) => await open(repository, ['--manifest-generation', `--git-path=${path}`])
  const annotations = async () => (await read('deployment', space, 'podinfo'))?.metadata.annotations

  beforeAll(async () => {
    repository = await createRepository()
    await repository.push(files)
  })
  afterEach(async () => {
    await site?.capstan.stop()
    site = undefined
  })
  afterAll(async () => {
    await repository?.stop()
    await kubectl('delete', 'namespace', space, '--ignore-not-found', '--wait=false')
  })

  it('syncs staging, its patch on top of what kustomize makes, and follows it', async () => {
    site = await start('staging')
    expect(await site.sync()).toMatchObject({ ready: true, objects: 4, failed: [] })
    expect(await image(space)).toBe('stefanprodan/podinfo:1.4.4')
    expect(await annotations()).toMatchObject({ 'flux.weave.works/automated': 'true' })
    expect(await spec('hpa', space, 'podinfo')).toMatchObject({ minReplicas: 1, maxReplicas: 2 })
    await expectIdle(site, space)

    const patch = files['staging/flux-patch.yaml']?.replace('podinfo:1.4.4', 'podinfo:1.4.5') ?? ''
    const service = files['base/podinfo-svc.yaml']?.replace('port: 9898', 'port: 80') ?? ''
    const commit = await repository.change({ 'staging/flux-patch.yaml': patch, 'base/podinfo-svc.yaml': service })
    expect(await site.sync()).toMatchObject({ ready: true, attempted: `main@${commit}` })
    expect(await image(space)).toBe('stefanprodan/podinfo:1.4.5')
    expect(await spec('service', space, 'podinfo')).toMatchObject({ ports: [{ port: 80 }] })
    expect(await syncTag(repository)).toEqual({ commit, message: 'Sync pointer' })
  })

  it('syncs production over it: other patches, and nothing left of staging', async () => {
    const { uid } = (await read('deployment', space, 'podinfo'))?.metadata ?? {}
    site = await start('production')
    expect(await site.sync()).toMatchObject({ ready: true, objects: 4, failed: [] })
    expect((await read('deployment', space, 'podinfo'))?.metadata.uid).toBe(uid)
    expect(await image(space)).toBe('stefanprodan/podinfo:1.3.2')
    expect(await annotations()).toMatchObject({ 'flux.weave.works/locked': 'true' })
    expect(await annotations()).not.toHaveProperty('flux.weave.works/automated')
    expect(await spec('hpa', space, 'podinfo')).toMatchObject({ minReplicas: 2, maxReplicas: 4 })
    await expectIdle(site, space)
  })
})

describe('a repository in the shape of fluxcd/multi-tenancy', () => {
  const [one, two] = [`one-${id}`, `two-${id}`]
  const [role, group] = [`deployer-${id}`, `tenancy-${id}`]
  const names = { 'tenant-one': one, 'tenant-two': two, 'tenant-deployer': role, tenancy: group }
  const files = readFixture('multi-tenancy', names)
  let site: Site

  const contact = async (space: string) => await spec(`contacts.${group}.example.com`, space, 'owner')
  const pods = async (space: string) => (await spec<{ hard: { pods: string } }>('quota', space, 'tenant'))?.hard.pods

  beforeAll(async () => {
    const repository = await createRepository()
    await repository.push(files)
    site = await open(repository, ['--manifest-generation', '--git-path=cluster'])
  })
  afterAll(async () => {
    await site?.capstan.stop()
    await site?.repository.stop()
    await kubectl('delete', 'namespace', one, two, '--ignore-not-found', '--wait=false')
    await kubectl('delete', 'clusterrole', role, '--ignore-not-found')
    await kubectl('delete', 'crd', `contacts.${group}.example.com`, '--ignore-not-found', '--wait=false')
  })

  it('gives each team its own: namespace, rights, network, quota and custom resources', async () => {
    expect(await site.sync()).toMatchObject({ ready: true, objects: 14, failed: [] })
    for (const space of [one, two]) {
      expect(await read('rolebinding', space, 'deployer')).toMatchObject({
        roleRef: { name: role },
        subjects: [{ name: 'deployer', namespace: space }],
      })
      expect(await read('networkpolicy', space, 'own-namespace-only')).toBeDefined()
    }
    expect(await contact(one)).toEqual({ email: 'team1@example.com' })
    expect([await pods(one), await pods(two)]).toEqual(['10', '50'])
    await expectIdle(site, one, two)
  })

  it('follows a change of what the teams share, and of one team', async () => {
    const base = files['base/tenant/quota.yaml']?.replace('"10"', '"20"') ?? ''
    const contactFile = files['cluster/team1/contact.yaml']?.replace('email: ', 'email: new-') ?? ''
    await site.repository.change({ 'base/tenant/quota.yaml': base, 'cluster/team1/contact.yaml': contactFile })
    expect(await site.sync()).toMatchObject({ ready: true, failed: [] })
    expect([await pods(one), await pods(two)]).toEqual(['20', '50'])
    expect(await contact(one)).toEqual({ email: 'new-team1@example.com' })
  })

  it('takes a team that leaves git out of the cluster, but for its namespace', async () => {
    const text = files['cluster/kustomization.yaml']?.replace('  - team2\n', '') ?? ''
    const commit = await site.repository.change({ 'cluster/kustomization.yaml': text })
    expect(await site.sync()).toMatchObject({ ready: true, attempted: `main@${commit}` })
    expect(await read('rolebinding', two, 'deployer')).toBeUndefined()
    expect(await read('namespace', '', two)).toBeDefined()
    expect(await contact(two)).toBeUndefined()
    expect(await contact(one)).toBeDefined()
  })
})
