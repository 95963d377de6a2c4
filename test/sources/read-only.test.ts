import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../playground/stack/until.ts'
import { readOnly } from '../../src/adapters/cluster/index.ts'
import { readOnly as readOnlyGit } from '../../src/adapters/git/index.ts'
import { gcMark, syncSetName, withSyncMeta } from '../../src/domain/manifest/gc-mark.ts'
import { type KubeObject, refOf } from '../../src/domain/manifest/object.ts'
import { safeUrl } from '../../src/domain/source/git-url.ts'
import { kubectlApply } from '../adoption/world.ts'
import { makeNamespace, realCluster, removeNamespace } from '../cluster/world.ts'
import { type Capstan, startCapstan } from '../e2e/capstan.ts'
import { createRepository, type Repository } from '../e2e/repository.ts'
import { makeGit } from '../git/make-git.ts'

type Row = { ready: boolean; reason: string; message: string; attempted: string; objects: number }

const cluster = realCluster()
let repository: Repository
let capstan: Capstan
let namespace = ''
let synced = ''

beforeAll(async () => {
  namespace = await makeNamespace(cluster)
  repository = await createRepository()
  await repository.push(asFiles(inGit()))
  // what fluxd leaves behind: the tag, and objects that kubectl applied with its mark and checksum
  await repository.git('tag', '-a', 'flux-sync', '-m', 'Sync pointer')
  await repository.git('push', '-q', 'origin', 'flux-sync')
  synced = await repository.git('rev-parse', 'flux-sync')
  const set = syncSetName({ safeUrl: safeUrl(repository.url), branch: 'main', paths: ['deploy'] })
  await kubectlApply(
    inGit().map((object) => withSyncMeta(object, { mark: gcMark(set, refOf(object)), checksum: '0'.repeat(40) })),
  )
})

afterAll(async () => {
  await capstan?.stop()
  await repository?.stop()
  await removeNamespace(cluster, namespace)
  await cluster.close()
})

function inGit(): KubeObject[] {
  const at = (name: string) => ({ name, namespace })
  const template = {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'web', image: 'example.com/web:1' }] },
  }
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: at('settings'), data: { key: 'one' } },
    { apiVersion: 'v1', kind: 'Secret', metadata: at('password'), stringData: { key: 'hunter2' } },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: at('web'),
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: at('web'),
      spec: { replicas: 0, selector: { matchLabels: { app: 'web' } }, template },
    },
  ]
}

function asFiles(objects: readonly KubeObject[]): Record<string, string> {
  return Object.fromEntries(
    objects.map((object) => [`deploy/${object.kind}-${object.metadata.name}.yaml`, JSON.stringify(object)]),
  )
}

/** Neither Kubernetes' nor ours: other tests install such kinds and take them away while this one looks. */
function isForeign(group: string): boolean {
  return group.includes('.') && !group.endsWith('.k8s.io') && !['capstan.dev', 'helm.fluxcd.io'].includes(group)
}

/** Every object of the namespace and the namespace itself, with its version. Events are told by others. */
async function versions(): Promise<string[]> {
  const kinds = (await cluster.resources()).filter(
    ({ namespaced, verbs, kind, group }) =>
      namespaced && verbs.includes('list') && verbs.includes('get') && kind !== 'Event' && !isForeign(group),
  )
  const seen = new Map<string, string>()
  for (const { group, version, kind } of kinds) {
    const apiVersion = group === '' ? version : `${group}/${version}`
    for (const { metadata } of await cluster.list({ apiVersion, kind, namespace, metadataOnly: true }))
      seen.set(metadata.uid ?? '', `${kind} ${metadata.name} ${metadata.resourceVersion}`)
  }
  const own = await cluster.get({ apiVersion: 'v1', kind: 'Namespace', name: namespace })
  return [...seen.values(), `Namespace ${own?.metadata.resourceVersion}`].toSorted()
}

type Watched = KubeObject & {
  status?: { observedGeneration?: number; conditions?: { type: string; reason: string }[] }
}

/** Whether its controller has seen it as it is now. */
function isObserved(object: Watched | undefined): object is Watched {
  const { generation } = object?.metadata ?? {}
  return generation !== undefined && object?.status?.observedGeneration === generation
}

/** Once the controllers have said and made what they have to for this namespace. */
async function settled(): Promise<string[]> {
  const there = async (apiVersion: string, kind: string, name: string) =>
    (await cluster.get({ apiVersion, kind, namespace, name })) as Watched | undefined
  await until('the Deployment is done', async () => {
    const web = await there('apps/v1', 'Deployment', 'web')
    const has = (type: string, reason: string) =>
      web?.status?.conditions?.some((condition) => condition.type === type && condition.reason === reason)
    return (
      isObserved(web) && has('Available', 'MinimumReplicasAvailable') && has('Progressing', 'NewReplicaSetAvailable')
    )
  })
  await until('its ReplicaSet was looked at', async () => {
    const sets = await cluster.list({ apiVersion: 'apps/v1', kind: 'ReplicaSet', namespace })
    return sets.length === 1 && isObserved(sets[0])
  })
  await until('the Service has its slice', async () => {
    const slices = await cluster.list({ apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', namespace })
    return slices.length === 1
  })
  for (const [kind, name] of [
    ['Endpoints', 'web'],
    ['ServiceAccount', 'default'],
    ['ConfigMap', 'kube-root-ca.crt'],
  ] as const)
    await until(`${kind} ${name} is there`, async () => await there('v1', kind, name))
  return await versions()
}

async function rowWhen(wanted: (row: Row) => boolean): Promise<Row> {
  const read = async () => (await capstan.api<{ sources: Row[] }>('/api/v1/status')).sources[0]
  return await until(
    'the status is as wanted',
    async () => {
      const row = await read()
      return row && wanted(row) && row
    },
    { logFile: capstan.logFile },
  )
}

describe('capstan run --read-only beside what fluxd left', () => {
  it('shows that nothing would change, and changes nothing', async () => {
    const before = await settled()
    capstan = await startCapstan([
      '--read-only',
      `--git-url=${repository.url}`,
      '--git-branch=main',
      '--git-path=deploy',
      '--sync-garbage-collection',
      '--git-poll-interval=2s',
      '--sync-interval=2s',
    ])
    const row = await rowWhen(({ ready }) => ready)
    expect(row).toMatchObject({ reason: '', message: 'nothing would change: 4 objects are as git says', objects: 4 })
    const plan = await capstan.cli('plan', '--full')
    expect(plan).toMatchObject({ code: 0, stdout: expect.stringContaining('no change, 4 unchanged') })
    expect(await versions()).toEqual(before)
    expect(await cluster.get({ apiVersion: 'v1', kind: 'Namespace', name: capstan.namespace })).toBeUndefined()
    const log = readFileSync(capstan.logFile, 'utf8')
    expect(log).not.toMatch(/installed the definition|brought the definition|made the namespace|hunter2/)
    expect(log).not.toMatch(/level=(?:warn|error).*(?:ReadOnly|InternalError)/)
    expect(await repository.git('ls-remote', 'origin', 'refs/tags/flux-sync')).toContain(synced)
  })

  it('names the object that differs, also after a push', async () => {
    const before = await versions()
    await repository.change({
      'deploy/ConfigMap-settings.yaml': JSON.stringify({ ...inGit()[0], data: { key: 'two' } }),
      'deploy/Service-web.yaml': undefined,
    })
    const head = await repository.git('rev-parse', 'HEAD')
    const row = await rowWhen(({ attempted }) => attempted.endsWith(head))
    expect(row).toMatchObject({
      ready: false,
      reason: 'ReadOnly',
      message: '1 objects would be configured, 1 deleted; see capstan plan',
    })
    const plan = await capstan.cli('plan')
    expect(plan.code).toBe(2)
    expect(plan.stdout).toContain(`${namespace}:configmap/settings`)
    expect(plan.stdout).toContain(`${namespace}:service/web`)
    expect((await capstan.cli('status')).code).toBe(1)
    expect(await versions()).toEqual(before)
  })

  it('refuses what people ask for that would be written', async () => {
    const before = await versions()
    const { code, stderr, stdout } = await capstan.cli('suspend', '--reason', 'tests')
    expect([code, stdout + stderr]).toEqual([1, expect.stringContaining('--read-only')])
    expect(await versions()).toEqual(before)
  })
})

describe('a cluster and a git that are only read', () => {
  const refusal = { reason: 'ReadOnly', retry: 'never' }

  it.each([
    ['with our own rights', () => readOnly(cluster)],
    ['with those of an account', () => readOnly(cluster).as({ namespace: 'default', serviceAccount: 'default' })],
  ])('refuse every write %s', async (_whose, make) => {
    const closed = make()
    const [object] = inGit()
    if (!object) throw new Error('no object')
    const ref = refOf(object)
    const before = await versions()
    await expect(closed.apply(object, { force: true })).rejects.toMatchObject(refusal)
    await expect(closed.apply(object, { force: true, dryRun: false })).rejects.toMatchObject(refusal)
    await expect(closed.recreate(object, 'x', { force: true })).rejects.toMatchObject(refusal)
    await expect(closed.takeOver(ref)).rejects.toMatchObject(refusal)
    await expect(closed.create(object)).rejects.toMatchObject(refusal)
    await expect(closed.replace(object)).rejects.toMatchObject(refusal)
    await expect(closed.patch(ref, { data: { key: 'two' } })).rejects.toMatchObject(refusal)
    await expect(closed.delete(ref, {})).rejects.toMatchObject(refusal)
    expect(await versions()).toEqual(before)
  })

  it('still try things', async () => {
    const [object] = inGit()
    if (!object) throw new Error('no object')
    const { object: tried } = await readOnly(cluster).apply(
      { ...object, data: { key: 'two' } },
      { force: true, dryRun: true },
    )
    expect(tried.data).toEqual({ key: 'two' })
    expect((await readOnly(cluster).get(refOf(object)))?.data).toEqual({ key: 'one' })
  })

  it('push nothing', async () => {
    const git = readOnlyGit(makeGit())
    const remote = { url: repository.url }
    const head = (await git.fetch(remote)).get('refs/heads/main') ?? ''
    const author = { name: 'a', email: 'a@example.com' }
    const edits = [{ path: 'deploy/new.yaml', content: 'a: b' }]
    const commit = { branch: 'main', base: head, message: 'm', author, edits }
    await expect(git.commitAndPush(remote, commit as never)).rejects.toMatchObject(refusal)
    const move = { tag: 'flux-sync', commit: head, expected: synced, message: 'm', author }
    await expect(git.moveTag(remote, move)).rejects.toMatchObject(refusal)
    await expect(git.canWrite(remote)).rejects.toMatchObject(refusal)
    expect((await git.fetch(remote)).get('refs/heads/main')).toBe(head)
  })
})
