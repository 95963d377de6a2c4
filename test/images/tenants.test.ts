import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AppError } from '../../src/domain/error.ts'
import { readTags, scopeKey, tagsKey } from '../../src/domain/image/facts.ts'
import type { SourceSpec } from '../../src/domain/source/spec.ts'
import { listImages, testPolicy } from '../../src/jobs/update-images/list-images.ts'
import { readRepositories } from '../../src/views/repositories.ts'
import { pushImage } from '../registry/push-image.ts'
import { createWorkbench, deployment, type Workbench } from './workbench.ts'

const automated = { 'fluxcd.io/tag.app': 'semver:~1.0' }
const operator = { username: 'operator', password: 'of-operator' }
const { signal } = new AbortController()
let bench: Workbench
/** Who listed tags, in this order; '' is nobody. */
let users: string[]
/** Whom the registry does not let in. */
let refused: string[]

beforeEach(async () => {
  bench = await createWorkbench()
  users = []
  refused = []
  bench.deps.areTenants = true
  bench.deps.logins = { find: async () => operator, refused() {} }
  const { registry } = bench.deps
  bench.deps.registry = {
    ...registry,
    // the real registry asks nobody who they are
    async tags(repository, access, until) {
      users.push(access.auth?.username ?? '')
      if (refused.includes(access.auth?.username ?? '')) throw new AppError('RegistryAuthFailed', 'no')
      return await registry.tags(repository, { insecure: access.insecure }, until)
    },
    digest: async (repository, tag, { insecure }, until) => await registry.digest(repository, tag, { insecure }, until),
    describe: async (repository, tag, { insecure }, until) =>
      await registry.describe(repository, tag, { insecure }, until),
  }
  await pushImage(bench.host, `${bench.path}/app`, '1.0.0')
  await pushImage(bench.host, `${bench.path}/app`, '1.0.1')
})
afterEach(() => bench.close())

const repository = () => `${bench.images}/app`
const manifest = (annotations: Record<string, string>) => deployment(`${repository()}:1.0.0`, annotations)

/** Sources of strangers, each in a namespace and a folder of its own name; with `flags` the operator's, too. */
function teams(...names: string[]): SourceSpec[] {
  const specs = names.map((name): SourceSpec => {
    const paths = { name, paths: [name], defaultNamespace: name }
    if (name === 'flags') return { ...bench.spec, ...paths }
    return { ...bench.spec, ...paths, namespace: name, origin: 'resource', namespacedOnly: true }
  })
  bench.deps.sources = {
    ...bench.deps.sources,
    list: () => specs,
    get: (namespace, name) => specs.find((spec) => spec.namespace === namespace && spec.name === name),
  }
  return specs
}

/** Gives the pods of a namespace a login for the registry. */
function login(namespace: string, user: string): void {
  const config = JSON.stringify({ auths: { [bench.host]: { auth: btoa(`${user}:of-${user}`) } } })
  bench.cluster.seed([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'pull', namespace },
      data: { '.dockerconfigjson': btoa(config) },
    },
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace },
      imagePullSecrets: [{ name: 'pull' }],
    },
  ])
}

const seenIn = async (namespace: string, areTenants = true) => {
  const images = { isScanned: () => true, usesLabels: () => false, areTenants }
  const used = { namespace, repository: repository() }
  return (await readRepositories([used], { store: bench.store, images }))(used)?.tags
}

describe('with --tenants what a repository holds', () => {
  it('is read with the login of each and told to nobody who has another', async () => {
    const [, green] = teams('blue', 'green', 'flags')
    login('blue', 'ann')
    bench.push({
      'blue/web.yaml': manifest(automated),
      'green/web.yaml': manifest(automated),
      'flags/web.yaml': manifest({ 'fluxcd.io/automated': 'false' }),
    })
    await bench.scan(repository())
    expect(users.toSorted()).toEqual(['', 'ann', 'operator'])
    expect(bench.queue.requests.map(({ name }) => name).toSorted()).toEqual(['blue', 'green'])

    for (const namespace of ['blue', 'flags']) {
      const key = tagsKey(repository(), await bench.store.get(scopeKey(namespace, repository())))
      const stored = readTags(await bench.store.get(key))
      await bench.store.set(key, JSON.stringify({ ...stored, tags: [...(stored?.tags ?? []), `1.0.9-${namespace}`] }))
    }
    expect(await seenIn('blue')).toContain('1.0.9-blue')
    expect(await seenIn('blue')).not.toContain('1.0.9-flags')
    expect(await seenIn('flags')).toContain('1.0.9-flags')
    expect(await seenIn('green')).toHaveLength(2)
    expect(await seenIn('red')).toBeUndefined()

    if (!green) throw new Error('no source')
    const listed = await listImages(green, { workload: '', all: false }, bench.deps, signal)
    expect(listed[0]?.containers[0]?.tags.map(({ tag }) => tag).toSorted()).toEqual(['1.0.0', '1.0.1'])
    const policy = { filter: 'glob:*' }
    const tested = await testPolicy(green, { policy, image: `${repository()}:1` }, bench.deps, signal)
    expect(tested[0]?.containers[0]?.tags.map(({ tag }) => tag).toSorted()).toEqual(['1.0.0', '1.0.1'])
  })

  it('is not read with the operator’s login for a pod that somebody runs', async () => {
    teams('blue')
    const { object } = live('blue')
    bench.cluster.seed([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'blue' } }, object])
    bench.push({ 'blue/none.yaml': '' })
    await bench.scan(repository())
    expect(users).toEqual([''])
  })

  it('is lost for nobody by the wrong login of another', async () => {
    teams('blue', 'green')
    login('blue', 'ann')
    login('green', 'mallory')
    refused = ['mallory', '']
    bench.push({ 'green/web.yaml': manifest(automated), 'blue/web.yaml': manifest(automated) })
    expect(await bench.scan(repository())).toMatchObject({
      end: 'done',
      summary: expect.stringMatching(/2 tags; .*wants 1\.0\.1.*not read this time/s),
    })
    expect(bench.queue.requests.map(({ name }) => name)).toEqual(['blue'])
    expect(await seenIn('blue')).toHaveLength(2)
  })
})

describe('without --tenants a wrong login', () => {
  it('is followed by the next source’s, and what is known is known to all', async () => {
    bench.deps.areTenants = false
    bench.deps.logins = { find: async () => undefined, refused() {} }
    teams('green', 'blue')
    login('green', 'mallory')
    login('blue', 'ann')
    refused = ['mallory', '']
    bench.push({ 'green/web.yaml': manifest(automated), 'blue/web.yaml': manifest(automated) })
    await bench.scan(repository())
    expect(users).toEqual(['mallory', 'ann'])
    expect(bench.queue.requests.map(({ name }) => name).toSorted()).toEqual(['blue', 'green'])
    expect(await seenIn('red', false)).toHaveLength(2)
  })
})

function live(namespace: string) {
  const containers = [{ name: 'app', image: `${repository()}:1.0.0` }]
  const object = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'spy', namespace },
    spec: { template: { spec: { containers } } },
  }
  return { object }
}
