import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApplyOptions, Cluster } from '../../src/adapters/cluster/index.ts'
import { type KubeObject, refOf } from '../../src/domain/manifest/object.ts'
import { type FieldPath, valueAt } from '../../src/domain/plan/field-path.ts'
import { parseFieldText, parsePointer } from '../../src/domain/plan/field-text.ts'
import { ownedHash } from '../../src/domain/plan/live.ts'
import { makeNamespace, realCluster, removeNamespace } from '../cluster/world.ts'
import { kubectl, kubectlApply, live } from './world.ts'

let cluster: Cluster
let namespace: string

beforeAll(async () => {
  cluster = realCluster()
  namespace = await makeNamespace(cluster)
})
afterAll(async () => {
  await removeNamespace(cluster, namespace)
  await cluster.close()
})

const containers = '.spec.template.spec.containers'

function deployment(name: string, replicas: number, image = 'example.com/web:1'): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace, labels: { 'fluxcd.io/sync-gc-mark': 'sha256.x' } },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image, args: ['--a', '--b'] }] },
      },
    },
  }
}

function field(object: KubeObject, text: string): unknown {
  return valueAt(object, parseFieldText(text, object) ?? [])
}

function leaving(...pointers: string[]): ApplyOptions & { leaveAlone: FieldPath[] } {
  return { force: true, leaveAlone: pointers.map(parsePointer) }
}

async function scale(name: string, replicas: number): Promise<void> {
  await kubectl(['-n', namespace, 'scale', `deployment/${name}`, `--replicas=${replicas}`])
}

describe('a field that is left alone', () => {
  it('is set at creation, then stays as others set it, with no drift', async () => {
    const options = leaving('/spec/replicas')
    const made = await cluster.apply(deployment('created', 2), options)
    expect(made.created).toBe(true)
    expect(field(made.object, '.spec.replicas')).toBe(2)
    await scale('created', 5)
    const scaled = await live(cluster, made.object)
    expect(ownedHash(scaled)).toBe(ownedHash(made.object))
    const next = await cluster.apply(deployment('created', 3, 'example.com/web:2'), options)
    expect(next.overruled).toEqual([])
    expect(field(next.object, '.spec.replicas')).toBe(5)
    expect(field(next.object, `${containers}[name="web"].image`)).toBe('example.com/web:2')
    const again = await cluster.apply(deployment('created', 3, 'example.com/web:2'), options)
    expect(again.object.metadata.generation).toBe(next.object.metadata.generation)
    expect(ownedHash(again.object)).toBe(ownedHash(next.object))
  })

  it('keeps its live value where it was ours before the rule', async () => {
    await cluster.apply(deployment('later', 2), { force: true })
    const { object } = await cluster.apply(deployment('later', 7), leaving('/spec/replicas'))
    expect(field(object, '.spec.replicas')).toBe(2)
    await scale('later', 4)
    const { object: next, overruled } = await cluster.apply(deployment('later', 7), { force: true })
    expect(overruled).toEqual(['kubectl: .spec.replicas'])
    expect(field(next, '.spec.replicas')).toBe(7)
  })

  it('is git’s again, with nobody overruled, once the rule is gone', async () => {
    await cluster.apply(deployment('ruleless', 2), leaving('/spec/replicas'))
    const { object, overruled, conflicts } = await cluster.apply(deployment('ruleless', 3), { force: true })
    expect([overruled, conflicts]).toEqual([[], []])
    expect(field(object, '.spec.replicas')).toBe(3)
  })

  it.each([
    ['an item by its place', '/spec/template/spec/containers/0/image', 'image'],
    ['an item by its name', '/spec/template/spec/containers/[name=web]/image', 'image'],
    ['a part of a list that is one field', '/spec/template/spec/containers/0/args/1', 'args[1]'],
  ])('may be %s', async (fact, pointer, text) => {
    const name = fact.replaceAll(' ', '-').replaceAll('an-', '')
    const options = leaving(pointer)
    const { object } = await cluster.apply(deployment(name, 1), options)
    const patch = [{ op: 'replace', path: pointer.replace('[name=web]', '0'), value: 'theirs' }]
    await kubectl(['-n', namespace, 'patch', `deployment/${name}`, '--type=json', `-p=${JSON.stringify(patch)}`])
    const next = await cluster.apply(deployment(name, 2), options)
    expect(field(next.object, `${containers}[name="web"].${text}`)).toBe('theirs')
    expect(field(next.object, '.spec.replicas')).toBe(2)
    expect(next.object.metadata.uid).toBe(object.metadata.uid)
  })

  it('shows as it is in a dry run, which writes nothing', async () => {
    const before = await cluster.apply(deployment('tried', 2), { force: true })
    const tried = await cluster.apply(deployment('tried', 9, 'example.com/web:2'), {
      ...leaving('/spec/replicas'),
      dryRun: true,
    })
    expect(field(tried.object, '.spec.replicas')).toBe(2)
    expect(field(tried.object, `${containers}[name="web"].image`)).toBe('example.com/web:2')
    const after = await live(cluster, before.object)
    expect([after.spec, ownedHash(after)]).toEqual([before.object.spec, ownedHash(before.object)])
  })

  it('never takes our own mark along', async () => {
    const options = leaving('/metadata/labels')
    const made = await cluster.apply(deployment('marked', 1), options)
    const again = await cluster.apply(deployment('marked', 1), options)
    expect(again.object.metadata.labels).toEqual({ 'fluxcd.io/sync-gc-mark': 'sha256.x' })
    expect(ownedHash(again.object)).toBe(ownedHash(made.object))
  })
})

describe('an object that yields', () => {
  it('leaves fields to those who own them, and only those', async () => {
    await cluster.apply(deployment('yields', 2), { force: true })
    await scale('yields', 5)
    await kubectl(['-n', namespace, 'set', 'image', 'deployment/yields', 'web=example.com/web:9'])
    const { object, yielded, overruled } = await cluster.apply(
      { ...deployment('yields', 3), metadata: { name: 'yields', namespace, labels: { new: 'yes' } } },
      { force: true, yieldTo: 'everybody' },
    )
    expect(yielded.toSorted()).toEqual([`kubectl-set: ${containers}[name="web"].image`, 'kubectl: .spec.replicas'])
    expect(overruled).toEqual([])
    expect(field(object, '.spec.replicas')).toBe(5)
    expect(field(object, `${containers}[name="web"].image`)).toBe('example.com/web:9')
    expect(object.metadata.labels).toEqual({ new: 'yes' })
  })
})

describe('an object that a release made too', () => {
  function made(annotations: Record<string, string>, name: string): KubeObject {
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, annotations }, data: { a: 'helm' } }
  }
  const release = { 'meta.helm.sh/release-name': 'shop', 'meta.helm.sh/release-namespace': 'x' }

  it('is refused where the release is ours, and the release named', async () => {
    const object = made({ ...release, 'helm.fluxcd.io/antecedent': 'x:helmrelease/shop' }, 'released')
    await kubectlApply([object], '--server-side', '--field-manager=helm')
    const git = { ...made({}, 'released'), data: { a: 'git' } }
    await expect(cluster.apply(git, { force: true })).rejects.toMatchObject({
      reason: 'FieldConflict',
      message: expect.stringMatching(/Release shop of x:helmrelease\/shop owns .*released.*\.data\.a/) as string,
    })
    expect((await live(cluster, git)).data).toEqual({ a: 'helm' })
  })

  it('is overruled where somebody else ran helm', async () => {
    await kubectlApply([made(release, 'foreign')], '--server-side', '--field-manager=helm')
    const { object, overruled } = await cluster.apply({ ...made({}, 'foreign'), data: { a: 'git' } }, { force: true })
    expect(overruled).toEqual(['helm: .data.a'])
    expect(object.data).toEqual({ a: 'git' })
  })
})

describe('a field that cannot be changed', () => {
  function service(name: string, more: object): KubeObject {
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace },
      spec: { ...more, ports: [{ port: 80 }] },
    }
  }
  function binding(name: string, role: string): KubeObject {
    const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role }
    return { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding', metadata: { name, namespace }, roleRef }
  }
  function job(name: string, image: string): KubeObject {
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'a', image }] } }
    return { apiVersion: 'batch/v1', kind: 'Job', metadata: { name, namespace }, spec: { template, suspend: true } }
  }
  async function immutable(before: KubeObject, after: KubeObject): Promise<void> {
    await cluster.apply(before, { force: true })
    await expect(cluster.apply(after, { force: true })).rejects.toMatchObject({ reason: 'ImmutableField' })
  }

  it.each([
    ['a Job', job('again', 'a:1'), job('again', 'a:2'), '.spec.template.spec.containers[name="a"].image'],
    ['a Service', service('again', {}), service('again', { clusterIP: 'None' }), '.spec.clusterIP'],
    ['a RoleBinding', binding('again', 'a'), binding('again', 'b'), '.roleRef.name'],
  ])('is reported, and set by making %s again', async (_kind, first, next, text) => {
    const [before, after] = [first, next].map((object) => ({ ...object, metadata: { name: 'again', namespace } }))
    if (!before || !after) throw new Error('no objects')
    await immutable(before, after)
    const { uid = '' } = (await live(cluster, before)).metadata
    const { object, created } = await cluster.recreate(after, uid, { force: true })
    expect(created).toBe(true)
    expect(object.metadata.uid).not.toBe(uid)
    expect(field(object, text)).toBe(field(after, text))
  })

  it('is no reason to make an object again in which something else is wrong', async () => {
    const before = deployment('wrong', 1)
    await cluster.apply(before, { force: true })
    const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'web' }] } }
    const after = { ...before, spec: { selector: { matchLabels: { app: 'x' } }, template } }
    await expect(cluster.apply(after, { force: true })).rejects.toMatchObject({ reason: 'ApplyRefused' })
  })

  it('does not delete another object of that name', async () => {
    const { object } = await cluster.apply(job('other', 'a:1'), { force: true })
    await expect(
      cluster.recreate(job('other', 'a:2'), '00000000-0000-0000-0000-000000000000', { force: true }),
    ).rejects.toMatchObject({ reason: 'OtherWriter' })
    expect((await live(cluster, object)).metadata.uid).toBe(object.metadata.uid)
  })

  it('waits for finalizers no longer than it should, and never forces them', async () => {
    const held = { ...job('held', 'a:1'), metadata: { name: 'held', namespace, finalizers: ['example.com/hold'] } }
    const { object } = await cluster.apply(held, { force: true })
    await expect(
      cluster.recreate(job('held', 'a:2'), object.metadata.uid ?? '', { force: true }),
    ).rejects.toMatchObject({ reason: 'NotReady', message: expect.stringContaining('is being deleted') as string })
    expect((await live(cluster, object)).metadata.uid).toBe(object.metadata.uid)
    await cluster.patch(refOf(object), { metadata: { finalizers: null } })
  })
})

describe('list items with the same key', () => {
  it.each([
    [
      'env',
      {
        env: [
          { name: 'A', value: '1' },
          { name: 'A', value: '2' },
        ],
      },
      /duplicate entries for key \[name="A"\]/,
    ],
    [
      'ports',
      { ports: [{ containerPort: 80 }, { containerPort: 80 }] },
      /duplicate entries for key .*containerPort=80/,
    ],
  ])('in %s are refused with their name', async (fact, more, message) => {
    const object = deployment(`twice-${fact}`, 1)
    const spec = { containers: [{ name: 'web', image: 'a', ...more }] }
    const template = { metadata: { labels: { app: object.metadata.name } }, spec }
    await expect(
      cluster.apply({ ...object, spec: { ...(object.spec as object), template } }, { force: true }),
    ).rejects.toMatchObject({ reason: 'ApplyRefused', message: expect.stringMatching(message) as string })
  })
})
